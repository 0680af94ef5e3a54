//! Reading messages.

use std::collections::HashSet;
use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::{Caller, Chat, Conversation, Message};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{MessageRow, Page, Pair};

/// Messages of a page that is read at once. A longer one may take many megabytes, so only some are read
/// at a time.
const MAX_SHORT_PAGE: u32 = 100;

impl Chat {
    /// A page of the messages of a conversation. Whoever calls has asked whether it may be seen.
    pub async fn read_page(
        &self,
        conversation: &Arc<Conversation>,
        page: Page,
    ) -> Result<Vec<Message>> {
        let reading = async {
            let rows = self.store.list_messages(&conversation.id, page).await?;
            self.dress_page(conversation, rows).await
        };
        match page.limit > MAX_SHORT_PAGE {
            true => self.long_reads.among_all(reading).await,
            false => reading.await,
        }
    }

    /// The rows of one conversation with the people in them.
    pub(super) async fn dress_page(
        &self,
        conversation: &Arc<Conversation>,
        rows: Vec<MessageRow>,
    ) -> Result<Vec<Message>> {
        let rows = rows.into_iter().map(|row| (Arc::clone(conversation), row));
        self.dress_all(rows.collect()).await
    }

    /// Rows with the people in them, who are read together as far as they are not in memory.
    pub(super) async fn dress_all(
        &self,
        rows: Vec<(Arc<Conversation>, MessageRow)>,
    ) -> Result<Vec<Message>> {
        let senders = rows.iter().map(|(_, row)| &row.sender_id);
        let others = rows
            .iter()
            .filter_map(|(conversation, row)| conversation.other(&row.sender_id));
        let people: HashSet<&UserId> = senders.chain(others).collect();
        self.profiles(people).await?;
        let mut messages = Vec::with_capacity(rows.len());
        for (conversation, row) in rows {
            messages.push(self.dress(&conversation, row).await?);
        }
        Ok(messages)
    }

    /// A row with the people in it.
    pub(super) async fn dress(
        &self,
        conversation: &Arc<Conversation>,
        row: MessageRow,
    ) -> Result<Message> {
        let sender = self.profile(&row.sender_id).await?;
        let receiver = match conversation.other(&row.sender_id) {
            Some(other) => Some(self.profile(other).await?),
            None => None,
        };
        Ok(Message {
            row: self.shown(Arc::new(row)),
            sender,
            receiver,
            conversation: Arc::clone(conversation),
            duplicate: false,
            reactions: Vec::new(),
            facts_in: 0,
        })
    }

    /// A page of a conversation's messages. Somebody who may not see the conversation finds it
    /// empty, like one that does not exist.
    pub async fn list_messages(
        &self,
        caller: &Caller,
        id: &ConversationId,
        page: Page,
    ) -> Result<Vec<Message>> {
        match self.approach(caller, id).await {
            Ok(Some(conversation)) => self.read_page(&conversation, page).await,
            Ok(None) | Err(Error::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// A page of the messages of two users, one of whom must be the caller.
    pub async fn list_pair_messages(
        &self,
        caller: &Caller,
        pair: &Pair,
        page: Page,
    ) -> Result<Vec<Message>> {
        caller.check(Permission::Read)?;
        match self.find_pair(pair).await? {
            Some(conversation) if conversation.admits(caller) => {
                self.read_page(&conversation, page).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A message, wherever it is.
    pub async fn find_message(&self, id: &MessageId) -> Result<Option<MessageRow>> {
        Ok(self.store.find_message(id).await?)
    }

    /// Refuses a message that is not in that conversation.
    pub(super) async fn check_message(
        &self,
        conversation: &ConversationId,
        id: &MessageId,
    ) -> Result<()> {
        match self.store.find_message(id).await? {
            Some(row) if row.conversation_id == *conversation => Ok(()),
            _ => Err(Error::NO_MESSAGE),
        }
    }
}
