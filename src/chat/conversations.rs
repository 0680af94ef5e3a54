//! Conversations: one log per pair of users, and one per room.

mod outdated;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sohbet_entity::enums::{ParticipantRole, RoomType};
use sohbet_entity::ids::{ConversationId, GalleryId, UserId};

use super::users::is_gallery;
use super::{Caller, Chat};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{ConversationSummary, NewPair, Pair, StoredConversation};
pub use outdated::Change;
use outdated::Outdated;

/// Conversations kept in memory.
const CACHED_CONVERSATIONS: usize = 100_000;
/// Conversations and room members kept in memory, counted together.
const CACHED_WEIGHT: u64 = 2_000_000;
/// Longest conversation list that one answer holds.
const MAX_LISTED: u32 = 1_000;

/// Who talks in a conversation. A snapshot: a change makes a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Two users, or a room.
    pub kind: Kind,
    /// The transaction that last changed anything of it but what was said; 0 where only one node
    /// works on the data.
    pub facts_in: i64,
    /// Its last change and its last message when this was read.
    pub head: (i64, i64),
}

/// What a conversation is between.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Two users.
    Pair(Pair),
    /// The people or the galleries of a room.
    Room(Room),
}

/// What has to be known of a room for every message in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// What it is about.
    pub room_type: RoomType,
    /// Its name; may be empty.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether anybody may join who knows its id.
    pub is_open: bool,
    /// Whether it is in use.
    pub is_active: bool,
    /// The two galleries of a dealer room.
    pub galleries: Option<[GalleryId; 2]>,
    /// The users who take part, and what each may do.
    pub members: HashMap<UserId, ParticipantRole>,
}

impl Conversation {
    /// The two users of a direct conversation.
    pub fn pair(&self) -> Option<&Pair> {
        match &self.kind {
            Kind::Pair(pair) => Some(pair),
            Kind::Room(_) => None,
        }
    }

    /// The room, unless it is a direct conversation.
    pub fn room(&self) -> Option<&Room> {
        match &self.kind {
            Kind::Pair(_) => None,
            Kind::Room(room) => Some(room),
        }
    }

    /// The other user of a direct conversation.
    pub fn other(&self, user: &UserId) -> Option<&UserId> {
        self.pair().map(|pair| pair.other(user))
    }

    /// The users who take part by name; in the rooms of dealers nobody does.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        let pair = self.pair().into_iter();
        let pair = pair.flat_map(|pair| [&pair.first, &pair.second]);
        let members = self.room().into_iter().flat_map(|room| room.members.keys());
        pair.chain(members)
    }

    /// How much memory it takes: one, and one for each member of a room.
    fn weight(&self) -> u64 {
        let n_members = self.room().map_or(0, |room| room.members.len());
        1 + n_members as u64
    }

    /// The galleries of a dealer room.
    pub fn galleries(&self) -> Option<&[GalleryId; 2]> {
        self.room()?.galleries.as_ref()
    }

    /// Whether a user takes part by name; the users of a gallery do not.
    pub fn has_member(&self, user: &UserId) -> bool {
        match &self.kind {
            Kind::Pair(pair) => pair.contains(user),
            Kind::Room(room) => room.members.contains_key(user),
        }
    }
}

impl From<StoredConversation> for Conversation {
    fn from(stored: StoredConversation) -> Self {
        let facts_in = stored.row.facts_in;
        let head = (stored.row.last_rev, stored.row.last_seq);
        let (id, first, second) = (stored.row.id, stored.row.user1_id, stored.row.user2_id);
        let members = stored.participants.into_iter();
        let members = members.filter_map(|row| Some((row.party.user()?, row.role)));
        let kind = match (first.zip(second), stored.room) {
            (Some((first, second)), _) => Kind::Pair(Pair { first, second }),
            (None, Some(room)) => Kind::Room(Room {
                room_type: room.room_type,
                name: room.name,
                description: room.description,
                is_open: room.is_open,
                is_active: room.is_active,
                galleries: room.gallery_a_id.zip(room.gallery_b_id).map(<[_; 2]>::from),
                members: members.collect(),
            }),
            // A room whose own row is missing: nobody takes part in it.
            (None, None) => Kind::Room(Room {
                room_type: RoomType::Group,
                name: String::new(),
                description: None,
                is_open: false,
                is_active: false,
                galleries: None,
                members: HashMap::new(),
            }),
        };
        Self {
            id,
            kind,
            facts_in,
            head,
        }
    }
}

