//! What happens to a message after it was stored: it is edited, deleted and reacted to, all by the
//! writer, and what is kept beside its text changes.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use serde_json::Value as Json;
use sohbet_entity::ids::{ConversationId, MessageId};

use super::rows::Bulk;
use super::writer::{Change, ChangedMessage, MAX_REACTIONS, MAX_WAYS, NewChange};
use super::{Fault, MessageRow, Store, batches, messages, reactions, statement, uploads};

/// A change that is made, and still waits for its `rev`.
pub struct MadeChange {
    /// The message now; where nothing has changed, with the `rev` that it had.
    pub row: MessageRow,
    pub has_changed: bool,
    /// The last message of the conversation when it took its `rev`.
    pub last_seq: i64,
    /// As [`ChangedMessage::facts_in`].
    pub facts_in: i64,
    /// Whether it is about what the message says.
    is_of_text: bool,
}

/// Makes changes in the given order. `None` for a message that does not exist, and for one that is
/// deleted: it no longer changes.
pub async fn make(
    txn: &DatabaseTransaction,
    changes: &[&NewChange],
) -> Result<Vec<Option<MadeChange>>, Fault> {
    lock_all(txn, changes).await?;
    let mut made = Vec::with_capacity(changes.len());
    for change in changes {
        made.push(make_one(txn, change).await?);
    }
    Ok(made)
}

/// Locks the messages in the same order on every node. The writer, too, takes messages before their
/// conversation.
async fn lock_all(txn: &DatabaseTransaction, changes: &[&NewChange]) -> Result<(), Fault> {
    if changes.len() < 2 {
        return Ok(());
    }
    let mut ids: Vec<&MessageId> = changes.iter().map(|change| &change.message).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        lock(txn, id).await?;
    }
    Ok(())
}

async fn make_one(
    txn: &DatabaseTransaction,
    change: &NewChange,
) -> Result<Option<MadeChange>, Fault> {
    let Some(row) = lock(txn, &change.message).await? else {
        return Ok(None);
    };
    if row.deleted_at.is_some() && change.change != Change::Delete {
        return Ok(None);
    }
    let (row, has_changed) = match &change.change {
        Change::React { emoji, is_added } => {
            let has_changed = react(txn, change, emoji, *is_added).await?;
            (row, has_changed)
        }
        Change::Edit { content } if row.content.as_ref() == Some(content) => (row, false),
        Change::Edit { content } => (edit(txn, change, row, content).await?, true),
        Change::Delete if row.deleted_at.is_some() => (row, false),
        Change::Delete => (delete(txn, change, row).await?, true),
    };
    Ok(Some(MadeChange {
        last_seq: row.seq,
        facts_in: 0,
        row,
        has_changed,
        is_of_text: !matches!(change.change, Change::React { .. }),
    }))
}

async fn react(
    txn: &DatabaseTransaction,
    change: &NewChange,
    emoji: &str,
    is_added: bool,
) -> Result<bool, Fault> {
    let (message, user) = (change.message.as_str(), change.by.as_str());
    let changed = if is_added {
        // The message is locked. Whoever asks for many at once is stopped here: when they were let in,
        // none of them was stored.
        let sql = "INSERT INTO reaction (message_id, user_id, emoji, created_at) \
                   SELECT $1, $2, $3, $4 \
                   WHERE (SELECT COUNT(*) FROM reaction WHERE message_id = $1) < $5 AND \
                   (SELECT COUNT(*) FROM reaction WHERE message_id = $1 AND user_id = $2) < $6 \
                   ON CONFLICT DO NOTHING";
        let limits = [MAX_REACTIONS as i64, MAX_WAYS as i64].map(Value::from);
        let values = [message.into(), user.into(), emoji.into(), change.at.into()];
        let values = values.into_iter().chain(limits);
        txn.execute_raw(statement(txn, sql, values)).await?
    } else {
        let sql = "DELETE FROM reaction WHERE message_id = $1 AND user_id = $2 AND emoji = $3";
        let values = [message.into(), user.into(), emoji.into()];
        txn.execute_raw(statement(txn, sql, values)).await?
    };
    Ok(changed.rows_affected() > 0)
}

async fn edit(
    txn: &DatabaseTransaction,
    change: &NewChange,
    row: MessageRow,
    content: &str,
) -> Result<MessageRow, Fault> {
    let sql = "UPDATE message SET content = $1, edited_at = $2 WHERE id = $3";
    let values = [content.into(), change.at.into(), row.id.as_str().into()];
    txn.execute_raw(statement(txn, sql, values)).await?;
    Ok(MessageRow {
        content: Some(content.to_owned()),
        edited_at: Some(change.at),
        ..row
    })
}

