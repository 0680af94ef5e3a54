//! Events that are held back for a socket until an answer is given, and those that are left out because
//! the answer told of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, MessageId};

use crate::chat::Moved;
use crate::store::MessageRow;

/// Events that may be held back for one socket while its answer is made, and their bytes.
const MAX_HELD: usize = 4_096;
const MAX_HELD_BYTES: usize = 4 * 1_024 * 1_024;

/// One event.
pub struct Held {
    pub event: &'static str,
    pub body: Box<RawValue>,
    shown: Option<Shown>,
}

/// The message that an event shows.
struct Shown {
    id: MessageId,
    conversation: ConversationId,
    rev: i64,
    is_new: bool,
}

impl From<(&MessageRow, bool)> for Shown {
    fn from((row, is_new): (&MessageRow, bool)) -> Self {
        Self {
            id: row.id.clone(),
            conversation: row.conversation_id.clone(),
            rev: row.rev,
            is_new,
        }
    }
}

/// A message as an answer tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Which message.
    pub id: MessageId,
    /// Where it is.
    pub conversation: ConversationId,
    /// Its last change.
    pub rev: i64,
}

impl From<&MessageRow> for Version {
    fn from(row: &MessageRow) -> Self {
        Self {
            id: row.id.clone(),
            conversation: row.conversation_id.clone(),
            rev: row.rev,
        }
    }
}

/// What an answer tells: messages, and all that happened in conversations up to a `rev`.
#[derive(Default)]
pub struct Covered {
    /// Messages that were new with the answer.
    pub messages: Vec<Version>,
    /// How far each conversation is told.
    pub heads: Vec<Moved>,
    /// Whether the socket takes a message that is told as new once more, but changed, for its change.
    pub follows_changes: bool,
}

impl Covered {
    fn has(&self, shown: &Shown) -> bool {
        let is_its = |head: &&Moved| head.conversation == shown.conversation;
        match self.heads.iter().find(is_its) {
            Some(head) => shown.rev <= head.rev,
            // A message that was told may have changed since.
            None => shown.is_new && self.messages.iter().any(|it| self.is_same(it, shown)),
        }
    }

    fn is_same(&self, told: &Version, shown: &Shown) -> bool {
        told.id == shown.id && (shown.rev <= told.rev || !self.follows_changes)
    }

    /// Takes what a later answer told in place of what is known of the same.
    fn renew(&mut self, later: Self) {
        self.heads.retain(|head| !later.is_about(head));
        self.heads.extend(later.heads);
        let again: HashSet<&ConversationId> =
            later.messages.iter().map(|it| &it.conversation).collect();
        self.messages.retain(|it| !again.contains(&it.conversation));
        self.messages.extend(later.messages);
        let n_too_many = self.messages.len().saturating_sub(MAX_HELD);
        self.messages.drain(..n_too_many);
        self.follows_changes = later.follows_changes;
    }

    fn is_about(&self, head: &Moved) -> bool {
        let mut covered = self.heads.iter();
        covered.any(|it| it.conversation == head.conversation)
    }

    /// Forgets about what comes no more: changes of a conversation come in order, and so do new messages.
    fn forget_before(&mut self, shown: &Shown) {
        self.heads
            .retain(|head| head.conversation != shown.conversation);
        let may_come =
            |told: &Version| told.conversation != shown.conversation || told.rev >= shown.rev;
        self.messages.retain(|told| !shown.is_new || may_come(told));
    }

    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.heads.is_empty()
    }
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is told.
    Tell,
    /// It is told later, or was told already.
    Keep,
    /// It must be told later, and does not fit.
    Overflow,
}

/// How many sockets have their events held back: their answers may show less than is told by now.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// One of them, until it is dropped.
struct Hold(Waiting);

