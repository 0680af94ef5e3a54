//! Only those who take part get anything (I13).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Findings;
use super::index::{Index, Outcome};
use crate::history::{Ask, Seen, What};

/// How long a removal may take to be known on all nodes under faults (P10). On one node it holds at
/// once.
const GRACE_US: u64 = 5_000_000;

/// Who takes part where, and when somebody surely did not.
pub struct Members<'a> {
    by_conversation: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Stretches of the history during which somebody was surely out, by user and conversation.
    out: HashMap<(&'a str, &'a str), Vec<(usize, usize)>>,
}

impl<'a> Members<'a> {
    /// From what the harness and the owners of rooms did.
    pub fn new(index: &Index<'a>) -> Self {
        let mut members = Self {
            by_conversation: BTreeMap::new(),
            out: HashMap::new(),
        };
        for entry in index.history {
            match &entry.what {
                What::Conversation {
                    conversation,
                    members: users,
                } => {
                    members
                        .by_conversation
                        .insert(conversation, users.iter().map(String::as_str).collect());
                }
                What::Head {
                    conversation,
                    pair: Some(pair),
                    ..
                } => {
                    members
                        .by_conversation
                        .insert(conversation, pair.iter().map(String::as_str).collect());
                }
                _ => {}
            }
        }
        members.note_changes(index);
        members
    }

    fn note_changes(&mut self, index: &Index<'a>) {
        for call in index.calls.values() {
            let Ask::Member {
                conversation,
                user,
                is_in,
            } = call.ask
            else {
                continue;
            };
            let stretches = self.out.entry((user, conversation)).or_default();
            if *is_in {
                if let Some(last) = stretches.last_mut() {
                    last.1 = last.1.min(call.at);
                }
                continue;
            }
            // A refusal says that the user was out already.
            let known = call
                .outcomes
                .iter()
                .find(|(_, outcome)| !matches!(outcome, Outcome::Unknown));
            if let Some((at, _)) = known {
                stretches.push((*at, usize::MAX));
            }
        }
    }

    /// Whether somebody takes part in the end.
    pub fn takes_part(&self, user: &str, conversation: &str) -> bool {
        let is_out = self
            .out
            .get(&(user, conversation))
            .and_then(|stretches| stretches.last());
        let is_member = self
            .by_conversation
            .get(conversation)
            .is_some_and(|users| users.contains(user));
        is_member && is_out.is_none_or(|(_, end)| *end != usize::MAX)
    }

    /// Since when somebody is surely out, at a position of the history.
    fn out_since(&self, user: &str, conversation: &str, at: usize) -> Option<usize> {
        if !self.by_conversation.get(conversation)?.contains(user) {
            return Some(0);
        }
        let stretches = self.out.get(&(user, conversation))?;
        let stretch = stretches
            .iter()
            .find(|(from, to)| (*from..*to).contains(&at));
        stretch.map(|(from, _)| *from)
    }
}

pub fn check(index: &Index<'_>, found: &mut Findings) {
    let members = Members::new(index);
    leaks(index, &members, found);
    revoked(index, found);
    favours(index, &members, found);
}

/// Whether something at `at` came too late after `since` to be excused by the way to other nodes.
fn is_late(index: &Index<'_>, since: usize, at: usize) -> bool {
    let grace = if index.n_nodes > 1 && since > 0 {
        GRACE_US
    } else {
        0
    };
    index.entry(at).at_us >= index.entry(since).at_us + grace && at > since
}

/// What was sent after somebody was out did not reach them.
fn leaks(index: &Index<'_>, members: &Members<'_>, found: &mut Findings) {
    for sight in &index.sights {
        let (seen, entry) = (sight.seen, index.entry(sight.at));
        let Some(since) = members.out_since(entry.user(), &seen.conversation, sight.at) else {
            continue;
        };
        let sent = sent_at(index, seen);
        let is_sent_after = sent.is_some_and(|sent| is_late(index, since, sent));
        if since == 0 || is_sent_after {
            let what = format!(
                "{} got message {} of {} and takes no part in it",
                entry.who, seen.id, seen.conversation
            );
            found.add("I13", what, &[since, sight.at]);
        }
    }
}

/// Who has no token any more hears nothing of what is sent some seconds later. What was sent before may
/// still be on a slow way.
fn revoked(index: &Index<'_>, found: &mut Findings) {
    let mut ended: HashMap<&str, usize> = HashMap::new();
    for call in index.calls.values() {
        if let (Ask::Revoke { device }, Some((at, _))) = (call.ask, call.done()) {
            ended.insert(device, at);
        }
    }
    for sight in &index.sights {
        let who = index.entry(sight.at).who.as_str();
        let (Some(since), Some(sent)) = (ended.get(who), sent_at(index, sight.seen)) else {
            continue;
        };
        if index.entry(sent).at_us > index.entry(*since).at_us + GRACE_US {
            let what = format!("{who} hears although its token was revoked");
            found.add("I13", what, &[*since, sent, sight.at]);
        }
    }
}

/// Where a message was first sent.
fn sent_at(index: &Index<'_>, seen: &Seen) -> Option<usize> {
    let row = index
        .row_of
        .get(seen.id.as_str())
        .map_or(seen, |(_, row)| row);
    let cmid = row.cmid.as_deref()?;
    let calls = index
        .sends
        .get(&(row.sender.as_str(), row.conversation.as_str(), cmid))?;
    Some(index.calls.get(calls.first()?)?.at)
}

/// Nothing was done for somebody who was out.
fn favours(index: &Index<'_>, members: &Members<'_>, found: &mut Findings) {
    for call in index.calls.values() {
        let (Ask::Send { conversation, .. }
        | Ask::Read { conversation }
        | Ask::Look { conversation }) = call.ask
        else {
            continue;
        };
        let user = index.entry(call.at).user();
        let Some((answered, _)) = call.done() else {
            continue;
        };
        let since = members.out_since(user, conversation, call.at);
        let Some(since) =
            since.filter(|_| members.out_since(user, conversation, answered) == since)
        else {
            continue;
        };
        if since == 0 || is_late(index, since, call.at) {
            let what = format!(
                "{user} takes no part in {conversation} and was served: {:?}",
                call.ask
            );
            found.add("I13", what, &[since, call.at, answered]);
        }
    }
}
