//! Conversations: finding and making the one of a pair.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use sohbet_entity::ids::{ConversationId, UserId, canonical_decimal};

use super::{ConversationRow, Fault, Store, now, statement, users};

/// Tries to find a free id before giving up; each looks at [`IDS_PER_TRY`] of them.
const MAX_ID_TRIES: u32 = 64;
/// Ids looked at together: in development mode clients may have taken many in a row.
const IDS_PER_TRY: usize = 64;

/// The two users of a direct conversation, smaller id first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The smaller id.
    pub first: UserId,
    /// The larger id; the same one for a talk with oneself.
    pub second: UserId,
}

impl Pair {
    /// Orders two ids: by value when both are canonical decimals, otherwise by bytes.
    pub fn new(a: UserId, b: UserId) -> Self {
        let (left, right) = (a.as_str(), b.as_str());
        let is_ordered = match (canonical_decimal(left), canonical_decimal(right)) {
            (Some(left), Some(right)) => left <= right,
            _ => left <= right,
        };
        let (first, second) = if is_ordered { (a, b) } else { (b, a) };
        Self { first, second }
    }

    /// The other one of the two; oneself in a talk with oneself.
    pub fn other(&self, user: &UserId) -> &UserId {
        if *user == self.first {
            &self.second
        } else {
            &self.first
        }
    }

    /// Whether the user is one of the two.
    pub fn contains(&self, user: &UserId) -> bool {
        *user == self.first || *user == self.second
    }
}

/// A direct conversation to find or to make.
#[derive(Debug, Clone)]
pub struct NewPair {
    /// Who talks.
    pub pair: Pair,
    /// The id that the client would like; taken when it is free.
    pub wanted_id: Option<ConversationId>,
    /// Otherwise it gets a small integer, or a UUID.
    pub is_numbered: bool,
}

impl Store {
    /// The conversation with that id.
    pub async fn find_conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<ConversationRow>, Fault> {
        find(&self.read, "id = $1", [id.as_str().into()]).await
    }

    /// The direct conversation of a pair.
    pub async fn find_pair(&self, pair: &Pair) -> Result<Option<ConversationRow>, Fault> {
        by_pair(&self.read, pair).await
    }

    /// The direct conversation of a pair; made, with its users, when there is none. Two nodes that
    /// do this at once get the same one. Says whether this call made it.
    pub async fn find_or_create_pair(
        &self,
        new: NewPair,
    ) -> Result<(ConversationRow, bool), Fault> {
        let mut wanted_id = new.wanted_id;
        for _ in 0..MAX_ID_TRIES {
            let id = match wanted_id.take() {
                Some(id) => Some(id),
                None if new.is_numbered => self.free_id().await?,
                None => Some(ConversationId::from(uuid::Uuid::now_v7().to_string())),
            };
            let Some(id) = id else { continue };
            let txn = self.begin().await?;
            let found = create_pair(&txn, &id, &new.pair).await?;
            txn.commit().await?;
            match found {
                Some(found) => return Ok(found),
                None => tracing::debug!(conversation.id = %id, "conversation id is taken"),
            }
        }
        Err(Fault::Unique)
    }

    /// The first of the next ids that nobody has taken; the ids before it are skipped for good.
    async fn free_id(&self) -> Result<Option<ConversationId>, Fault> {
        for _ in 0..IDS_PER_TRY {
            let id = ConversationId::from(self.conversation_ids.next().await?.to_string());
            if self.find_conversation(&id).await?.is_none() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// Makes the pair's conversation under `id`, unless it exists, and says whether it did. `None` when
/// `id` is taken by another.
async fn create_pair(
    txn: &DatabaseTransaction,
    id: &ConversationId,
    pair: &Pair,
) -> Result<Option<(ConversationRow, bool)>, Fault> {
    users::ensure_users(txn, &[&pair.first, &pair.second]).await?;
    let sql = "INSERT INTO conversation (id, kind, user1_id, user2_id, last_seq, last_rev, \
               created_at, updated_at) VALUES ($1, 'direct', $2, $3, 0, 0, $4, $4) \
               ON CONFLICT DO NOTHING";
    let (first, second) = (pair.first.as_str(), pair.second.as_str());
    let values = [
        id.as_str().into(),
        first.into(),
        second.into(),
        now().into(),
    ];
    let inserted = txn.execute_raw(statement(txn, sql, values)).await?;
    let is_new = inserted.rows_affected() > 0;
    let Some(conversation) = by_pair(txn, pair).await? else {
        return Ok(None);
    };
    let sql = "INSERT INTO participant (conversation_id, party, role, joined_seq, last_read_seq, \
               last_delivered_seq, muted, archived, created_at) \
               VALUES ($1, $2, 'MEMBER', 0, 0, 0, $4, $4, $5), ($1, $3, 'MEMBER', 0, 0, 0, $4, $4, $5) \
               ON CONFLICT DO NOTHING";
    let values = [
        conversation.id.as_str().into(),
        first.into(),
        second.into(),
        false.into(),
        now().into(),
    ];
    txn.execute_raw(statement(txn, sql, values)).await?;
    Ok(Some((conversation, is_new)))
}

async fn by_pair(db: &impl ConnectionTrait, pair: &Pair) -> Result<Option<ConversationRow>, Fault> {
    let values = [pair.first.as_str().into(), pair.second.as_str().into()];
    find(db, "user1_id = $1 AND user2_id = $2", values).await
}

async fn find<const N: usize>(
    db: &impl ConnectionTrait,
    condition: &str,
    values: [sea_orm::Value; N],
) -> Result<Option<ConversationRow>, Fault> {
    let sql = format!("SELECT * FROM conversation WHERE {condition}");
    let row = db.query_one_raw(statement(db, sql, values)).await?;
    Ok(row
        .map(|row| ConversationRow::from_query_result(&row, ""))
        .transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(a: &str, b: &str) -> [String; 2] {
        let pair = Pair::new(UserId::from(a), UserId::from(b));
        [pair.first.to_string(), pair.second.to_string()]
    }

    #[test]
    fn decimals_order_by_value_and_others_by_bytes() {
        assert_eq!(pair("10", "9"), ["9", "10"]);
        assert_eq!(pair("010", "9"), ["010", "9"]);
        assert_eq!(pair("b", "a"), ["a", "b"]);
        assert_eq!(pair("7", "7"), ["7", "7"]);
    }
}
