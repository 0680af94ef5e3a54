//! Everybody sees the same, in the same order, without holes (I5, I6, I7, I8, I10, I12).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Findings;
use super::index::{Index, Way};
use crate::history::{Ask, Seen, Told, What};

pub fn check(index: &Index<'_>, found: &mut Findings) {
    agreement(index, found);
    connections(index, found);
    heard(index, found);
    real_time(index, found);
    pipelines(index, found);
    walks(index, found);
}

/// I5: whoever looks at a place sees the same there.
fn agreement(index: &Index<'_>, found: &mut Findings) {
    let mut at_seq: HashMap<(&str, i64), (usize, &Seen)> = HashMap::new();
    let mut at_rev: HashMap<(&str, i64), (usize, &Seen)> = HashMap::new();
    let rows = index.row_of.values().copied();
    // What other dialects show has no state that could be compared.
    for (at, seen) in index
        .sights
        .iter()
        .map(|sight| (sight.at, sight.seen))
        .chain(rows)
    {
        let (first_at, first) = at_seq
            .entry((&seen.conversation, seen.seq))
            .or_insert((at, seen));
        if (&first.id, &first.sender) != (&seen.id, &seen.sender) {
            let what = format!(
                "seq {} of {} is message {} and message {}",
                seen.seq, seen.conversation, first.id, seen.id
            );
            found.add("I5", what, &[*first_at, at]);
        }
        let (first_at, first) = at_rev
            .entry((&seen.conversation, seen.rev))
            .or_insert((at, seen));
        let is_same_state = match (&first.state, &seen.state) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        if first.id != seen.id || first.text != seen.text || !is_same_state {
            let what = format!(
                "rev {} of {} shows two different things",
                seen.rev, seen.conversation
            );
            found.add("I5", what, &[*first_at, at]);
        }
        if first.state.is_none() {
            (*first_at, *first) = (at, seen);
        }
    }
}

/// What one connection has seen of one conversation.
#[derive(Default)]
struct Stream<'a> {
    /// Every change up to here was seen; unknown when the conversation was not asked about.
    position: Option<i64>,
    /// What came on this connection, by `rev`.
    seen: BTreeMap<i64, (&'a str, usize)>,
    /// Changes that were passed over, and where that was noticed.
    holes: Vec<(i64, usize, Way)>,
}

impl<'a> Stream<'a> {
    fn take(&mut self, at: usize, seen: &'a Seen, way: Way, found: &mut Findings) {
        let position = *self.position.get_or_insert(seen.rev - 1);
        if seen.rev <= position {
            // Asking for what is known already is allowed, hearing it live again is not.
            if way == Way::Live {
                let what = format!(
                    "rev {} of {} came live after rev {position}",
                    seen.rev, seen.conversation
                );
                found.add("I6", what, &[at]);
            }
            return;
        }
        self.holes
            .extend((position + 1..seen.rev).map(|rev| (rev, at, way)));
        self.position = Some(seen.rev);
        self.seen.insert(seen.rev, (&seen.id, at));
    }

    /// Judges the holes: a change may be passed over if its message changed again, and that was shown
    /// or is still to come.
    fn judge(self, index: &Index<'_>, conversation: &str, found: &mut Findings) {
        let last = self.seen.keys().next_back().copied().unwrap_or_default();
        let ids: HashMap<&str, i64> = self.seen.iter().map(|(rev, (id, _))| (*id, *rev)).collect();
        for (rev, at, way) in self.holes {
            let Some(id) = index.revs.get(conversation).and_then(|revs| revs.get(&rev)) else {
                // Nobody ever saw it: it was overwritten at once.
                continue;
            };
            let is_shown = ids.get(id).is_some_and(|shown| *shown > rev);
            let is_to_come = index.last_revs.get(id).is_some_and(|latest| *latest > last);
            if !is_shown && !is_to_come {
                let invariant = if way == Way::Live { "I6" } else { "I10" };
                found.add(
                    invariant,
                    format!("rev {rev} of {conversation} was passed over ({way:?})"),
                    &[at],
                );
            }
        }
    }
}

/// I6 and I10: on a connection the changes of a conversation come one after the other, from what was
/// asked for on, and none is left out.
fn connections(index: &Index<'_>, found: &mut Findings) {
    let mut open: HashMap<(&str, u32), HashMap<&str, Stream<'_>>> = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        let streams = open.entry((entry.who.as_str(), entry.conn)).or_default();
        match &entry.what {
            What::Open { since } => {
                for (id, rev) in since {
                    let position = Some(*rev);
                    streams.insert(
                        id,
                        Stream {
                            position,
                            ..Stream::default()
                        },
                    );
                }
            }
            What::Received { message } => {
                streams.entry(&message.conversation).or_default().take(
                    at,
                    message,
                    Way::Live,
                    found,
                );
            }
            What::Caught {
                conversation,
                messages,
            } => {
                let stream = streams.entry(conversation).or_default();
                let is_sorted = messages.is_sorted_by_key(|message| message.rev);
                if !is_sorted
                    || messages
                        .iter()
                        .any(|message| message.conversation != *conversation)
                {
                    found.add(
                        "I10",
                        format!("the changes of {conversation} are not in order"),
                        &[at],
                    );
                }
                for message in messages {
                    stream.take(at, message, Way::Caught, found);
                }
            }
            What::Reset { conversation } | What::Gone { conversation } => {
                if let Some(stream) = streams.remove(conversation.as_str()) {
                    stream.judge(index, conversation, found);
                }
            }
            _ => {}
        }
    }
    for (conversation, stream) in open.into_values().flatten() {
        stream.judge(index, conversation, found);
    }
}

