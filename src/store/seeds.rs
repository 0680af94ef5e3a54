//! People and conversations in great numbers, for a database to measure on.

use std::collections::HashMap;

use sea_orm::{DatabaseTransaction, FromQueryResult, Value};
use sohbet_entity::ids::{ConversationId, UserId};

use super::rows::Bulk;
use super::{ConversationRow, Fault, Pair, Store, now};

impl Store {
    /// Makes rows for those who have none: id, and name to show.
    pub async fn create_people(&self, people: &[(UserId, String)]) -> Result<(), Fault> {
        let at = now();
        let txn = self.begin().await?;
        INSERT_PEOPLE
            .execute(&txn, people, |(id, name), values| {
                values.extend([id.as_str().into(), name.as_str().into(), "MEMBER".into()]);
                values.extend([false.into(), at.into(), at.into()]);
            })
            .await?;
        Ok(txn.commit().await?)
    }

    /// The direct conversations of pairs of users who exist, in the order of the pairs; made, with small
    /// integers as ids, where there are none.
    pub async fn create_pairs(&self, pairs: &[Pair]) -> Result<Vec<ConversationRow>, Fault> {
        let ids = self.free_ids(pairs.len()).await?;
        let txn = self.begin().await?;
        let new: Vec<_> = ids.iter().zip(pairs).collect();
        INSERT_PAIRS.execute(&txn, &new, bind_pair).await?;
        let mut found = find_pairs(&txn, pairs).await?;
        let rows = pairs.iter().map(|pair| found.remove(pair));
        // Another node may have taken an id at this moment.
        let rows: Vec<_> = rows.collect::<Option<_>>().ok_or(Fault::Unique)?;
        let of_pair = |(row, pair)| move_in(row, pair);
        let participants: Vec<_> = rows.iter().zip(pairs).flat_map(of_pair).collect();
        INSERT_PARTICIPANTS
            .execute(&txn, &participants, bind_participant)
            .await?;
        txn.commit().await?;
        Ok(rows)
    }

    /// So many small integers that no conversation has as its id.
    async fn free_ids(&self, n_ids: usize) -> Result<Vec<ConversationId>, Fault> {
        let mut free: Vec<ConversationId> = Vec::with_capacity(n_ids);
        while free.len() < n_ids {
            let mut ids = Vec::with_capacity(n_ids);
            for _ in free.len()..n_ids {
                ids.push(self.conversation_ids.next().await?.to_string().into());
            }
            let asked: Vec<&ConversationId> = ids.iter().collect();
            let taken = self.find_conversations(&asked).await?;
            ids.retain(|id| taken.iter().all(|(row, _)| row.id != *id));
            free.append(&mut ids);
        }
        Ok(free)
    }
}

async fn find_pairs(
    txn: &DatabaseTransaction,
    pairs: &[Pair],
) -> Result<HashMap<Pair, ConversationRow>, Fault> {
    let bind = |pair: &Pair, values: &mut Vec<Value>| {
        values.extend([pair.first.as_str().into(), pair.second.as_str().into()]);
    };
    let rows = FIND_PAIRS.query(txn, pairs, bind).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let row = ConversationRow::from_query_result(row, "")?;
        if let (Some(first), Some(second)) = (row.user1_id.clone(), row.user2_id.clone()) {
            found.insert(Pair { first, second }, row);
        }
    }
    Ok(found)
}

fn bind_pair((id, pair): &(&ConversationId, &Pair), values: &mut Vec<Value>) {
    let at = now();
    values.extend([id.as_str().into(), "direct".into()]);
    values.extend([pair.first.as_str().into(), pair.second.as_str().into()]);
    values.extend([0_i64.into(), 0_i64.into(), at.into(), at.into()]);
}

fn move_in<'a>(row: &'a ConversationRow, pair: &'a Pair) -> [(&'a ConversationId, &'a UserId); 2] {
    [(&row.id, &pair.first), (&row.id, &pair.second)]
}

fn bind_participant((id, user): &(&ConversationId, &UserId), values: &mut Vec<Value>) {
    values.extend([id.as_str().into(), user.as_str().into(), "MEMBER".into()]);
    values.extend([0_i64.into(), 0_i64.into(), 0_i64.into()]);
    values.extend([false.into(), false.into(), now().into()]);
}

static INSERT_PEOPLE: Bulk = Bulk::new(
    r#"INSERT INTO "user" (id, display_name, role, disabled, created_at, updated_at) VALUES"#,
    6,
    "ON CONFLICT DO NOTHING",
);

static INSERT_PAIRS: Bulk = Bulk::new(
    "INSERT INTO conversation (id, kind, user1_id, user2_id, last_seq, last_rev, created_at, \
     updated_at) VALUES",
    8,
    "ON CONFLICT DO NOTHING",
);

static FIND_PAIRS: Bulk = Bulk::new(
    "SELECT conversation.* FROM (VALUES",
    2,
    ") AS v JOIN conversation ON conversation.user1_id = v.column1 \
     AND conversation.user2_id = v.column2",
);

static INSERT_PARTICIPANTS: Bulk = Bulk::new(
    "INSERT INTO participant (conversation_id, party, role, joined_seq, last_read_seq, \
     last_delivered_seq, muted, archived, created_at) VALUES",
    9,
    "ON CONFLICT DO NOTHING",
);
