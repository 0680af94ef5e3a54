//! In the end everybody has everything (I9).

use std::collections::{BTreeMap, HashMap};

use super::Findings;
use super::index::{Index, Sight, Way};
use super::members::Members;
use crate::history::What;

pub fn check(index: &Index<'_>, found: &mut Findings) {
    if !index.is_whole {
        return;
    }
    everybody_came(index, found);
    let members = Members::new(index);
    let (held, heads) = (held(index), heads(index));
    let is_late = |conversation: &str, rev| {
        let head = heads.and_then(|heads| heads.get(conversation));
        head.is_some_and(|head| rev > *head)
    };
    for (at, entry) in index.history.iter().enumerate() {
        if entry.what != What::Complete {
            continue;
        }
        for (conversation, rows) in &index.rows {
            if !members.takes_part(entry.user(), conversation) {
                continue;
            }
            for (row_at, row) in rows.values().flatten() {
                if is_late(conversation, row.rev) {
                    // Somebody asked for it and did not wait for the answer.
                    continue;
                }
                let rev = held
                    .get(entry.who.as_str())
                    .and_then(|held| held.get(row.id.as_str()));
                if rev.is_none_or(|(rev, seen_at)| *rev != row.rev || *seen_at > at) {
                    let what = format!(
                        "{} lacks rev {} (seq {}) of {conversation} in the end",
                        entry.who, row.rev, row.seq
                    );
                    found.add("I9", what, &[*row_at, at]);
                }
            }
        }
    }
}

/// How far conversations had come when nobody waited for an answer any more.
fn heads<'a>(index: &Index<'a>) -> Option<&'a BTreeMap<String, i64>> {
    index.history.iter().find_map(|entry| match &entry.what {
        What::Settled { heads } => Some(heads),
        _ => None,
    })
}

/// Who came to the run also came to its end.
fn everybody_came(index: &Index<'_>, found: &mut Findings) {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        match entry.what {
            What::Open { .. } => drop(open.insert(&entry.who, at)),
            What::Complete => drop(open.remove(entry.who.as_str())),
            _ => {}
        }
    }
    for (who, at) in open {
        found.add(
            "I9",
            format!("{who} did not get everything in the end"),
            &[at],
        );
    }
}

/// The last state of each message that each client has, and where it saw it.
fn held<'a>(index: &Index<'a>) -> HashMap<&'a str, HashMap<&'a str, (i64, usize)>> {
    let mut held: HashMap<&str, HashMap<&str, (i64, usize)>> = HashMap::new();
    let sights = index
        .sights
        .iter()
        .filter(|sight| matches!(sight.way, Way::Live | Way::Caught | Way::Page));
    for Sight { at, seen, .. } in sights {
        let mine = held.entry(index.entry(*at).who.as_str()).or_default();
        let known = mine.entry(&seen.id).or_insert((seen.rev, *at));
        if seen.rev > known.0 {
            *known = (seen.rev, *at);
        }
    }
    held
}
