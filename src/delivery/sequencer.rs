//! The order of what happens in conversations when it comes from several nodes: `rev` by `rev`, each
//! once. What comes too early waits until the hole before it is filled: by what was on its way, or
//! from the database.
//!
//! A `rev` that was overwritten cannot be read back. So a hole is filled with the messages as they
//! are now, and ends at the head that was read together with them, whatever was missing in between.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_cache::unsync::Cache;
use sohbet_entity::ids::ConversationId;
use tokio::time::Instant;

/// Conversations whose position is remembered.
const MAX_POSITIONS: usize = 200_000;
/// What may wait behind the hole of one conversation, and behind all of them. More is told from the
/// database when the hole is filled.
const MAX_WAITING: usize = 1_000;
const MAX_WAITING_IN_ALL: usize = 20_000;
/// After how long a repair that was not answered is asked for again.
const RETRY: Duration = Duration::from_millis(500);

/// How far a conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its last change.
    pub rev: i64,
    /// Its last message at that time. What is found behind it in a repair is a new message.
    pub seq: i64,
}

impl Position {
    /// Before whatever is new.
    pub const UNKNOWN: Self = Self { rev: -1, seq: -1 };
}

/// What becomes of something that is offered.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<T> {
    /// It is told now, in this order, with what waited for it.
    Now(Vec<T>),
    /// It was told before, or will be told from the database: only whoever waits for it goes on.
    Late(T),
    /// It waits for what comes before it.
    Waits,
}

/// What a repair comes to, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Repaired<T> {
    /// It is told.
    Told(T),
    /// Something newer was told in its place: only whoever waits for it goes on.
    Late(T),
}

/// What the database has of a hole.
pub struct Stretch<R> {
    /// What was told before it, when it was read.
    pub after: Position,
    /// Messages that changed, by their `rev`, in order.
    pub rows: Vec<(i64, R)>,
    /// How far they reach, as it was read with them.
    pub head: Position,
}

/// A hole that is to be read from the database.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where it is.
    pub conversation: ConversationId,
    /// The last that was told before it.
    pub told: Position,
    /// What was said earlier is not new, where nobody knows what was told.
    pub said_since: DateTime<Utc>,
}

/// Positions and holes of all conversations that anything happened in.
pub struct Sequencer<T> {
    /// The last that was told, of conversations without a hole.
    told: Cache<ConversationId, Position>,
    holes: HashMap<ConversationId, Hole<T>>,
    n_waiting: usize,
}

struct Hole<T> {
    /// The last that was told.
    told: Position,
    /// The last `rev` that is known to be there.
    head: i64,
    waiting: BTreeMap<i64, (Position, T)>,
    since: Instant,
    said_since: DateTime<Utc>,
    asked_at: Option<Instant>,
}

impl<T> Default for Sequencer<T> {
    fn default() -> Self {
        Self {
            told: Cache::new(MAX_POSITIONS),
            holes: HashMap::new(),
            n_waiting: 0,
        }
    }
}

impl<T> Sequencer<T> {
    /// Takes something with its position. The first that is heard of a conversation is told at once.
    pub fn offer(&mut self, id: &ConversationId, at: Position, item: T, now: Instant) -> Turn<T> {
        let told = self.position(id).unwrap_or(Position {
            rev: at.rev.saturating_sub(1),
            seq: at.seq,
        });
        if at.rev <= told.rev {
            return Turn::Late(item);
        }
        let is_next = told.rev.checked_add(1) == Some(at.rev);
        if is_next && !self.holes.contains_key(id) {
            self.told.insert(id.clone(), at);
            return Turn::Now(vec![item]);
        }
        let n_waiting = self.n_waiting;
        let hole = self.hole(id, told, at.rev, now);
        let is_full = n_waiting >= MAX_WAITING_IN_ALL || hole.waiting.len() >= MAX_WAITING;
        // What fills a hole does not stay.
        if (is_full && !is_next) || hole.waiting.contains_key(&at.rev) {
            return Turn::Late(item);
        }
        hole.waiting.insert(at.rev, (at, item));
        self.n_waiting += 1;
        match self.drain(id, now) {
            ready if ready.is_empty() => Turn::Waits,
            ready => Turn::Now(ready),
        }
    }

    /// Learns that a conversation has come as far as that. Says whether something is missing. What
    /// nothing was heard of before is known to be told that far.
    pub fn observe(&mut self, id: &ConversationId, head: Position, now: Instant) -> bool {
        let Some(told) = self.position(id) else {
            self.told.insert(id.clone(), head);
            return false;
        };
        if head.rev <= told.rev {
            return false;
        }
        self.hole(id, told, head.rev, now);
        true
    }

