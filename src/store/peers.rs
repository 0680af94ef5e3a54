//! Who shares a conversation with whom.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use sohbet_entity::ids::{PartyId, UserId};

use super::rows::Bulk;
use super::{Fault, Store, statement};

/// Somebody one shares a conversation with.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Acquaintance {
    /// Who.
    pub id: UserId,
    /// When their last socket had gone.
    pub last_seen_at: Option<DateTime<Utc>>,
}

impl Store {
    /// At most `limit` users who share a conversation with a user.
    pub async fn list_acquaintances(
        &self,
        user: &UserId,
        limit: u32,
    ) -> Result<Vec<UserId>, Fault> {
        let sql = "SELECT DISTINCT other.party FROM participant AS mine \
                   JOIN participant AS other ON other.conversation_id = mine.conversation_id \
                   AND other.left_at IS NULL AND other.party <> mine.party \
                   WHERE mine.party = $1 AND mine.left_at IS NULL LIMIT $2";
        let values = [user.as_str().into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            let party: PartyId = row.try_get_by_index(0)?;
            users.extend(party.user());
        }
        Ok(users)
    }

    /// Those of `asked` who share a conversation with a user.
    pub async fn find_acquaintances(
        &self,
        user: &UserId,
        asked: &[UserId],
    ) -> Result<Vec<Acquaintance>, Fault> {
        let bind = |id: &UserId, values: &mut Vec<Value>| {
            values.extend([id.as_str().into(), user.as_str().into()]);
        };
        let rows = FIND_ACQUAINTANCES.query(&self.read, asked, bind).await?;
        let rows = rows
            .iter()
            .map(|row| Acquaintance::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

static FIND_ACQUAINTANCES: Bulk = Bulk::new(
    "SELECT u.id, u.last_seen_at FROM (VALUES",
    2,
    r#") AS v JOIN "user" AS u ON u.id = v.column1
    WHERE EXISTS (SELECT 1 FROM participant AS other
    JOIN participant AS mine ON mine.conversation_id = other.conversation_id
    AND mine.party = v.column2 AND mine.left_at IS NULL
    WHERE other.party = v.column1 AND other.left_at IS NULL)"#,
);