/// I6: in another dialect, too, each new message comes once, after the one before it.
fn heard(index: &Index<'_>, found: &mut Findings) {
    let mut last: HashMap<(&str, u32, &str), (i64, usize)> = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        let What::Heard { message } = &entry.what else {
            continue;
        };
        let place = (
            entry.who.as_str(),
            entry.conn,
            message.conversation.as_str(),
        );
        if let Some((seq, before)) = last.insert(place, (message.seq, at))
            && !follows(index, message, seq, at)
        {
            let what = format!("{} heard seq {} after seq {seq}", entry.who, message.seq);
            found.add("I6", what, &[before, at]);
        }
    }
}

/// Whether nothing is missing between a message and the one heard before it. What was deleted before it was told
/// need not be.
fn follows(index: &Index<'_>, message: &Seen, before: i64, at: usize) -> bool {
    let mut between = before + 1..message.seq;
    message.seq > before && between.all(|seq| index.may_be_deleted(&message.conversation, seq, at))
}

/// I7: what was sent after another message was acknowledged comes after it.
fn real_time(index: &Index<'_>, found: &mut Findings) {
    // For each conversation the highest acknowledged place so far.
    let mut acked: HashMap<&str, (i64, usize)> = HashMap::new();
    let mut floor: HashMap<(&str, &str, &str), (i64, usize)> = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        match &entry.what {
            What::Invoke {
                ask: Ask::Send {
                    conversation, cmid, ..
                },
                ..
            } => {
                let highest = acked
                    .get(conversation.as_str())
                    .copied()
                    .unwrap_or_default();
                floor
                    .entry((entry.user(), conversation, cmid))
                    .or_insert(highest);
            }
            What::Ok {
                call,
                told: Told::Message { message, .. },
            } => {
                let Some(Ask::Send { cmid, .. }) = index.calls.get(call).map(|call| call.ask)
                else {
                    continue;
                };
                let key = (entry.user(), message.conversation.as_str(), cmid.as_str());
                if let Some((seq, before)) = floor.get(&key)
                    && message.seq <= *seq
                {
                    let what = format!(
                        "{cmid} has seq {}, but was sent after seq {seq} was acknowledged",
                        message.seq
                    );
                    found.add("I7", what, &[*before, at]);
                }
                let highest = acked.entry(&message.conversation).or_default();
                if message.seq > highest.0 {
                    *highest = (message.seq, at);
                }
            }
            _ => {}
        }
    }
}

/// I8: messages of one connection to one conversation keep the order in which they were sent.
fn pipelines(index: &Index<'_>, found: &mut Findings) {
    let mut last: HashMap<(&str, u32, &str), (i64, usize)> = HashMap::new();
    for call in index.calls.values() {
        let Ask::Send {
            conversation,
            cmid,
            rest: false,
            ..
        } = call.ask
        else {
            continue;
        };
        let entry = index.entry(call.at);
        let is_only = index
            .sends
            .get(&(entry.user(), conversation.as_str(), cmid.as_str()))
            .is_some_and(|calls| calls.len() == 1);
        let Some((
            at,
            Told::Message {
                message,
                duplicate: false,
            },
        )) = call.done()
        else {
            continue;
        };
        if !is_only {
            continue;
        }
        let place = (entry.who.as_str(), entry.conn, conversation.as_str());
        if let Some((seq, before)) = last.insert(place, (message.seq, at))
            && seq >= message.seq
        {
            let what = format!(
                "{cmid} has seq {}, what was sent before it on its connection {seq}",
                message.seq
            );
            found.add("I8", what, &[before, at]);
        }
    }
}

/// I12: a walk through the history meets everything once that was there when it began.
fn walks(index: &Index<'_>, found: &mut Findings) {
    let mut walks: BTreeMap<u64, (i64, Vec<(usize, i64)>)> = BTreeMap::new();
    let mut acked: HashMap<&str, i64> = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        match &entry.what {
            What::Ok {
                told: Told::Message { message, .. },
                ..
            } => {
                let head = acked.entry(&message.conversation).or_default();
                *head = message.seq.max(*head);
            }
            What::Walk { walk, conversation } => {
                let head = *acked.get(conversation.as_str()).unwrap_or(&0);
                walks.insert(*walk, (head, Vec::new()));
            }
            What::Page {
                walk,
                conversation,
                messages,
                is_last,
            } => {
                let (head, walked) = walks.entry(*walk).or_default();
                walked.extend(messages.iter().map(|message| (at, message.seq)));
                if *is_last {
                    walk_ended(walked, *head, conversation, at, found);
                }
            }
            _ => {}
        }
    }
}

fn walk_ended(
    walked: &[(usize, i64)],
    head: i64,
    conversation: &str,
    at: usize,
    found: &mut Findings,
) {
    let mut seqs = BTreeSet::new();
    for (place, seq) in walked {
        if !seqs.insert(*seq) {
            found.add(
                "I12",
                format!("a walk through {conversation} met seq {seq} twice"),
                &[*place, at],
            );
        }
    }
    let highest = seqs.iter().next_back().copied().unwrap_or(0).max(head);
    for seq in (1..=highest).filter(|seq| !seqs.contains(seq)) {
        found.add(
            "I12",
            format!("a walk through {conversation} passed over seq {seq}"),
            &[at],
        );
    }
}
