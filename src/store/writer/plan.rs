//! Which writes of a batch are really new: repeats inside the batch, and messages that arrive over
//! a second channel moments later, are found here, without a query.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Channel, Distinct, NewMessage, Outcome, StoredMessage, Write};
use crate::error::Error;
use crate::store::batches::{Batch, Claim, Half, Pair};
use crate::store::{Fault, MessageRow};

/// How far apart the two halves of a double send may be (contract/messaging.md, section 4).
pub const TWIN_WINDOW: Duration = Duration::from_secs(2);

/// Where the outcome of a write comes from.
#[derive(Clone)]
pub enum Slot {
    /// From the n-th message of the batch.
    Message(usize),
    /// Another write of the batch, the n-th message, is the same send.
    Repeat(usize),
    /// From the n-th change of the batch.
    Change(usize),
    /// From the n-th read marker of the batch.
    Read(usize),
    /// It was stored moments ago.
    Known(Arc<MessageRow>),
}

/// The distinct writes of one batch.
pub struct Plan<'a> {
    pub batch: Batch<'a>,
    slots: Vec<Slot>,
    /// Messages whose other half is in the same batch.
    paired: HashSet<usize>,
    /// What was taken for the pairs of the batch, in their order.
    taken: Vec<Waiting>,
}

impl<'a> Plan<'a> {
    pub fn new(writes: impl Iterator<Item = &'a Write>, recent: &mut Recent) -> Self {
        recent.forget_old();
        let mut plan = Self {
            batch: Batch::default(),
            slots: Vec::new(),
            paired: HashSet::new(),
            taken: Vec::new(),
        };
        let mut by_client_id = HashMap::new();
        let mut twins = HashMap::new();
        for write in writes {
            let slot = match write {
                Write::Read(read) => {
                    plan.batch.reads.push(read);
                    Slot::Read(plan.batch.reads.len() - 1)
                }
                Write::Change(change) => {
                    plan.batch.add_change(change);
                    Slot::Change(plan.batch.changes.len() - 1)
                }
                Write::Message(message) => plan
                    .known(message, &mut by_client_id, &mut twins, recent)
                    .unwrap_or_else(|| {
                        plan.batch.add_message(message);
                        Slot::Message(plan.batch.messages.len() - 1)
                    }),
            };
            plan.slots.push(slot);
        }
        if recent.is_shared {
            plan.batch.halves = plan.halves();
        }
        plan
    }

