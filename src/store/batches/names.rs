//! Ids that are milliseconds, on a database that several nodes share: they are given out in the
//! transaction, when the conversations are locked, so that they go up with `seq` whichever node stores.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use sea_orm::DatabaseTransaction;
use sohbet_entity::ids::MessageId;

use super::Batch;
use crate::store::writer::{NewId, NewMessage};
use crate::store::{Fault, MessageRow, is_shared, messages, meta};

/// The ids that were given out to messages of a batch, by their number. A second try has the same ones:
/// if the first was committed although its answer was lost, its rows are found, or stand in the way.
#[derive(Default)]
pub struct Names(Mutex<HashMap<usize, MessageId>>);

impl Names {
    /// Has new ones given out with the next try: nothing is stored under these.
    pub fn forget(&self) {
        self.names().clear();
    }

    /// Those of the n-th message alone.
    pub fn of_one(&self, index: usize) -> Self {
        let name = self.names().get(&index).cloned();
        Self(Mutex::new(name.map(|name| (0, name)).into_iter().collect()))
    }

    /// Whether a row is what an earlier try stored of the n-th message.
    pub fn has_stored(&self, index: usize, row: &MessageRow) -> bool {
        self.names().get(&index) == Some(&row.id)
    }

    /// What an earlier try stored. If it was not committed after all, others may have been given its
    /// ids since; then a new one is given out.
    pub async fn find_stored(
        &self,
        txn: &DatabaseTransaction,
        new: &[&NewMessage],
        known: &mut [Option<MessageRow>],
    ) -> Result<(), Fault> {
        let by_id: HashMap<MessageId, usize> = {
            let names = self.names();
            names
                .iter()
                .map(|(index, id)| (id.clone(), *index))
                .collect()
        };
        let ids: Vec<&MessageId> = by_id.keys().collect();
        for row in messages::find_by_id(txn, &ids).await? {
            let index = by_id.get(&row.id).copied().ok_or(Fault::Other)?;
            if is_same(&new[index].row, &row) {
                known[index] = Some(row);
            } else {
                self.names().remove(&index);
            }
        }
        Ok(())
    }

    fn names(&self) -> MutexGuard<'_, HashMap<usize, MessageId>> {
        self.0.lock().expect("no code panics with this lock held")
    }
}

/// Whether a row is what a try has stored.
fn is_same(new: &MessageRow, row: &MessageRow) -> bool {
    let key = |row: &MessageRow| (row.created_at, row.sender_id.clone(), row.client_id.clone());
    key(new) == key(row)
        && new.conversation_id == row.conversation_id
        && new.kind == row.kind
        && (new.content == row.content || row.edited_at.is_some() || row.deleted_at.is_some())
}

/// Names the rows that have no id yet.
pub async fn name(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    rows: &mut [Option<MessageRow>],
) -> Result<(), Fault> {
    if !is_shared(txn) {
        return Ok(());
    }
    let is_nameless = |index: &usize| {
        let is_named = batch.names.names().contains_key(index);
        batch.messages[*index].id == NewId::Millis && rows[*index].is_some() && !is_named
    };
    let nameless: Vec<usize> = (0..rows.len()).filter(is_nameless).collect();
    let times = nameless.iter().filter_map(|index| rows[*index].as_ref());
    if let Some(now) = times.map(|row| row.created_at.timestamp_millis()).max() {
        let n = nameless.len() as i64;
        let first = meta::take_from(txn, meta::NEXT_MILLIS, now, n).await?;
        let numbers = (first..).map(|number| MessageId::from(number.to_string()));
        batch
            .names
            .names()
            .extend(nameless.into_iter().zip(numbers));
    }
    for (index, id) in batch.names.names().iter() {
        if let Some(row) = &mut rows[*index] {
            row.id = id.clone();
        }
    }
    Ok(())
}
