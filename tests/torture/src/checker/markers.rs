//! Read markers only go forward, and counts are what they count (I14, I15).

use std::collections::HashMap;

use super::Findings;
use super::index::Index;
use crate::history::{Ask, Told, What};

pub fn check(index: &Index<'_>, found: &mut Findings) {
    answers(index, found);
    events(index, found);
    shown(index, found);
}

/// By user and conversation: where a marker stands at least, and which entry says so.
type Floors<'a> = HashMap<(&'a str, &'a str), (i64, usize)>;

/// I14: a marker that was acknowledged never stands further back.
fn answers(index: &Index<'_>, found: &mut Findings) {
    let mut floors = Floors::new();
    // When somebody last came to a conversation or left it.
    let mut changed: HashMap<(&str, &str), usize> = HashMap::new();
    // Where the marker stood at least when each request was made.
    let mut asked: HashMap<u64, (i64, usize)> = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        match &entry.what {
            // Who comes back begins anew.
            What::Invoke {
                ask: Ask::Member {
                    conversation, user, ..
                },
                ..
            } => {
                let place = (user.as_str(), conversation.as_str());
                floors.remove(&place);
                changed.insert(place, at);
            }
            What::Invoke {
                call,
                ask: Ask::Read { conversation },
            } => {
                let floor = floors.get(&(entry.user(), conversation.as_str()));
                asked.insert(*call, floor.copied().unwrap_or((0, at)));
            }
            What::Ok {
                call,
                told: Told::Marker { last_read_seq },
            } => {
                let Some(Ask::Read { conversation }) = index.calls.get(call).map(|call| call.ask)
                else {
                    continue;
                };
                let (before, place) = asked.get(call).copied().unwrap_or((0, at));
                let place_of = (entry.user(), conversation.as_str());
                let is_new = changed
                    .get(&place_of)
                    .is_some_and(|at| *at > index.calls[call].at);
                if is_new {
                    continue;
                }
                if *last_read_seq < before {
                    let what = format!(
                        "the marker of {} in {conversation} went back from {before} to {last_read_seq}",
                        entry.user()
                    );
                    found.add("I14", what, &[place, at]);
                }
                let floor = floors
                    .entry((entry.user(), conversation))
                    .or_insert((0, at));
                if *last_read_seq > floor.0 {
                    *floor = (*last_read_seq, at);
                }
            }
            What::Shown {
                conversation,
                user,
                last_seq,
                last_read_seq,
                ..
            } => {
                let floor = floors.get(&(user.as_str(), conversation.as_str())).copied();
                let (before, place) = floor.unwrap_or((0, at));
                if *last_read_seq < before || last_read_seq > last_seq {
                    let what = format!(
                        "the marker of {user} in {conversation} is {last_read_seq} in the end: {before} was acknowledged, {last_seq} is the last"
                    );
                    found.add("I14", what, &[place, at]);
                }
            }
            _ => {}
        }
    }
}

/// I14: nobody is told of a marker that goes back.
fn events(index: &Index<'_>, found: &mut Findings) {
    let mut told: HashMap<(&str, u32, &str, &str), (i64, usize)> = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        let What::Marker {
            conversation,
            user,
            last_read_seq,
        } = &entry.what
        else {
            continue;
        };
        let key = (
            entry.who.as_str(),
            entry.conn,
            conversation.as_str(),
            user.as_str(),
        );
        if let Some((before, place)) = told.insert(key, (*last_read_seq, at))
            && before > *last_read_seq
        {
            let what = format!(
                "{} was told that the marker of {user} went back from {before} to {last_read_seq}",
                entry.who
            );
            found.add("I14", what, &[place, at]);
        }
    }
}

/// I14 and I15: what is shown in the end fits the rows.
fn shown(index: &Index<'_>, found: &mut Findings) {
    for (at, entry) in index.history.iter().enumerate() {
        match &entry.what {
            What::Shown {
                conversation,
                user,
                last_read_seq,
                unread,
                shown_seq,
                ..
            } => {
                let rows = index.rows.get(conversation.as_str());
                let rows = rows.into_iter().flatten().flat_map(|(_, rows)| rows);
                let others = rows.clone().filter(|(_, row)| {
                    row.seq > *last_read_seq && row.sender != *user && !row.is_deleted()
                });
                let n_unread = i64::try_from(others.count()).unwrap_or(i64::MAX);
                if *unread != n_unread {
                    let what = format!(
                        "{user} is shown {unread} unread in {conversation}, there are {n_unread}"
                    );
                    found.add("I14", what, &[at]);
                }
                let last = rows.max_by_key(|(_, row)| row.seq);
                // Whether a deleted message is shown as the last one is a matter of taste.
                let is_deleted = last.is_some_and(|(_, row)| row.is_deleted());
                let newest = last.map(|(_, row)| row.seq);
                if *shown_seq != newest && !is_deleted {
                    let what = format!(
                        "{conversation} shows {user} message {shown_seq:?} as the newest, it is {newest:?}"
                    );
                    found.add("I15", what, &[at]);
                }
            }
            What::Head {
                conversation,
                preview: Some([shown, right]),
                ..
            } if shown != right => {
                found.add(
                    "I15",
                    format!("the preview of {conversation} is not its newest message"),
                    &[at],
                );
            }
            _ => {}
        }
    }
}
