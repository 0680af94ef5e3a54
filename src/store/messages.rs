//! Reading messages.

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};
use sohbet_entity::ids::{ConversationId, MessageId};

use super::rows::Bulk;
use super::writer::{EarlierKey, NewMessage};
use super::{Fault, MessageRow, Store, statement};

/// A page of a conversation's log: the messages just after `after`, or else the newest ones before
/// `before`, both without the named one.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only messages with a larger `seq`.
    pub after: Option<i64>,
    /// Only messages with a smaller `seq`.
    pub before: Option<i64>,
    /// At most so many messages.
    pub limit: u32,
}

impl Store {
    /// A page of messages, ascending by `seq`. Unknown conversations are empty.
    pub async fn list_messages(
        &self,
        conversation: &ConversationId,
        page: Page,
    ) -> Result<Vec<MessageRow>, Fault> {
        let order = if page.after.is_some() { "ASC" } else { "DESC" };
        let sql = format!(
            "SELECT * FROM message WHERE conversation_id = $1 AND seq > $2 AND seq < $3 \
             ORDER BY seq {order} LIMIT $4"
        );
        let values = [
            conversation.as_str().into(),
            page.after.unwrap_or(0).into(),
            page.before.unwrap_or(i64::MAX).into(),
            i64::from(page.limit).into(),
        ];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let mut messages = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        if order == "DESC" {
            messages.reverse();
        }
        Ok(messages)
    }

    /// The messages with those ids, as far as they exist.
    pub async fn find_messages(&self, ids: &[&MessageId]) -> Result<Vec<MessageRow>, Fault> {
        find_by_id(&self.read, ids).await
    }

    /// The message with that id.
    pub async fn find_message(&self, id: &MessageId) -> Result<Option<MessageRow>, Fault> {
        let sql = "SELECT * FROM message WHERE id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        row.as_ref().map(from_row).transpose()
    }
}

/// As [`Store::find_messages`], inside a transaction too.
pub async fn find_by_id(
    db: &impl ConnectionTrait,
    ids: &[&MessageId],
) -> Result<Vec<MessageRow>, Fault> {
    let bind = |id: &&MessageId, values: &mut Vec<Value>| values.push(id.as_str().into());
    let found = FIND_BY_ID.query(db, ids, bind).await?;
    found.iter().map(from_row).collect()
}

/// For each new message the row that is stored already: under the same id, or under the same
/// client id of the same sender.
pub async fn find_stored(
    db: &impl ConnectionTrait,
    new: &[&NewMessage],
) -> Result<Vec<Option<MessageRow>>, Fault> {
    let by_id = FIND_BY_ID
        .query(db, new, |message, values| {
            values.push(message.row.id.as_str().into());
        })
        .await?;
    let keys: Vec<ClientKey> = new
        .iter()
        .flat_map(|message| ClientKey::all(message))
        .collect();
    let by_key = FIND_BY_CLIENT_ID.query(db, &keys, ClientKey::bind).await?;
    let rows = by_id.iter().chain(&by_key).map(from_row);
    let rows = rows.collect::<Result<Vec<MessageRow>, _>>()?;
    let found = |message: &&NewMessage| {
        let is_it = |row: &&MessageRow| is_same_send(message, row);
        // The newest first: a key of an earlier time window may be taken by an older send.
        rows.iter().filter(is_it).max_by_key(|row| row.seq).cloned()
    };
    Ok(new.iter().map(found).collect())
}

static FIND_BY_ID: Bulk = Bulk::new(
    "SELECT * FROM message WHERE id IN (SELECT column1 FROM (VALUES",
    1,
    ") AS v)",
);

static FIND_BY_CLIENT_ID: Bulk = Bulk::new(
    "SELECT message.* FROM (VALUES",
    3,
    ") AS v JOIN message ON message.conversation_id = v.column1 \
     AND message.sender_id = v.column2 AND message.client_id = v.column3",
);

fn is_same_send(new: &NewMessage, row: &MessageRow) -> bool {
    let mine = &new.row;
    let of_same_sender =
        mine.conversation_id == row.conversation_id && mine.sender_id == row.sender_id;
    of_same_sender && (mine.id == row.id || has_same_key(new, row))
}

fn has_same_key(new: &NewMessage, row: &MessageRow) -> bool {
    let Some(client_id) = row.client_id.as_deref() else {
        return false;
    };
    let is_earlier = |earlier: &EarlierKey| {
        earlier.client_id == client_id && row.created_at >= earlier.not_before
    };
    new.row.client_id.as_deref() == Some(client_id) || new.earlier.as_ref().is_some_and(is_earlier)
}

/// One unique key under which a send may be stored.
struct ClientKey<'a> {
    message: &'a MessageRow,
    client_id: &'a str,
}

impl<'a> ClientKey<'a> {
    fn all(new: &'a NewMessage) -> impl Iterator<Item = Self> {
        let earlier = new.earlier.as_ref().map(|earlier| &earlier.client_id);
        let ids = [new.row.client_id.as_ref(), earlier];
        ids.into_iter().flatten().map(|client_id| ClientKey {
            message: &new.row,
            client_id,
        })
    }

    fn bind(&self, values: &mut Vec<Value>) {
        values.extend([
            self.message.conversation_id.as_str().into(),
            self.message.sender_id.as_str().into(),
            self.client_id.into(),
        ]);
    }
}

/// A message row from a `SELECT *`.
pub fn from_row(row: &QueryResult) -> Result<MessageRow, Fault> {
    Ok(MessageRow::from_query_result(row, "")?)
}
