//! What a node stores it tells its own clients, whether it can talk to other nodes or not (I20).

use std::collections::{BTreeSet, HashMap};

use super::Findings;
use super::index::Index;
use crate::history::{Told, What};

/// How much longer than in peace it may take while only Redis is away.
const SLOWER_US: u64 = 100_000;
/// Fewer messages prove nothing.
const MIN_SAMPLES: usize = 20;
/// A fault of something else still has effects for some time.
const AFTERMATH_US: u64 = 1_500_000;

/// What is wrong just now.
#[derive(Default)]
struct Trouble<'a> {
    running: BTreeSet<&'a str>,
    /// When anything but Redis was last out of order.
    other_at_us: Option<u64>,
}

impl<'a> Trouble<'a> {
    fn note(&mut self, at_us: u64, what: &'a What) {
        match what {
            What::FaultBegins { fault } => drop(self.running.insert(fault)),
            What::FaultEnds { fault } => {
                self.running.remove(fault.as_str());
                if !is_of_bus(fault) {
                    self.other_at_us = Some(at_us);
                }
            }
            _ => {}
        }
    }

    /// Whether nothing but Redis is out of order; and if so, whether that is.
    fn has_only_bus(&self, at_us: u64) -> Option<bool> {
        let is_over = |ended: u64| at_us > ended + AFTERMATH_US;
        let is_other = !self.running.iter().all(|fault| is_of_bus(fault));
        let is_calm = !is_other && self.other_at_us.is_none_or(is_over);
        is_calm.then_some(!self.running.is_empty())
    }
}

fn is_of_bus(fault: &str) -> bool {
    fault.contains("Redis")
}

/// From the answer to a send until its sender hears of it as everybody does: on one connection, so on
/// one node.
pub fn check(index: &Index<'_>, found: &mut Findings) {
    let mut trouble = Trouble::default();
    let mut answered: HashMap<(&str, u32, &str), (usize, bool)> = HashMap::new();
    let (mut in_peace, mut without_bus) = (Vec::new(), Vec::new());
    let mut last = 0;
    for (at, entry) in index.history.iter().enumerate() {
        trouble.note(entry.at_us, &entry.what);
        match &entry.what {
            What::Ok {
                told:
                    Told::Message {
                        message,
                        duplicate: false,
                    },
                ..
            } => {
                let key = (entry.who.as_str(), entry.conn, message.id.as_str());
                if let Some(is_without_bus) = trouble.has_only_bus(entry.at_us) {
                    answered.insert(key, (at, is_without_bus));
                }
            }
            What::Received { message } => {
                let key = (entry.who.as_str(), entry.conn, message.id.as_str());
                let Some((answered_at, is_without_bus)) = answered.remove(&key) else {
                    continue;
                };
                let took = entry.at_us - index.entry(answered_at).at_us;
                match is_without_bus {
                    true => {
                        without_bus.push(took);
                        last = at;
                    }
                    false => in_peace.push(took),
                }
            }
            _ => {}
        }
    }
    if in_peace.len() < MIN_SAMPLES || without_bus.len() < MIN_SAMPLES {
        return;
    }
    let (usual, slow) = (median(in_peace), median(without_bus));
    if slow > 3 * usual + SLOWER_US {
        let what = format!(
            "without Redis a node tells its own clients after {} ms, else after {} ms",
            slow / 1_000,
            usual / 1_000
        );
        found.add("I20", what, &[last]);
    }
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times[times.len() / 2]
}