    /// Finds the same send, earlier in this batch or moments ago; otherwise remembers this one
    /// under the place it is about to take.
    fn known(
        &mut self,
        message: &'a NewMessage,
        by_client_id: &mut HashMap<[&'a str; 3], usize>,
        twins: &mut HashMap<u64, (usize, Channel)>,
        recent: &mut Recent,
    ) -> Option<Slot> {
        let row = &message.row;
        let key = row.client_id.as_deref().map(|client_id| {
            [
                row.conversation_id.as_str(),
                row.sender_id.as_str(),
                client_id,
            ]
        });
        if let Some(first) = key.as_ref().and_then(|key| by_client_id.get(key)) {
            return Some(Slot::Repeat(*first));
        }
        let twin = message.twin.map(|twin| (recent.digest(row), twin.channel));
        if let Some((digest, channel)) = twin {
            // A half that found its other half is used up: the next one is another message.
            if let Some(taken) = recent.take(digest, row, channel) {
                let Some(key) = key else {
                    return Some(Slot::Known(taken.row));
                };
                // The stored half takes its key.
                by_client_id.insert(key, self.batch.messages.len());
                return Some(self.add_pair(message, taken));
            }
            if let Some((first, other)) = twins.get(&digest).copied()
                && other != channel
                && is_same_text(&self.batch.messages[first].row, row)
            {
                twins.remove(&digest);
                self.paired.insert(first);
                if let Some(key) = key {
                    by_client_id.insert(key, first);
                    self.batch.claims.push(Claim {
                        message: first,
                        other: message,
                    });
                }
                return Some(Slot::Repeat(first));
            }
            twins.insert(digest, (self.batch.messages.len(), channel));
        }
        if let Some(key) = key {
            by_client_id.insert(key, self.batch.messages.len());
        }
        None
    }

    /// Adds a message whose other half is stored already.
    fn add_pair(&mut self, message: &'a NewMessage, taken: Waiting) -> Slot {
        let index = self.batch.messages.len();
        self.batch.add_message(message);
        self.batch.pairs.push(Pair {
            message: index,
            row: taken.row.id.clone(),
        });
        self.taken.push(taken);
        Slot::Message(index)
    }

    /// Messages whose other half may come to another node, now or moments ago.
    fn halves(&self) -> Vec<Half> {
        let messages = self.batch.messages.iter().enumerate();
        let open = messages.filter(|(index, _)| !self.paired.contains(index));
        let half = |(index, message): (usize, &&NewMessage)| {
            let twin = message.twin?;
            Some(Half::new(index, &message.row, twin.channel))
        };
        open.filter_map(half).collect()
    }

    pub fn all_failed(&self, fault: Fault) -> Vec<Result<Distinct, Error>> {
        (0..self.batch.len()).map(|_| Err(fault.into())).collect()
    }

    /// The outcome of every write, in the order they were handed in.
    pub fn outcomes(
        &self,
        results: Vec<Result<Distinct, Error>>,
        recent: &mut Recent,
    ) -> Vec<Result<Outcome, Error>> {
        for (index, (message, result)) in self.batch.messages.iter().zip(&results).enumerate() {
            if self.paired.contains(&index) {
                continue;
            }
            // One that was stored before had found its other half, or the time for it is over.
            if let (Some(twin), Ok(Distinct::Message(stored))) = (message.twin, result)
                && !stored.duplicate
            {
                recent.remember(Arc::clone(&stored.row), twin.channel);
            }
        }
        for (pair, taken) in self.batch.pairs.iter().zip(&self.taken) {
            let is_joined = |stored: &StoredMessage| stored.row.id == taken.row.id;
            match &results[pair.message] {
                Ok(Distinct::Message(stored)) if is_joined(stored) => {}
                _ => recent.put_back(taken.clone()),
            }
        }
        let n_messages = self.batch.messages.len();
        let n_before_reads = n_messages + self.batch.changes.len();
        let outcome = |slot: &Slot| match slot {
            Slot::Message(index) => outcome_of(&results[*index], false),
            Slot::Repeat(index) => outcome_of(&results[*index], true),
            Slot::Change(index) => outcome_of(&results[n_messages + index], false),
            Slot::Read(index) => outcome_of(&results[n_before_reads + index], false),
            Slot::Known(row) => Ok(Outcome::Message(StoredMessage {
                row: Arc::clone(row),
                duplicate: true,
                reactions: Vec::new(),
                facts_in: 0,
            })),
        };
        self.slots.iter().map(outcome).collect()
    }
}

fn outcome_of(result: &Result<Distinct, Error>, is_repeat: bool) -> Result<Outcome, Error> {
    match result {
        Ok(Distinct::Message(stored)) => Ok(Outcome::Message(StoredMessage {
            duplicate: stored.duplicate || is_repeat,
            ..stored.clone()
        })),
        Ok(Distinct::Changed(changed)) => Ok(Outcome::Changed(changed.clone())),
        Ok(Distinct::Read(read)) => Ok(Outcome::Read(*read)),
        Err(error) => Err(error.clone()),
    }
}

/// Whether two rows say the same: same conversation, sender, kind, text and file.
fn is_same_text(a: &MessageRow, b: &MessageRow) -> bool {
    a.conversation_id == b.conversation_id
        && a.sender_id == b.sender_id
        && a.kind == b.kind
        && a.content == b.content
        && a.file_url == b.file_url
}

/// A message whose second half may still arrive.
#[derive(Clone)]
struct Waiting {
    digest: u64,
    stored_at: Instant,
    channel: Channel,
    row: Arc<MessageRow>,
}

/// Messages of the last moments whose second half may still arrive. Bounded by time: what is
/// older than [`TWIN_WINDOW`] is forgotten with the next batch.
#[derive(Default)]
pub struct Recent {
    /// Several nodes take in halves: the database knows what was stored moments ago.
    is_shared: bool,
    hasher: RandomState,
    by_digest: HashMap<u64, Waiting>,
    oldest_first: VecDeque<(Instant, u64)>,
}

impl Recent {
    pub fn new(is_shared: bool) -> Self {
        Self {
            is_shared,
            ..Self::default()
        }
    }

    fn digest(&self, row: &MessageRow) -> u64 {
        self.hasher.hash_one((
            &row.conversation_id,
            &row.sender_id,
            &row.kind,
            &row.content,
            &row.file_url,
        ))
    }

    fn take(&mut self, digest: u64, row: &MessageRow, channel: Channel) -> Option<Waiting> {
        let known = self.by_digest.get(&digest)?;
        if known.channel == channel || !is_same_text(&known.row, row) {
            return None;
        }
        self.by_digest.remove(&digest)
    }

    /// What was taken for a message that is not its other half after all waits on.
    fn put_back(&mut self, taken: Waiting) {
        self.by_digest.entry(taken.digest).or_insert(taken);
    }

    fn remember(&mut self, row: Arc<MessageRow>, channel: Channel) {
        if self.is_shared {
            return;
        }
        let (digest, now) = (self.digest(&row), Instant::now());
        self.oldest_first.push_back((now, digest));
        let waiting = Waiting {
            digest,
            stored_at: now,
            channel,
            row,
        };
        self.by_digest.insert(digest, waiting);
    }

    fn forget_old(&mut self) {
        while let Some((at, digest)) = self
            .oldest_first
            .pop_front_if(|(at, _)| at.elapsed() > TWIN_WINDOW)
        {
            let newest = self.by_digest.get(&digest).map(|taken| taken.stored_at);
            if newest == Some(at) {
                self.by_digest.remove(&digest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
