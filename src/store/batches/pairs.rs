//! A half that has a key of its own and finds its other half stored without one: the stored row takes
//! the key, so that a repeat of that half finds it, however much later.

use std::collections::HashMap;

use sea_orm::{DatabaseTransaction, Value};
use sohbet_entity::ids::MessageId;

use super::Batch;
use crate::store::rows::Bulk;
use crate::store::writer::NewMessage;
use crate::store::{Fault, MessageRow, messages};

/// A message of a batch and the stored row that may be its other half.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Its number in the batch.
    pub message: usize,
    /// The stored half.
    pub row: MessageId,
}

impl Pair {
    /// The same in a batch of that message alone.
    pub fn alone(&self) -> Self {
        Self {
            message: 0,
            row: self.row.clone(),
        }
    }
}

/// A message of a batch that is stored under the key of its other half, which came in the same batch.
pub struct Claim<'a> {
    /// The number of the message that is stored.
    pub message: usize,
    /// The other half.
    pub other: &'a NewMessage,
}

impl Claim<'_> {
    /// The same in a batch of that message alone.
    pub fn alone(&self) -> Self {
        Self {
            message: 0,
            ..*self
        }
    }
}

/// Finds out what the second halves are: the rows that they are paired with, which take their keys; or
/// the rows that are stored under their keys already. A half whose row is gone stays unknown. Returns
/// the pairs whose row is still without its other half.
pub async fn join(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    pairs: Vec<Pair>,
    known: &mut [Option<MessageRow>],
) -> Result<Vec<Pair>, Fault> {
    // What is known is stored under its own key.
    let (mut open, new): (Vec<Pair>, Vec<Pair>) = pairs
        .into_iter()
        .partition(|pair| known[pair.message].is_some());
    if new.is_empty() {
        return Ok(open);
    }
    let key = |pair: &Pair| batch.messages[pair.message].row.client_id.as_deref();
    let claims: Vec<(&MessageId, &str)> = new
        .iter()
        .filter_map(|pair| Some((&pair.row, key(pair)?)))
        .collect();
    let bind = |(id, key): &(&MessageId, &str), values: &mut Vec<Value>| {
        values.extend([id.as_str().into(), (*key).into()]);
    };
    TAKE_KEYS.execute(txn, &claims, bind).await?;
    let ids: Vec<&MessageId> = new.iter().map(|pair| &pair.row).collect();
    let rows = messages::find_by_id(txn, &ids).await?;
    let rows: HashMap<MessageId, MessageRow> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    for pair in &new {
        let row = rows.get(&pair.row);
        let is_joined = |row: &&MessageRow| {
            let key = key(pair);
            key.is_none() || row.client_id.as_deref() == key
        };
        known[pair.message] = row.filter(is_joined).cloned();
    }
    // The key is that of another row: this half came before, and was stored or paired then.
    let is_other = |pair: &Pair| known[pair.message].is_none();
    let others: Vec<Pair> = new.into_iter().filter(is_other).collect();
    let asked: Vec<&NewMessage> = others.iter().map(|it| batch.messages[it.message]).collect();
    for (pair, row) in others.iter().zip(messages::find_stored(txn, &asked).await?) {
        known[pair.message] = row;
    }
    open.extend(others);
    Ok(open)
}

/// The keys under which messages of the batch are stored, by their number: those of their other halves
/// in the same batch. With `look_up`, keys that are taken already are left out.
pub async fn claimed_keys<'a>(
    txn: &DatabaseTransaction,
    batch: &Batch<'a>,
    look_up: bool,
) -> Result<HashMap<usize, &'a str>, Fault> {
    let is_asked = |claim: &&Claim| look_up || claim.other.earlier.is_some();
    let asked: Vec<&Claim> = batch.claims.iter().filter(is_asked).collect();
    let mut taken = Vec::new();
    if !asked.is_empty() {
        let others: Vec<&NewMessage> = asked.iter().map(|claim| claim.other).collect();
        let found = messages::find_stored(txn, &others).await?;
        let found = asked.iter().zip(found);
        taken.extend(found.filter_map(|(claim, row)| row.map(|_| claim.message)));
    }
    let free = batch
        .claims
        .iter()
        .filter(|it| !taken.contains(&it.message));
    let keys = free.filter_map(|it| Some((it.message, it.other.row.client_id.as_deref()?)));
    Ok(keys.collect())
}

static TAKE_KEYS: Bulk = Bulk::new(
    "UPDATE message SET client_id = v.column2 FROM (VALUES",
    2,
    ") AS v WHERE message.id = v.column1 AND message.client_id IS NULL AND NOT EXISTS (\
     SELECT 1 FROM message AS other WHERE other.conversation_id = message.conversation_id \
     AND other.sender_id = message.sender_id AND other.client_id = v.column2)",
);
