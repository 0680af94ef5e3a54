//! Judges a history: a pure function from what happened to what must not have.
//!
//! Each invariant has the number that `docs/reliability.md` gives it.

mod answers;
mod files;
mod holdings;
mod index;
mod local;
mod markers;
mod members;
mod order;
mod sends;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::history::Entry;
use index::Index;

/// Violations of one invariant that are kept; further ones are only counted.
const MAX_KEPT: usize = 20;

/// Something that must not have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// `I1` to `I20`.
    pub invariant: &'static str,
    /// What happened.
    pub what: String,
    /// Lines of the history that show it, counted from 1.
    pub lines: Vec<usize>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Findings {
    violations: Vec<Violation>,
    /// Violations beyond those that are kept.
    n_more: usize,
}

impl Findings {
    /// Notes a violation; `places` are positions in the history.
    fn add(&mut self, invariant: &'static str, what: String, places: &[usize]) {
        let same = |violation: &&Violation| violation.invariant == invariant;
        if self.violations.iter().filter(same).count() >= MAX_KEPT {
            self.n_more += 1;
            return;
        }
        let lines = places.iter().map(|place| place + 1).collect();
        self.violations.push(Violation {
            invariant,
            what,
            lines,
        });
    }
}

/// Everything in a history that must not have happened, and how many violations more there are than
/// are listed.
pub fn check(history: &[Entry]) -> (Vec<Violation>, usize) {
    let index = Index::new(history);
    let mut found = Findings::default();
    for check in [
        sends::check,
        order::check,
        holdings::check,
        members::check,
        markers::check,
        answers::check,
        local::check,
        files::check,
    ] {
        check(&index, &mut found);
    }
    (found.violations, found.n_more)
}
