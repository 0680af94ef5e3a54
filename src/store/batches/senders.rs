//! Whether senders still take part when their messages are stored: they were let in by what was known
//! before, and may have parted since.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{DatabaseTransaction, Value};
use sohbet_entity::ids::ConversationId;

use super::Batch;
use crate::store::rows::Bulk;
use crate::store::{Fault, MessageRow};

/// Refuses a batch with a message whose sender has parted. The conversations are locked by now, so nobody
/// parts before it is committed.
pub async fn check(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    fresh: &[Option<MessageRow>],
    facts: &HashMap<ConversationId, i64>,
) -> Result<(), Fault> {
    let mut senders = BTreeSet::new();
    for (message, row) in batch.messages.iter().zip(fresh) {
        let (Some(admitted_in), Some(row)) = (message.admitted_in, row) else {
            continue;
        };
        // Where only one node works on the data nobody counts what has changed.
        let is_same = admitted_in > 0 && facts.get(&row.conversation_id) == Some(&admitted_in);
        if !is_same {
            senders.insert((row.conversation_id.as_str(), row.sender_id.as_str()));
        }
    }
    if senders.is_empty() {
        return Ok(());
    }
    let senders: Vec<(&str, &str)> = senders.into_iter().collect();
    let bind = |(room, sender): &(&str, &str), values: &mut Vec<Value>| {
        values.extend([(*room).into(), (*sender).into()]);
    };
    match PARTED.query(txn, &senders, bind).await?.is_empty() {
        true => Ok(()),
        false => Err(Fault::Parted),
    }
}

static PARTED: Bulk = Bulk::new(
    "SELECT v.column1 FROM (VALUES",
    2,
    ") AS v WHERE NOT EXISTS (SELECT 1 FROM participant WHERE conversation_id = v.column1 \
     AND party = v.column2 AND left_at IS NULL)",
);
