//! What is committed together, and in which order it takes its `rev`.

use super::names::Names;
use super::{Claim, Half, Pair};
use crate::store::writer::{NewChange, NewMessage, NewRead};

/// Distinct writes that are committed together.
#[derive(Default)]
pub struct Batch<'a> {
    /// Messages to store.
    pub messages: Vec<&'a NewMessage>,
    /// Messages to change.
    pub changes: Vec<&'a NewChange>,
    /// Markers to move.
    pub reads: Vec<&'a NewRead>,
    /// What takes a `rev`, in the order in which it was asked for.
    pub steps: Vec<Step>,
    /// Messages whose other half may come to another node.
    pub halves: Vec<Half>,
    /// Messages whose other half was stored moments ago.
    pub pairs: Vec<Pair>,
    /// Keys that messages take over from their other half, which is in the same batch.
    pub claims: Vec<Claim<'a>>,
    /// Ids that a try has given out.
    pub names: Names,
}

/// Something that takes a `rev`.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The n-th message of the batch.
    Message(usize),
    /// The n-th change of the batch.
    Change(usize),
}

impl<'a> Batch<'a> {
    /// The n-th message of a batch alone.
    pub fn of_message(whole: &Self, index: usize) -> Self {
        let mut batch = Self {
            names: whole.names.of_one(index),
            ..Self::default()
        };
        let message = whole.messages[index];
        batch.add_message(message);
        if let Some(twin) = message.twin
            && whole.halves.iter().any(|half| half.message == index)
        {
            batch.halves.push(Half::new(0, &message.row, twin.channel));
        }
        let pair = whole.pairs.iter().find(|pair| pair.message == index);
        batch.pairs.extend(pair.map(|pair| pair.alone()));
        let claim = whole.claims.iter().find(|claim| claim.message == index);
        batch.claims.extend(claim.map(|claim| claim.alone()));
        batch
    }

    pub fn of_change(change: &'a NewChange) -> Self {
        let mut batch = Self::default();
        batch.add_change(change);
        batch
    }

    pub fn of_read(read: &'a NewRead) -> Self {
        Self {
            reads: vec![read],
            ..Self::default()
        }
    }

    pub fn add_message(&mut self, message: &'a NewMessage) {
        self.steps.push(Step::Message(self.messages.len()));
        self.messages.push(message);
    }

    pub fn add_change(&mut self, change: &'a NewChange) {
        self.steps.push(Step::Change(self.changes.len()));
        self.changes.push(change);
    }

    pub fn len(&self) -> usize {
        self.steps.len() + self.reads.len()
    }
}
