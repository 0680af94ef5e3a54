//! What happens to a message after it was stored: reactions, and what is kept beside its text.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value as Json;
use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::{Fault, MessageRow, Store, messages, now, statement};

impl Store {
    /// Puts a reaction on a message, or takes it away. Returns whether that changed anything; then
    /// the message has the next `rev` of its conversation.
    pub async fn change_reaction(
        &self,
        message: &MessageId,
        user: &UserId,
        emoji: &str,
        is_added: bool,
    ) -> Result<bool, Fault> {
        let txn = self.begin().await?;
        let Some(row) = lock(&txn, message).await? else {
            return Ok(false);
        };
        let (message, user) = (message.as_str(), user.as_str());
        let changed = if is_added {
            let sql = "INSERT INTO reaction (message_id, user_id, emoji, created_at) \
                       VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
            let values = [message.into(), user.into(), emoji.into(), now().into()];
            txn.execute_raw(statement(&txn, sql, values)).await?
        } else {
            let sql = "DELETE FROM reaction WHERE message_id = $1 AND user_id = $2 AND emoji = $3";
            let values = [message.into(), user.into(), emoji.into()];
            txn.execute_raw(statement(&txn, sql, values)).await?
        };
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let rev = next_rev(&txn, &row.conversation_id).await?;
        let sql = "UPDATE message SET rev = $1 WHERE id = $2";
        txn.execute_raw(statement(&txn, sql, [rev.into(), message.into()]))
            .await?;
        txn.commit().await?;
        Ok(true)
    }

    /// Changes what is kept beside the text of a message, and nothing that clients are told of as a
    /// change. Returns whether `change` gave something else.
    pub async fn change_metadata(
        &self,
        message: &MessageId,
        change: impl FnOnce(Option<Json>) -> Option<Json>,
    ) -> Result<bool, Fault> {
        let txn = self.begin().await?;
        let row = lock(&txn, message).await?;
        let Some(metadata) = row.and_then(|row| change(row.metadata)) else {
            return Ok(false);
        };
        let sql = "UPDATE message SET metadata = $1 WHERE id = $2";
        let values = [metadata.into(), message.as_str().into()];
        txn.execute_raw(statement(&txn, sql, values)).await?;
        txn.commit().await?;
        Ok(true)
    }
}

/// Reads a message that nobody else changes until the transaction ends. The writer, too, takes
/// messages before their conversation.
async fn lock(txn: &DatabaseTransaction, id: &MessageId) -> Result<Option<MessageRow>, Fault> {
    let sql = "UPDATE message SET rev = rev WHERE id = $1 RETURNING *";
    let row = txn
        .query_one_raw(statement(txn, sql, [id.as_str().into()]))
        .await?;
    row.as_ref().map(messages::from_row).transpose()
}

async fn next_rev(txn: &DatabaseTransaction, id: &ConversationId) -> Result<i64, Fault> {
    let sql = "UPDATE conversation SET last_rev = last_rev + 1, updated_at = $1 WHERE id = $2 \
               RETURNING last_rev";
    let values = [now().into(), id.as_str().into()];
    let row = txn.query_one_raw(statement(txn, sql, values)).await?;
    Ok(row.ok_or(Fault::Row)?.try_get_by_index(0)?)
}