/// Known conversations, by id and by pair. The ids of pairs never change; snapshots are replaced
/// with every change, and a snapshot that was read before a change is never kept after it.
pub struct Conversations {
    by_id: Cache<ConversationId, Arc<Known>, BySize>,
    by_pair: Cache<Pair, ConversationId>,
    n_changes: AtomicU64,
    /// Held while a snapshot is compared with the one in its place.
    keeping: Mutex<()>,
    outdated: Outdated,
}

/// A snapshot, and whether it holds no longer.
struct Known {
    conversation: Arc<Conversation>,
    is_stale: AtomicBool,
}

#[derive(Clone)]
struct BySize;

impl Weighter<ConversationId, Arc<Known>> for BySize {
    fn weight(&self, _: &ConversationId, known: &Arc<Known>) -> u64 {
        known.conversation.weight()
    }
}

impl Conversations {
    pub fn new() -> Self {
        Self {
            by_id: Cache::with_weighter(CACHED_CONVERSATIONS, CACHED_WEIGHT, BySize),
            by_pair: Cache::new(CACHED_CONVERSATIONS),
            n_changes: AtomicU64::new(0),
            keeping: Mutex::default(),
            outdated: Outdated::default(),
        }
    }

    /// The snapshot that is in memory, if there is one.
    pub fn peek(&self, id: &ConversationId) -> Option<Arc<Conversation>> {
        let known = self.by_id.get(id);
        let known = known.filter(|known| !known.is_stale.load(Ordering::SeqCst));
        known.map(|known| Arc::clone(&known.conversation))
    }

    /// The snapshot that is in memory, or the given one. Of one that holds no longer nobody knows whether
    /// it was read later, unless it says so.
    fn newer(&self, given: &Arc<Conversation>) -> Arc<Conversation> {
        let known = self.by_id.get(&given.id);
        let is_newer = |known: &Arc<Known>| {
            let is_stale = known.is_stale.load(Ordering::SeqCst);
            !is_stale || known.conversation.facts_in > given.facts_in
        };
        let newer = known.filter(is_newer);
        newer.map_or_else(
            || Arc::clone(given),
            |known| Arc::clone(&known.conversation),
        )
    }

    /// Keeps a snapshot that was read after `n_changes` changes. If there was one since, somebody may
    /// have read it later: then it is only there for [`Conversations::newer`].
    fn remember(&self, stored: StoredConversation, n_changes: u64) -> Arc<Conversation> {
        let conversation = Arc::new(Conversation::from(stored));
        if conversation.pair().is_none() && self.n_changes() != n_changes {
            self.keep(&conversation, true);
            return conversation;
        }
        self.outdated.compare(&conversation);
        self.keep(&conversation, false);
        if let Some(pair) = conversation.pair() {
            self.by_pair.insert(pair.clone(), conversation.id.clone());
        } else if self.n_changes() != n_changes {
            self.set_stale(&conversation.id);
        }
        conversation
    }

    /// Keeps a snapshot, if it is not a stale one in the place of one that may be newer.
    fn keep(&self, conversation: &Arc<Conversation>, is_stale: bool) {
        let _keeping = self.keeping.lock();
        let known = self.by_id.get(&conversation.id);
        let is_newer = known.is_none_or(|it| it.conversation.facts_in < conversation.facts_in);
        if is_newer || !is_stale {
            let known = Known {
                conversation: Arc::clone(conversation),
                is_stale: AtomicBool::new(is_stale),
            };
            self.by_id.insert(conversation.id.clone(), Arc::new(known));
        }
    }

    fn n_changes(&self) -> u64 {
        self.n_changes.load(Ordering::SeqCst)
    }

    /// What is in memory about a conversation no longer holds.
    pub fn forget(&self, id: &ConversationId) {
        self.n_changes.fetch_add(1, Ordering::SeqCst);
        self.set_stale(id);
    }

    fn set_stale(&self, id: &ConversationId) {
        if let Some(known) = self.by_id.get(id) {
            known.is_stale.store(true, Ordering::SeqCst);
        }
    }

    /// As [`Conversations::forget`], when nobody here knows what has changed: the difference is told
    /// when the conversation is read next.
    pub fn doubt(&self, id: &ConversationId) {
        self.outdate(id, None, false);
    }

    /// As [`Conversations::doubt`], when those who take part are about to be told how it is now.
    pub fn renew(&self, id: &ConversationId) {
        self.outdate(id, None, true);
    }

