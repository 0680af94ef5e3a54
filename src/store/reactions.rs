//! Reactions to messages.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use sohbet_entity::ids::{MessageId, UserId};

use super::rows::Bulk;
use super::{Fault, MessageRow, Store, messages, transactions};

/// One user's reaction, with how many users reacted the same way.
#[derive(Debug, Clone, FromQueryResult, Serialize, Deserialize)]
pub struct ReactionRow {
    /// To which message.
    pub message_id: MessageId,
    /// The reaction.
    pub emoji: String,
    /// Who.
    pub user_id: UserId,
    /// How many users reacted to the message with that emoji.
    pub n_users: i64,
}

impl Store {
    /// Of each message and emoji the first `limit` users, in the order in which they reacted.
    pub async fn list_reactions(
        &self,
        messages: &[&MessageId],
        limit: u32,
    ) -> Result<Vec<ReactionRow>, Fault> {
        Ok(list(&self.read, messages, limit).await?.rows)
    }

    /// Messages that were read a moment ago with their reactions, as in [`Store::list_reactions`].
    /// Both are as they were at one moment: what has changed since is read again, and what is gone is
    /// left out.
    pub async fn with_reactions(
        &self,
        rows: Vec<MessageRow>,
        limit: u32,
    ) -> Result<(Vec<MessageRow>, Vec<ReactionRow>), Fault> {
        let ids: Vec<&MessageId> = rows.iter().map(|row| &row.id).collect();
        let found = list(&self.read, &ids, limit).await?;
        if rows.iter().all(|row| found.fits(row)) {
            return Ok((rows, found.rows));
        }
        let snapshot = transactions::begin_snapshot(&self.read).await?;
        let renewed = messages::find_by_id(&snapshot, &ids).await?;
        let found = list(&snapshot, &ids, limit).await?;
        snapshot.commit().await?;
        let renewed = renewed.into_iter().map(|row| (row.id.clone(), row));
        let mut renewed: HashMap<MessageId, MessageRow> = renewed.collect();
        let rows = ids.into_iter().filter_map(|id| renewed.remove(id));
        Ok((rows.collect(), found.rows))
    }
}

/// Reactions to messages, and what each message had for a `rev` when they were read.
pub struct Reactions {
    pub rows: Vec<ReactionRow>,
    revs: HashMap<MessageId, i64>,
}

impl Reactions {
    /// Whether a message is still what it was when it was read.
    pub fn fits(&self, row: &MessageRow) -> bool {
        self.revs.get(&row.id) == Some(&row.rev)
    }
}

/// The reactions to each message.
pub fn by_message(rows: Vec<ReactionRow>) -> HashMap<MessageId, Vec<ReactionRow>> {
    let mut by_message: HashMap<MessageId, Vec<ReactionRow>> = HashMap::new();
    for row in rows {
        let of_message = by_message.entry(row.message_id.clone()).or_default();
        of_message.push(row);
    }
    by_message
}

/// As [`Store::list_reactions`], inside a transaction too. One statement: reactions and `rev` fit
/// together.
pub async fn list(
    db: &impl ConnectionTrait,
    messages: &[&MessageId],
    limit: u32,
) -> Result<Reactions, Fault> {
    // A message that is asked for twice would have everything twice.
    let messages: BTreeSet<&MessageId> = messages.iter().copied().collect();
    let asked: Vec<_> = messages.into_iter().map(|id| (id, limit)).collect();
    let bind = |(id, limit): &(&MessageId, u32), values: &mut Vec<Value>| {
        values.extend([id.as_str().into(), i64::from(*limit).into()]);
    };
    let found = LIST_REACTIONS.query(db, &asked, bind).await?;
    let (mut rows, mut revs) = (Vec::new(), HashMap::with_capacity(asked.len()));
    for row in &found {
        let id: String = row.try_get("", "message_id")?;
        revs.insert(id.into(), row.try_get("", "rev")?);
        let emoji: Option<String> = row.try_get("", "emoji")?;
        if emoji.is_some() {
            rows.push(ReactionRow::from_query_result(row, "")?);
        }
    }
    Ok(Reactions { rows, revs })
}

static LIST_REACTIONS: Bulk = Bulk::new(
    "SELECT r.message_id, r.rev, r.emoji, r.user_id, r.n_users FROM (SELECT m.id AS message_id, \
     m.rev, q.emoji, q.user_id, v.column2 AS n_wanted, \
     ROW_NUMBER() OVER (PARTITION BY m.id, q.emoji ORDER BY q.created_at, q.user_id) AS place, \
     MIN(q.created_at) OVER (PARTITION BY m.id, q.emoji) AS begun_at, \
     COUNT(*) OVER (PARTITION BY m.id, q.emoji) AS n_users FROM (VALUES",
    2,
    ") AS v JOIN message AS m ON m.id = v.column1 \
     LEFT JOIN reaction AS q ON q.message_id = m.id) AS r WHERE r.place <= r.n_wanted \
     ORDER BY r.message_id, r.begun_at, r.emoji, r.place",
);
