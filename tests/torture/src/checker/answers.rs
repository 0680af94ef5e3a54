//! Everybody is answered, once, and soon again after a fault (I17, I18, I19, I20).

use std::collections::{BTreeMap, HashMap};

use super::Findings;
use super::index::{Index, Outcome};
use crate::history::{Ask, Told, What};

/// An answer takes no longer than this while nothing is broken (P9), with the time on the wire.
const ANSWER_US: u64 = 11_000_000;
/// After a fault the first message is stored within this time.
const RECOVERY_US: u64 = 5_000_000;
/// Open files that may come and go with the server's own work.
const FILES_SLACK: u64 = 12;

pub fn check(index: &Index<'_>, found: &mut Findings) {
    pairs(index, found);
    once(index, found);
    in_time(index, found);
    leftovers(index, found);
    recovery(index, found);
}

/// I17: two people have one conversation.
fn pairs(index: &Index<'_>, found: &mut Findings) {
    let mut known: HashMap<[&str; 2], (&str, usize)> = HashMap::new();
    let mut created: HashMap<&str, usize> = HashMap::new();
    let sorted = |one, other| {
        if one < other {
            [one, other]
        } else {
            [other, one]
        }
    };
    for call in index.calls.values() {
        let (
            Ask::Pair { user },
            Some((
                at,
                Told::Conversation {
                    conversation,
                    created: is_new,
                },
            )),
        ) = (call.ask, call.done())
        else {
            continue;
        };
        let pair = sorted(index.entry(call.at).user(), user.as_str());
        let (first, before) = *known.entry(pair).or_insert((conversation, at));
        if first != conversation {
            found.add(
                "I17",
                format!("{pair:?} have {first} and {conversation}"),
                &[before, at],
            );
        }
        if *is_new && let Some(before) = created.insert(conversation, at) {
            found.add(
                "I17",
                format!("{conversation} was made twice"),
                &[before, at],
            );
        }
    }
    let mut heads: BTreeMap<[&str; 2], usize> = BTreeMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        if let What::Head {
            pair: Some([one, other]),
            ..
        } = &entry.what
            && let Some(before) = heads.insert(sorted(one.as_str(), other), at)
        {
            found.add(
                "I17",
                format!("{one} and {other} have two conversations"),
                &[before, at],
            );
        }
    }
}

/// I18: one request, one answer.
fn once(index: &Index<'_>, found: &mut Findings) {
    for (number, call) in &index.calls {
        let answers = call
            .outcomes
            .iter()
            .filter(|(_, outcome)| !matches!(outcome, Outcome::Unknown));
        let places: Vec<usize> = answers.map(|(at, _)| *at).collect();
        if places.len() > 1 {
            found.add(
                "I18",
                format!("request {number} was answered {} times", places.len()),
                &places,
            );
        }
    }
}

/// I18: no request waits for ever on a connection that lives, while nothing is broken.
fn in_time(index: &Index<'_>, found: &mut Findings) {
    let mut closed: HashMap<(&str, u32), u64> = HashMap::new();
    for entry in index.history {
        if entry.what == What::Close {
            closed.insert((entry.who.as_str(), entry.conn), entry.at_us);
        }
    }
    for (number, call) in &index.calls {
        let entry = index.entry(call.at);
        let answered = call
            .outcomes
            .iter()
            .find(|(_, outcome)| !matches!(outcome, Outcome::Unknown));
        let end = match answered {
            Some((at, _)) => Some(index.entry(*at).at_us),
            None => closed.get(&(entry.who.as_str(), entry.conn)).copied(),
        };
        let Some(end) = end.filter(|end| *end > entry.at_us + ANSWER_US) else {
            continue;
        };
        if !index.is_disturbed(entry.at_us, end) {
            let seconds = (end - entry.at_us) / 1_000_000;
            found.add(
                "I18",
                format!("request {number} had no answer for {seconds} s"),
                &[call.at],
            );
        }
    }
}

/// I19: when all have gone, the server holds what it held before they came.
fn leftovers(index: &Index<'_>, found: &mut Findings) {
    for (at, entry) in index.history.iter().enumerate() {
        if let What::Leftover {
            name,
            before,
            after,
        } = &entry.what
            && *after > before + FILES_SLACK
        {
            found.add(
                "I19",
                format!("{name}: {before} before, {after} after everybody has gone"),
                &[at],
            );
        }
    }
}

/// I20: soon after a fault messages are stored again.
fn recovery(index: &Index<'_>, found: &mut Findings) {
    for (at, entry) in index.history.iter().enumerate() {
        if let What::Ended { fault } = &entry.what {
            found.add("I20", format!("a server ended by itself: {fault}"), &[at]);
        }
        let What::FaultEnds { fault } = &entry.what else {
            continue;
        };
        let until = entry.at_us + RECOVERY_US;
        let later = index.history[at + 1..].iter();
        let mut soon = later.take_while(|later| later.at_us <= until);
        let is_over = |what: &What| {
            let is_sent = matches!(
                what,
                What::Ok {
                    told: Told::Message { .. },
                    ..
                }
            );
            // The next fault, or the end of the load: there is nothing to be seen any more.
            is_sent || matches!(what, What::FaultBegins { .. } | What::Healed)
        };
        let is_past = index.history.last().is_some_and(|last| last.at_us > until);
        if is_past && !soon.any(|later| is_over(&later.what)) {
            found.add(
                "I20",
                format!("nothing was stored in the 5 s after {fault}"),
                &[at],
            );
        }
    }
}
