//! Messages that were sent before, found by the ids that their sender gave them.

use sea_orm::ConnectionTrait;
use sohbet_entity::ids::{ConversationId, UserId};

use super::messages::from_row;
use super::{Fault, MessageRow, Store, statement};

/// Conversations in which one sender used the same client id.
const MAX_FOUND: i64 = 20;

impl Store {
    /// The message of a sender in a conversation that has that client id.
    pub async fn find_sent(
        &self,
        conversation: &ConversationId,
        sender: &UserId,
        client_id: &str,
    ) -> Result<Option<MessageRow>, Fault> {
        let sql = "SELECT * FROM message WHERE conversation_id = $1 AND sender_id = $2 AND client_id = $3";
        let values = [
            conversation.as_str().into(),
            sender.as_str().into(),
            client_id.into(),
        ];
        let row = statement(&self.read, sql, values);
        let row = self.read.query_one_raw(row).await?;
        row.as_ref().map(from_row).transpose()
    }

    /// The messages of a sender that have that client id, in direct conversations.
    pub async fn find_sent_privately(
        &self,
        sender: &UserId,
        client_id: &str,
    ) -> Result<Vec<MessageRow>, Fault> {
        let values = [sender.as_str().into(), client_id.into(), MAX_FOUND.into()];
        let rows = statement(&self.read, FIND_SENT_PRIVATELY, values);
        let rows = self.read.query_all_raw(rows).await?;
        rows.iter().map(from_row).collect()
    }
}

const FIND_SENT_PRIVATELY: &str = "SELECT message.* FROM conversation JOIN message \
     ON message.conversation_id = conversation.id AND message.sender_id = $1 AND message.client_id = $2 \
     WHERE conversation.user1_id = $1 OR conversation.user2_id = $1 LIMIT $3";