    /// Learns from the database that a conversation has come as far as that just now. If nothing was
    /// heard of it before, all that was said since `said_since` is missing, and nobody knows yet how much
    /// that is: what comes meanwhile waits.
    pub fn discover(
        &mut self,
        id: &ConversationId,
        head: Position,
        said_since: DateTime<Utc>,
        now: Instant,
    ) {
        match self.position(id) {
            Some(told) => {
                self.observe(id, head, now);
                if told == Position::UNKNOWN
                    && let Some(hole) = self.holes.get_mut(id)
                {
                    hole.said_since = hole.said_since.min(said_since);
                }
            }
            None => {
                let hole = self.hole(id, Position::UNKNOWN, head.rev, now);
                hole.said_since = said_since;
            }
        }
    }

    /// How far a conversation was told; `None` when nothing was heard of it.
    pub fn position(&self, id: &ConversationId) -> Option<Position> {
        let hole = self.holes.get(id).map(|hole| hole.told);
        hole.or_else(|| self.told.get(id).copied())
    }

    /// Whether anything is missing anywhere.
    pub fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    /// Holes that are older than `grace`. They are to be filled from the database; whoever asks gets each
    /// once in a while.
    pub fn due(&mut self, grace: Duration, now: Instant) -> Vec<Missing> {
        let mut due = Vec::new();
        for (id, hole) in &mut self.holes {
            let is_asked = hole.asked_at.is_some_and(|at| now - at < RETRY);
            if !is_asked && now - hole.since >= grace {
                hole.asked_at = Some(now);
                due.push(Missing {
                    conversation: id.clone(),
                    told: hole.told,
                    said_since: hole.said_since,
                });
            }
        }
        due
    }

    /// Takes what the database has. `tell` makes of each row what is told, with what waited at its
    /// `rev`, if anything did. `None` when something was told meanwhile: what is still missing then is
    /// asked for anew, since what is a new message may be another.
    pub fn repair<R>(
        &mut self,
        id: &ConversationId,
        stretch: Stretch<R>,
        now: Instant,
        mut tell: impl FnMut(R, Option<T>) -> T,
    ) -> Option<Vec<Repaired<T>>> {
        let hole = self.holes.get_mut(id)?;
        hole.asked_at = None;
        let Stretch { after, rows, head } = stretch;
        if hole.told != after {
            return None;
        }
        let mut steps = Vec::with_capacity(rows.len());
        let mut take = |rev: i64, waiting: &mut BTreeMap<i64, (Position, T)>| {
            let waited = waiting.remove(&rev);
            self.n_waiting -= usize::from(waited.is_some());
            waited.map(|(_, item)| item)
        };
        for (rev, row) in rows {
            let waited = take(rev, &mut hole.waiting);
            steps.push(Repaired::Told(tell(row, waited)));
        }
        let overtaken = hole.waiting.range(..=head.rev);
        let overtaken: Vec<i64> = overtaken.map(|(rev, _)| *rev).collect();
        for rev in overtaken {
            steps.extend(take(rev, &mut hole.waiting).map(Repaired::Late));
        }
        if head.rev >= hole.told.rev {
            hole.told = head;
        }
        hole.since = now;
        steps.extend(self.drain(id, now).into_iter().map(Repaired::Told));
        Some(steps)
    }

    /// Everything that waits, in no order; nothing is missing any more.
    pub fn give_up(&mut self) -> Vec<T> {
        self.n_waiting = 0;
        let holes = std::mem::take(&mut self.holes).into_values();
        let waiting = holes.flat_map(|hole| hole.waiting.into_values());
        waiting.map(|(_, item)| item).collect()
    }

    fn hole(
        &mut self,
        id: &ConversationId,
        told: Position,
        head: i64,
        now: Instant,
    ) -> &mut Hole<T> {
        let hole = self.holes.entry(id.clone()).or_insert_with(|| Hole {
            told,
            head,
            waiting: BTreeMap::new(),
            since: now,
            said_since: DateTime::UNIX_EPOCH,
            asked_at: None,
        });
        hole.head = hole.head.max(head);
        hole
    }

    /// Takes out what no longer waits for anything. A hole that is filled is forgotten.
    fn drain(&mut self, id: &ConversationId, now: Instant) -> Vec<T> {
        let mut ready = Vec::new();
        let Some(hole) = self.holes.get_mut(id) else {
            return ready;
        };
        while let Some((at, item)) = hole.waiting.remove(&hole.told.rev.saturating_add(1)) {
            hole.told = at;
            ready.push(item);
        }
        self.n_waiting -= ready.len();
        if !ready.is_empty() {
            // Whatever is missing now is missing since now.
            hole.since = now;
            hole.asked_at = None;
        }
        if hole.waiting.is_empty() && hole.head <= hole.told.rev {
            self.told.insert(id.clone(), hole.told);
            self.holes.remove(id);
        }
        ready
    }
}

#[cfg(test)]
mod tests;
