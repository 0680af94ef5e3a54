//! Reactions to messages.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use sohbet_entity::ids::{MessageId, UserId};

use super::rows::Bulk;
use super::{Fault, Store};

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
        list(&self.read, messages, limit).await
    }
}

/// As [`Store::list_reactions`], inside a transaction too.
pub async fn list(
    db: &impl ConnectionTrait,
    messages: &[&MessageId],
    limit: u32,
) -> Result<Vec<ReactionRow>, Fault> {
    // A message that is asked for twice would have everything twice.
    let messages: BTreeSet<&MessageId> = messages.iter().copied().collect();
    let asked: Vec<_> = messages.into_iter().map(|id| (id, limit)).collect();
    let bind = |(id, limit): &(&MessageId, u32), values: &mut Vec<Value>| {
        values.extend([id.as_str().into(), i64::from(*limit).into()]);
    };
    let rows = LIST_REACTIONS.query(db, &asked, bind).await?;
    let rows = rows
        .iter()
        .map(|row| ReactionRow::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}

static LIST_REACTIONS: Bulk = Bulk::new(
    "SELECT r.message_id, r.emoji, r.user_id, r.n_users FROM (SELECT q.*, v.column2 AS n_wanted, \
     ROW_NUMBER() OVER (PARTITION BY q.message_id, q.emoji ORDER BY q.created_at, q.user_id) AS place, \
     MIN(q.created_at) OVER (PARTITION BY q.message_id, q.emoji) AS begun_at, \
     COUNT(*) OVER (PARTITION BY q.message_id, q.emoji) AS n_users FROM (VALUES",
    2,
    ") AS v JOIN reaction AS q ON q.message_id = v.column1) AS r WHERE r.place <= r.n_wanted \
     ORDER BY r.message_id, r.begun_at, r.emoji, r.place",
);