/// Takes away what the message says and shows, and what others did to it. Its place, its sender and
/// its client id stay: a late repeat of the send still finds it.
async fn delete(
    txn: &DatabaseTransaction,
    change: &NewChange,
    row: MessageRow,
) -> Result<MessageRow, Fault> {
    let sql = "UPDATE message SET content = NULL, file_url = NULL, file_name = NULL, \
               file_size = NULL, file_type = NULL, metadata = NULL, reply_to = NULL, \
               deleted_at = $1 WHERE id = $2";
    let values = [change.at.into(), row.id.as_str().into()];
    txn.execute_raw(statement(txn, sql, values)).await?;
    uploads::release(txn, &row).await?;
    let sql = "DELETE FROM reaction WHERE message_id = $1";
    txn.execute_raw(statement(txn, sql, [row.id.as_str().into()]))
        .await?;
    Ok(MessageRow {
        content: None,
        file_url: None,
        file_name: None,
        file_size: None,
        file_type: None,
        metadata: None,
        reply_to: None,
        deleted_at: Some(change.at),
        ..row
    })
}

/// Stamps the messages with the `rev` of their changes, and looks up what delivery tells of them.
pub async fn finish(
    txn: &DatabaseTransaction,
    made: Vec<Option<MadeChange>>,
) -> Result<Vec<Option<ChangedMessage>>, Fault> {
    if made.is_empty() {
        return Ok(Vec::new());
    }
    let stamped = || made.iter().flatten().filter(|change| change.has_changed);
    // Of several changes of one message the last counts.
    let newest: HashMap<&str, i64> = stamped()
        .map(|change| (change.row.id.as_str(), change.row.rev))
        .collect();
    let newest: Vec<(&str, i64)> = newest.into_iter().collect();
    let bind = |(id, rev): &(&str, i64), values: &mut Vec<Value>| {
        values.extend([(*id).into(), (*rev).into()]);
    };
    STAMP_MESSAGES.execute(txn, &newest, bind).await?;
    let of_text = stamped().filter(|change| change.is_of_text);
    for conversation in of_text.map(|change| &change.row.conversation_id) {
        renew_preview(txn, conversation).await?;
    }
    let ids: Vec<&MessageId> = made.iter().flatten().map(|change| &change.row.id).collect();
    let found = reactions::list(txn, &ids, MAX_REACTIONS as u32).await?;
    let by_message = reactions::by_message(found.rows);
    let changed = |made: MadeChange| ChangedMessage {
        reactions: by_message.get(&made.row.id).cloned().unwrap_or_default(),
        row: Arc::new(made.row),
        last_seq: made.last_seq,
        facts_in: made.facts_in,
        has_changed: made.has_changed,
    };
    Ok(made.into_iter().map(|made| made.map(changed)).collect())
}

/// Shows of a conversation what its newest message says that is not deleted.
async fn renew_preview(txn: &DatabaseTransaction, id: &ConversationId) -> Result<(), Fault> {
    let sql = "SELECT * FROM message WHERE conversation_id = $1 AND deleted_at IS NULL \
               ORDER BY seq DESC LIMIT 1";
    let newest = txn
        .query_one_raw(statement(txn, sql, [id.as_str().into()]))
        .await?;
    let newest = newest.as_ref().map(messages::from_row).transpose()?;
    let sql = "UPDATE conversation SET last_message_preview = $1 WHERE id = $2";
    let preview = newest.as_ref().and_then(batches::preview);
    txn.execute_raw(statement(txn, sql, [preview.into(), id.as_str().into()]))
        .await?;
    Ok(())
}

static STAMP_MESSAGES: Bulk = Bulk::new(
    "UPDATE message SET rev = v.column2, is_changed = true FROM (VALUES",
    2,
    ") AS v WHERE message.id = v.column1",
);

impl Store {
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

/// Reads a message that nobody else changes until the transaction ends.
async fn lock(txn: &DatabaseTransaction, id: &MessageId) -> Result<Option<MessageRow>, Fault> {
    let sql = "UPDATE message SET rev = rev WHERE id = $1 RETURNING *";
    let row = txn
        .query_one_raw(statement(txn, sql, [id.as_str().into()]))
        .await?;
    row.as_ref().map(messages::from_row).transpose()
}

#[cfg(test)]
mod tests;
