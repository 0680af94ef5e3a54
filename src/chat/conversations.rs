//! Conversations: one log per pair of users.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sohbet_entity::ids::{ConversationId, UserId};

use super::Chat;
use crate::error::{Error, Result};
use crate::store::{ConversationRow, ConversationSummary, NewPair, Pair};

/// Conversations kept in memory.
const CACHED_CONVERSATIONS: usize = 100_000;
/// Longest conversation list that one answer holds.
const MAX_LISTED: u32 = 1_000;

/// What never changes about a conversation, so that it can be kept in memory without care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The two users of a direct conversation.
    pub pair: Option<Pair>,
}

impl Conversation {
    /// The other user of a direct conversation.
    pub fn other(&self, user: &UserId) -> Option<&UserId> {
        self.pair.as_ref().map(|pair| pair.other(user))
    }
}

impl From<ConversationRow> for Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            id: row.id,
            pair: row
                .user1_id
                .zip(row.user2_id)
                .map(|(first, second)| Pair { first, second }),
        }
    }
}

/// Known conversations, by id and by pair.
pub struct Conversations {
    by_id: Cache<ConversationId, Arc<Conversation>>,
    by_pair: Cache<Pair, Arc<Conversation>>,
}

impl Conversations {
    pub fn new() -> Self {
        Self {
            by_id: Cache::new(CACHED_CONVERSATIONS),
            by_pair: Cache::new(CACHED_CONVERSATIONS),
        }
    }

    fn remember(&self, row: ConversationRow) -> Arc<Conversation> {
        let conversation = Arc::new(Conversation::from(row));
        self.by_id
            .insert(conversation.id.clone(), Arc::clone(&conversation));
        if let Some(pair) = &conversation.pair {
            self.by_pair.insert(pair.clone(), Arc::clone(&conversation));
        }
        conversation
    }
}

impl Chat {
    /// The conversation with that id, if it exists.
    pub async fn find_conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<Arc<Conversation>>> {
        if let Some(conversation) = self.conversations.by_id.get(id) {
            return Ok(Some(conversation));
        }
        let row = self.store.find_conversation(id).await?;
        Ok(row.map(|row| self.conversations.remember(row)))
    }

    /// The conversation of a pair, if they have one.
    pub(super) async fn find_pair(&self, pair: &Pair) -> Result<Option<Arc<Conversation>>> {
        if let Some(conversation) = self.conversations.by_pair.get(pair) {
            return Ok(Some(conversation));
        }
        let row = self.store.find_pair(pair).await?;
        Ok(row.map(|row| self.conversations.remember(row)))
    }

    /// The conversation of a pair; made when they have none, under `wanted_id` if that is free.
    pub(super) async fn pair_conversation(
        &self,
        pair: Pair,
        wanted_id: Option<ConversationId>,
    ) -> Result<Arc<Conversation>> {
        if let Some(conversation) = self.find_pair(&pair).await? {
            return Ok(conversation);
        }
        if !self.config.allow_unknown_users {
            self.known_profile(&pair.first).await?;
            self.known_profile(&pair.second).await?;
        }
        let new = NewPair { pair, wanted_id };
        let row = self.store.find_or_create_pair(new).await?;
        Ok(self.conversations.remember(row))
    }

    /// The direct conversations of a user, with the newest message and exact unread counts.
    pub async fn list_conversations(&self, user: &UserId) -> Result<Vec<ConversationSummary>> {
        Ok(self.store.list_pairs(user, MAX_LISTED).await?)
    }

    /// The conversation, if the caller may see it.
    pub(super) async fn visible_conversation(
        &self,
        user: &UserId,
        id: &ConversationId,
    ) -> Result<Arc<Conversation>> {
        match self.find_conversation(id).await? {
            Some(found) if super::access::may_see(&found, user) => Ok(found),
            _ => Err(Error::NotFound("Conversation not found")),
        }
    }
}
