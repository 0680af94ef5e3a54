//! Whether those who send and change messages still take part when that is stored: they were let in by
//! what was known before, and may have parted since.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{DatabaseTransaction, Value};
use sohbet_entity::ids::ConversationId;

use super::Batch;
use crate::store::changes::MadeChange;
use crate::store::rows::Bulk;
use crate::store::{Fault, MessageRow};

/// Refuses a batch with a message or a change by somebody who has parted. The conversations are locked by
/// now, so nobody parts before it is committed.
pub async fn check(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    fresh: &[Option<MessageRow>],
    made: &[Option<MadeChange>],
    facts: &HashMap<ConversationId, i64>,
) -> Result<(), Fault> {
    let messages = batch.messages.iter().zip(fresh);
    let messages = messages.filter_map(|(message, row)| {
        let row = row.as_ref()?;
        Some((message.admitted_in?, &row.conversation_id, &row.sender_id))
    });
    let changes = batch.changes.iter().zip(made);
    let changes = changes.filter_map(|(change, made)| {
        let made = made.as_ref().filter(|made| made.has_changed)?;
        Some((change.admitted_in?, &made.row.conversation_id, &change.by))
    });
    // Where only one node works on the data nobody counts what has changed.
    let may_have_parted = messages.chain(changes).filter(|(admitted_in, room, _)| {
        *admitted_in == 0 || facts.get(*room) != Some(admitted_in)
    });
    let senders: BTreeSet<(&str, &str)> = may_have_parted
        .map(|(_, room, sender)| (room.as_str(), sender.as_str()))
        .collect();
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