    /// As [`Conversations::renew`], when a user no longer takes part and is told so by the caller. Others may
    /// have parted as well, of which this node has not heard.
    pub fn renew_without(&self, id: &ConversationId, parted: &UserId) {
        self.outdate(id, Some(parted), true);
    }

    /// What was read last is compared with what is read next, though it may hold no longer: nobody was told
    /// of more than that.
    fn outdate(&self, id: &ConversationId, parted: Option<&UserId>, is_told: bool) {
        if let Some(known) = self.by_id.get(id) {
            let before = known.conversation.without(parted);
            self.outdated.put(before, is_told);
        }
        self.forget(id);
    }
}

impl Chat {
    /// The conversation with that id, if it exists.
    pub async fn find_conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<Arc<Conversation>>> {
        match self.conversations.peek(id) {
            Some(conversation) => Ok(Some(conversation)),
            // Boxed, as is all that is rarely done for a message: the memory for it is kept for each event.
            None => Box::pin(self.load_conversation(id)).await,
        }
    }

    async fn load_conversation(&self, id: &ConversationId) -> Result<Option<Arc<Conversation>>> {
        let n_changes = self.conversations.n_changes();
        let was_known = self.conversations.by_id.peek(id).is_some();
        let stored = self.store.load_conversation(id).await?;
        let found = stored.map(|stored| self.conversations.remember(stored, n_changes));
        // Where nodes share the database, it is asked whether that is how it is now before anybody is told.
        let may_compare = self.is_shared() || self.conversations.n_changes() == n_changes;
        if let Some(found) = found.as_ref().filter(|_| !was_known && may_compare) {
            let listening = self.sessions.listening_members(id);
            self.conversations.outdated.compare_with(listening, found);
        }
        Ok(found)
    }

    /// The conversation after a change, which makes what was in memory hold no longer.
    pub(super) async fn read_conversation(&self, id: &ConversationId) -> Result<Arc<Conversation>> {
        let found = self.find_conversation(id).await?;
        found.ok_or(Error::NO_CONVERSATION)
    }

    /// The newest snapshot that is in memory: who was removed since `known` was read hears nothing.
    pub fn current(&self, known: &Arc<Conversation>) -> Arc<Conversation> {
        self.conversations.newer(known)
    }

    /// The conversation of a pair, if they have one.
    pub(super) async fn find_pair(&self, pair: &Pair) -> Result<Option<Arc<Conversation>>> {
        if let Some(id) = self.conversations.by_pair.get(pair) {
            return self.find_conversation(&id).await;
        }
        let stored = Box::pin(self.store.find_pair(pair)).await?;
        match stored {
            Some(row) => self.find_conversation(&row.id).await,
            None => Ok(None),
        }
    }

    /// The conversation of a pair; made when they have none, under `wanted_id` if that is free, or
    /// else under a new id, a small number if the dialect's are. Says whether this call made it.
    pub(super) async fn pair_conversation(
        &self,
        pair: Pair,
        wanted_id: Option<ConversationId>,
        is_numbered: bool,
    ) -> Result<(Arc<Conversation>, bool)> {
        match self.find_pair(&pair).await? {
            Some(conversation) => Ok((conversation, false)),
            None => Box::pin(self.make_pair(pair, wanted_id, is_numbered)).await,
        }
    }

    async fn make_pair(
        &self,
        pair: Pair,
        wanted_id: Option<ConversationId>,
        is_numbered: bool,
    ) -> Result<(Arc<Conversation>, bool)> {
        for user in [&pair.first, &pair.second] {
            if is_gallery(user) {
                return Err(Error::InvalidPayload("Invalid user ID"));
            }
            if !self.config.allow_unknown_users {
                self.known_profile(user).await?;
            }
        }
        let new = NewPair {
            pair,
            wanted_id,
            is_numbered,
        };
        let (row, is_new) = self.store.find_or_create_pair(new).await?;
        let made = self.find_conversation(&row.id).await?;
        if is_new {
            self.tell_changed(&row.id).await;
        }
        Ok((made.ok_or(Error::Internal)?, is_new))
    }

    /// The direct conversations of the caller, with the newest message and exact unread counts.
    pub async fn list_conversations(&self, caller: &Caller) -> Result<Vec<ConversationSummary>> {
        caller.check(Permission::Read)?;
        Ok(self.store.list_pairs(&caller.user, MAX_LISTED).await?)
    }
}

#[cfg(test)]
mod tests;