impl Hold {
    fn new(waiting: &Waiting) -> Self {
        waiting.0.fetch_add(1, Ordering::SeqCst);
        Self(waiting.clone())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is between the events and a socket.
#[derive(Default)]
pub struct Holdback {
    hold: Option<Hold>,
    held: Vec<Held>,
    n_held_bytes: usize,
    /// What an answer told before the others were told.
    covered: Covered,
}

impl Holdback {
    /// From now on everything is held back.
    pub fn hold(&mut self, waiting: &Waiting) {
        self.hold.get_or_insert_with(|| Hold::new(waiting));
    }

    /// Judges an event, and keeps it if it is to be told later; with the message that it shows, and
    /// whether that is new.
    pub fn judge(
        &mut self,
        event: &'static str,
        body: &RawValue,
        message: Option<(&MessageRow, bool)>,
    ) -> Verdict {
        let shown = message.map(Shown::from);
        if self.hold.is_none() {
            return match shown {
                Some(shown) if self.covered.has(&shown) => Verdict::Keep,
                Some(shown) => {
                    self.covered.forget_before(&shown);
                    Verdict::Tell
                }
                None => Verdict::Tell,
            };
        }
        self.n_held_bytes += body.get().len();
        if self.held.len() >= MAX_HELD || self.n_held_bytes > MAX_HELD_BYTES {
            return Verdict::Overflow;
        }
        self.held.push(Held {
            event,
            body: body.to_owned(),
            shown,
        });
        Verdict::Keep
    }

    /// The answer was given: returns what is to be told now, without what the answer told. Where the
    /// others are not told of that yet (`is_early`), it stays left out until they are.
    pub fn release(&mut self, covered: Covered, is_early: bool) -> impl Iterator<Item = Held> {
        self.hold = None;
        self.n_held_bytes = 0;
        let mut held = std::mem::take(&mut self.held);
        held.retain(|held| {
            let shown = held.shown.as_ref();
            shown.is_none_or(|shown| !covered.has(shown) && !self.covered.has(shown))
        });
        match is_early {
            true => self.covered.renew(covered),
            false => self.covered.heads.retain(|head| !covered.is_about(head)),
        }
        held.into_iter()
    }

    /// Whether every event is to be told at once.
    pub fn is_open(&self) -> bool {
        self.hold.is_none() && self.covered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests_support;

    fn row(id: &str, conversation: &str, rev: i64) -> MessageRow {
        MessageRow {
            id: id.into(),
            conversation_id: conversation.into(),
            rev,
            ..tests_support::row()
        }
    }

    /// `told` are messages of conversation `a` or `b`, by `id` and `rev`.
    fn covered_by(told: &[(&str, &str, i64)], covered: &[(&str, i64)]) -> Covered {
        let moved = |(conversation, rev): &(&str, i64)| Moved {
            conversation: (*conversation).into(),
            rev: *rev,
            seq: *rev,
            facts_in: 0,
        };
        Covered {
            messages: told
                .iter()
                .map(|(id, conversation, rev)| Version::from(&row(id, conversation, *rev)))
                .collect(),
            heads: covered.iter().map(moved).collect(),
            follows_changes: false,
        }
    }

    /// Offers an event; says whether it is told now.
    fn is_told(holdback: &mut Holdback, id: &str, conversation: &str, rev: i64) -> bool {
        let row = row(id, conversation, rev);
        let verdict = holdback.judge("message", RawValue::NULL, Some((&row, true)));
        verdict == Verdict::Tell
    }

    #[test]
    fn what_the_answer_told_is_left_out_of_what_was_held_back() {
        let mut holdback = Holdback::default();
        holdback.hold(&Waiting::default());
        for rev in 1..=3 {
            assert!(!is_told(&mut holdback, &rev.to_string(), "a", rev));
        }
        assert!(!is_told(&mut holdback, "x", "b", 1));
        // Told before, and changed since.
        assert!(!is_told(&mut holdback, "1", "a", 4));
        let told = holdback.release(
            covered_by(&[("x", "b", 1), ("1", "a", 1)], &[("a", 2)]),
            false,
        );
        let revs: Vec<i64> = told.map(|held| held.shown.unwrap().rev).collect();
        assert_eq!(revs, [3, 4]);
        assert!(holdback.is_open());
    }

    #[test]
    fn what_an_early_answer_told_is_left_out_when_the_others_are_told_later() {
        let mut holdback = Holdback::default();
        holdback.hold(&Waiting::default());
        let told = holdback.release(covered_by(&[], &[("a", 2), ("b", 1)]), true);
        assert_eq!(told.count(), 0);
        assert!(!is_told(&mut holdback, "1", "a", 1));
        assert!(!is_told(&mut holdback, "2", "a", 2));
        assert!(is_told(&mut holdback, "y", "c", 1));
        assert!(!holdback.is_open());
        assert!(is_told(&mut holdback, "3", "a", 3));
        assert!(is_told(&mut holdback, "z", "b", 2));
        assert!(holdback.is_open(), "nothing is left to be left out");
    }

    #[test]
    fn a_later_answer_renews_what_is_left_out() {
        let mut holdback = Holdback::default();
        let answer = |holdback: &mut Holdback, covered: &[(&str, i64)], is_early| {
            holdback.hold(&Waiting::default());
            assert!(!is_told(holdback, "4", "b", 4));
            assert_eq!(
                holdback.release(covered_by(&[], covered), is_early).count(),
                0
            );
        };
        answer(&mut holdback, &[("a", 2), ("b", 4)], true);
        answer(&mut holdback, &[("a", 5)], true);
        assert!(!is_told(&mut holdback, "5", "a", 5));
        answer(&mut holdback, &[], true);
        answer(&mut holdback, &[("a", 5)], false);
        assert!(!holdback.is_open(), "b is still to come");
        answer(&mut holdback, &[("b", 4)], false);
        assert!(holdback.is_open());
    }
    #[test]
    fn a_message_that_an_answer_told_comes_again_when_it_has_changed() {
        let mut holdback = Holdback::default();
        holdback.hold(&Waiting::default());
        let covered = Covered {
            follows_changes: true,
            ..covered_by(&[("1", "a", 1), ("2", "a", 2)], &[("a", 2)])
        };
        assert_eq!(holdback.release(covered, true).count(), 0);
        assert!(!is_told(&mut holdback, "1", "a", 1));
        assert!(is_told(&mut holdback, "3", "a", 3), "the head is behind");
        let is_told_again = is_told(&mut holdback, "2", "a", 4);
        assert!(is_told_again, "as new, with what it says now");
    }

    #[test]
    fn who_follows_by_seq_hears_of_a_message_once_however_it_has_changed() {
        let mut holdback = Holdback::default();
        holdback.hold(&Waiting::default());
        let covered = covered_by(&[("1", "a", 1), ("2", "a", 2)], &[]);
        assert_eq!(holdback.release(covered, true).count(), 0);
        assert!(!is_told(&mut holdback, "1", "a", 1));
        assert!(!is_told(&mut holdback, "2", "a", 4));
        assert!(is_told(&mut holdback, "3", "a", 3));
        assert!(holdback.is_open());
    }

    #[test]
    fn messages_of_several_early_answers_are_left_out_until_later_ones_come() {
        let mut holdback = Holdback::default();
        for told in [("1", "a", 1), ("2", "b", 1), ("3", "a", 2)] {
            holdback.hold(&Waiting::default());
            assert_eq!(holdback.release(covered_by(&[told], &[]), true).count(), 0);
        }
        assert!(!is_told(&mut holdback, "2", "b", 1));
        assert!(!is_told(&mut holdback, "3", "a", 2));
        assert!(is_told(&mut holdback, "4", "a", 3) && is_told(&mut holdback, "5", "b", 2));
        assert!(holdback.is_open(), "nothing is left to be left out");
    }

    #[test]
    fn who_waits_is_counted_until_it_is_answered_or_gone() {
        let waiting = Waiting::default();
        let (mut one, mut other) = (Holdback::default(), Holdback::default());
        one.hold(&waiting);
        one.hold(&waiting);
        other.hold(&waiting);
        assert_eq!(waiting.count(), 2);
        assert_eq!(one.release(Covered::default(), false).count(), 0);
        assert_eq!(waiting.count(), 1);
        drop(other);
        assert_eq!(waiting.count(), 0);
    }
}
