//! What everybody has in the end.

use std::collections::BTreeMap;

use super::good::{ROOM, good};
use super::{find, live, spoil, violations};
use crate::history::What;

#[test]
fn what_somebody_lacks_in_the_end_is_reported() {
    spoil("I9", |history| {
        drop(history.remove(live(history, "ada/d1", 4)))
    });
    spoil("I9", |history| {
        history.retain(|entry| entry.what != What::Complete || entry.who != "bob/d2")
    });
}

#[test]
fn what_came_after_everybody_had_settled_nobody_lacks() {
    for (head, is_demanded) in [(3, false), (4, true)] {
        let mut history = good();
        let lost = live(&history, "ada/d1", 4);
        history.remove(lost);
        let end = find(&history, |entry| entry.what == What::Healed);
        let mut settled = history[end].clone();
        let heads = BTreeMap::from([(ROOM.to_owned(), head)]);
        settled.what = What::Settled { heads };
        history.insert(end + 1, settled);
        let found = violations(&history);
        let lacks = found.iter().any(|violation| violation.invariant == "I9");
        assert_eq!(lacks, is_demanded);
    }
}
