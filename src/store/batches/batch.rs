//! What is committed together, and in which order it takes its `rev`.

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
    pub fn of_message(message: &'a NewMessage) -> Self {
        let mut batch = Self::default();
        batch.add_message(message);
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
