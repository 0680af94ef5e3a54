//! What is sent is stored, once, as it was sent, and nothing else is (I1, I2, I3, I4, I11).

use std::collections::HashMap;

use super::Findings;
use super::index::{Call, Index, Key, Outcome, Way};
use crate::history::{Ask, Seen, Told, What};

pub fn check(index: &Index<'_>, found: &mut Findings) {
    if !index.is_whole {
        return;
    }
    stored(index, found);
    attempted(index, found);
    once(index, found);
    numbered(index, found);
    real(index, found);
}

/// I1: what was acknowledged is in the log as it was acknowledged.
fn stored(index: &Index<'_>, found: &mut Findings) {
    for (at, entry) in index.history.iter().enumerate() {
        if let What::Gone { conversation } = &entry.what
            && entry.who.ends_with("/final")
        {
            let what = format!("{conversation} is gone for {}", entry.user());
            found.add("I1", what, &[at]);
        }
    }
    for call in index.calls.values() {
        let Some((at, Told::Message { message, .. })) = call.done() else {
            continue;
        };
        let Some((row_at, row)) = index.row_of.get(message.id.as_str()) else {
            let what = format!(
                "message {} was acknowledged as seq {} and is not stored",
                message.id, message.seq
            );
            found.add("I1", what, &[call.at, at]);
            continue;
        };
        let facts = |seen: &Seen| {
            (
                seen.conversation.clone(),
                seen.seq,
                seen.sender.clone(),
                seen.text.clone(),
            )
        };
        // What was changed later may say something else, but nothing that nobody asked for.
        let is_changed = row.rev > message.rev && index.was_changed_to(&row.id, &row.text);
        let text = if is_changed { &message.text } else { &row.text };
        let stored = Seen {
            text: text.clone(),
            ..(*row).clone()
        };
        if facts(message) != facts(&stored) || row.rev < message.rev {
            let what = format!(
                "message {} is stored otherwise than it was acknowledged",
                message.id
            );
            found.add("I1", what, &[call.at, at, *row_at]);
        }
    }
}

/// The attempts of each send, which say what may be stored.
fn attempts<'a>(index: &'a Index<'_>, key: &Key<'_>) -> Vec<&'a Call<'a>> {
    let calls = index.sends.get(key).into_iter().flatten();
    calls.filter_map(|call| index.calls.get(call)).collect()
}

/// I2: what is in the log was sent, by whom it says, and was not refused.
fn attempted(index: &Index<'_>, found: &mut Findings) {
    for (at, row) in index.row_of.values() {
        let cmid = row.cmid.as_deref().unwrap_or_default();
        let attempts = attempts(index, &(&row.sender, &row.conversation, cmid));
        let said =
            |call: &&Call<'_>| matches!(call.ask, Ask::Send { text, .. } if *text == row.text);
        if attempts.is_empty()
            || !(attempts.iter().any(said) || index.was_changed_to(&row.id, &row.text))
        {
            let what = format!(
                "message {} of {} was never sent like that",
                row.id, row.sender
            );
            found.add("I2", what, &[*at]);
            continue;
        }
        let outcomes: Vec<_> = attempts.iter().flat_map(|call| &call.outcomes).collect();
        let is_refused = |(_, outcome): &&(usize, Outcome<'_>)| matches!(outcome, Outcome::Fail);
        if !outcomes.is_empty()
            && outcomes.len() >= attempts.len()
            && outcomes.iter().all(is_refused)
        {
            let mut places = vec![*at];
            places.extend(outcomes.iter().map(|(at, _)| *at));
            found.add(
                "I2",
                format!("message {} was refused and is stored", row.id),
                &places,
            );
        }
    }
}

/// I3: one send is one message, however often it was sent.
fn once(index: &Index<'_>, found: &mut Findings) {
    let mut rows: HashMap<Key<'_>, usize> = HashMap::new();
    for (at, row) in index.row_of.values() {
        let Some(cmid) = row.cmid.as_deref() else {
            continue;
        };
        if let Some(other) = rows.insert((&row.sender, &row.conversation, cmid), *at) {
            found.add(
                "I3",
                format!("{cmid} of {} is stored twice", row.sender),
                &[other, *at],
            );
        }
    }
    for (key, calls) in &index.sends {
        let mut first: Option<(usize, &Seen)> = None;
        for call in calls.iter().filter_map(|call| index.calls.get(call)) {
            let Some((at, Told::Message { message, .. })) = call.done() else {
                continue;
            };
            match first {
                Some((before, known)) if (&known.id, known.seq) != (&message.id, message.seq) => {
                    let what = format!(
                        "{} of {} was acknowledged as {} and as {}",
                        key.2, key.0, known.id, message.id
                    );
                    found.add("I3", what, &[before, at]);
                }
                Some(_) => {}
                None => first = Some((at, message)),
            }
        }
    }
}

/// I4: the numbers of a conversation have no gap, and none is there twice.
fn numbered(index: &Index<'_>, found: &mut Findings) {
    for (head_at, entry) in index.history.iter().enumerate() {
        let What::Head {
            conversation,
            last_seq,
            last_rev,
            ..
        } = &entry.what
        else {
            continue;
        };
        let rows = index.rows.get(conversation.as_str());
        let mut expected = 1;
        for (seq, rows) in rows.into_iter().flatten() {
            let places: Vec<usize> = rows.iter().map(|(at, _)| *at).collect();
            if *seq != expected || rows.len() > 1 {
                let what = format!(
                    "{conversation} has {} messages under seq {seq}, after seq {}",
                    rows.len(),
                    expected - 1
                );
                found.add("I4", what, &places);
            }
            expected = seq + 1;
        }
        if *last_seq != expected - 1 {
            let what = format!(
                "last_seq of {conversation} is {last_seq}, its last message has {}",
                expected - 1
            );
            found.add("I4", what, &[head_at]);
        }
        let highest = rows
            .into_iter()
            .flatten()
            .flat_map(|(_, rows)| rows)
            .map(|(_, row)| row.rev)
            .max();
        if *last_rev != highest.unwrap_or(0) {
            let what = format!(
                "last_rev of {conversation} is {last_rev}, the highest of its rows {highest:?}"
            );
            found.add("I4", what, &[head_at]);
        }
    }
}

/// I11: what anybody saw is in the log, as that change or a later one.
fn real(index: &Index<'_>, found: &mut Findings) {
    for sight in index.sights.iter().filter(|sight| sight.way != Way::Answer) {
        let seen = sight.seen;
        let Some((row_at, row)) = index.row_of.get(seen.id.as_str()) else {
            let what = format!(
                "message {} was shown ({:?}) and is not stored",
                seen.id, sight.way
            );
            found.add("I11", what, &[sight.at]);
            continue;
        };
        if row.seq != seen.seq || row.conversation != seen.conversation || row.rev < seen.rev {
            let what = format!(
                "message {} was shown as seq {} rev {} and is stored as seq {} rev {}",
                seen.id, seen.seq, seen.rev, row.seq, row.rev
            );
            found.add("I11", what, &[sight.at, *row_at]);
        }
    }
}
