//! Ids that are milliseconds, on a database that several nodes share: they are given out in the
//! transaction, when the conversations are locked, so that they go up with `seq` whichever node stores.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use sea_orm::DatabaseTransaction;
use sohbet_entity::ids::MessageId;

use super::Batch;
use crate::store::writer::{NewId, NewMessage};
use crate::store::{Fault, MessageRow, is_shared, messages, meta};

/// The ids that were given out to messages of a batch, by their number: if a try was committed although
/// its answer was lost, the next one finds its rows by them.
#[derive(Default)]
pub struct Names(Mutex<HashMap<usize, MessageId>>);

impl Names {
    /// Those of the n-th message alone.
    pub fn of_one(&self, index: usize) -> Self {
        let name = self.names().get(&index).cloned();
        Self(Mutex::new(name.map(|name| (0, name)).into_iter().collect()))
    }

    /// Whether a row is what an earlier try stored of the n-th message.
    pub fn has_stored(&self, index: usize, row: &MessageRow) -> bool {
        self.names().get(&index) == Some(&row.id)
    }

    /// What an earlier try stored, by number of the message. If that try was not committed after all,
    /// others may have been given its ids since: those are forgotten.
    pub async fn find_stored(
        &self,
        txn: &DatabaseTransaction,
        new: &[&NewMessage],
    ) -> Result<Vec<(usize, MessageRow)>, Fault> {
        let by_id: HashMap<MessageId, usize> = {
            let names = self.names();
            names
                .iter()
                .map(|(index, id)| (id.clone(), *index))
                .collect()
        };
        let ids: Vec<&MessageId> = by_id.keys().collect();
        let mut stored = Vec::new();
        for row in messages::find_by_id(txn, &ids).await? {
            let index = by_id.get(&row.id).copied().ok_or(Fault::Other)?;
            if is_same(&new[index].row, &row) {
                stored.push((index, row));
            } else {
                self.names().remove(&index);
            }
        }
        Ok(stored)
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

/// Gives ids to the rows that ask for one. The conversations are locked now: an earlier try that is
/// not found here will never be committed, and its ids go back.
pub async fn name(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    rows: &mut [Option<MessageRow>],
) -> Result<(), Fault> {
    if !is_shared(txn) {
        return Ok(());
    }
    let stored = batch.names.find_stored(txn, &batch.messages).await?;
    if stored.iter().any(|(index, _)| rows[*index].is_some()) {
        return Err(Fault::Collision);
    }
    let fresh = rows.iter_mut().zip(&batch.messages).enumerate();
    let mut nameless: Vec<(usize, &mut MessageRow)> = fresh
        .filter(|(_, (_, message))| message.id == NewId::Millis)
        .filter_map(|(index, (row, _))| Some((index, row.as_mut()?)))
        .collect();
    let times = nameless.iter().map(|(_, row)| row.created_at);
    let Some(now) = times.max() else {
        return Ok(());
    };
    let n = nameless.len() as i64;
    let first = meta::take_from(txn, meta::NEXT_MILLIS, now.timestamp_millis(), n).await?;
    let mut names = batch.names.names();
    for (number, (index, row)) in (first..).zip(&mut nameless) {
        row.id = number.to_string().into();
        names.insert(*index, row.id.clone());
    }
    Ok(())
}
