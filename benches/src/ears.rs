//! What a client heard of a conversation, and what was wrong with it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::stamps::Stamp;
use crate::wire::words::Position;

/// How often something was wrong. All of them are zero for a server that keeps its word.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// Acknowledged messages that somebody never got.
    pub lost: u64,
    /// Messages that somebody got more than once.
    pub doubled: u64,
    /// Messages that came after a later one of the same speaker, or out of the order of their numbers.
    pub reordered: u64,
    /// Messages that came to somebody who has no part in the conversation.
    pub strayed: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Messages that were neither acknowledged nor refused.
    pub unanswered: u64,
    /// Messages that were due and could not be sent, because their sender was behind.
    pub unsent: u64,
    /// Connections that ended by themselves.
    pub broken: u64,
}

impl Faults {
    /// Adds what somebody else met.
    pub fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.strayed += other.strayed;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.unsent += other.unsent;
        self.broken += other.broken;
    }

    /// Whether a promise about messages was broken; a refusal is none.
    pub fn broke_a_promise(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.strayed > 0
    }
}

/// Whoever listens to one conversation.
#[derive(Debug)]
pub struct Ear {
    run: u32,
    conversation: u32,
    /// The next number of each voice.
    next: Vec<u32>,
    /// What was left out so far, by voice and number.
    missing: BTreeSet<(u32, u32)>,
    last_seq: Option<u64>,
    faults: Faults,
}

impl Ear {
    /// An ear for that conversation of a run, which has so many voices.
    pub fn new(run: u32, conversation: u32, n_voices: usize) -> Self {
        Self {
            run,
            conversation,
            next: vec![1; n_voices],
            missing: BTreeSet::new(),
            last_seq: None,
            faults: Faults::default(),
        }
    }

    /// Takes in a message. Returns its stamp if it is one of this run that is heard for the first time.
    pub fn hear(&mut self, position: &Position) -> Option<Stamp> {
        let stamp = position.stamp.filter(|stamp| stamp.run == self.run)?;
        let next = usize::try_from(stamp.voice).ok();
        let next = next.and_then(|voice| self.next.get_mut(voice));
        let Some(next) = next.filter(|_| stamp.conversation == self.conversation) else {
            self.faults.strayed += 1;
            return None;
        };
        if stamp.number < *next {
            if !self.missing.remove(&(stamp.voice, stamp.number)) {
                self.faults.doubled += 1;
                return None;
            }
            self.faults.reordered += 1;
            return Some(stamp);
        }
        self.missing
            .extend((*next..stamp.number).map(|number| (stamp.voice, number)));
        *next = stamp.number + 1;
        self.follow(position.seq);
        Some(stamp)
    }

    /// The last number that was heard of a voice; 0 if none was.
    pub fn last_of(&self, voice: usize) -> u32 {
        self.next.get(voice).map_or(0, |next| next - 1)
    }

    /// Numbers of a conversation come one after the other, whoever spoke.
    fn follow(&mut self, seq: Option<u64>) {
        let Some(seq) = seq else { return };
        if self.last_seq.is_some_and(|last| seq <= last) {
            self.faults.reordered += 1;
        }
        self.last_seq = Some(seq);
    }

    /// What was wrong, once nothing more comes. `voices` are those of the conversation, in their order.
    pub fn close(mut self, voices: &[Spoken]) -> Faults {
        for ((voice, spoken), next) in (0_u32..).zip(voices).zip(&self.next) {
            self.missing
                .extend((*next..=spoken.n_sent).map(|number| (voice, number)));
        }
        let acknowledged = |(voice, number): &&(u32, u32)| {
            let spoken = usize::try_from(*voice).ok();
            let spoken = spoken.and_then(|voice| voices.get(voice));
            spoken.is_some_and(|spoken| !spoken.unacked.contains(number))
        };
        self.faults.lost += self.missing.iter().filter(acknowledged).count() as u64;
        self.faults
    }

    /// Takes note of a message that was heard again, although not by this ear.
    pub fn note_doubled(&mut self) {
        self.faults.doubled += 1;
    }
}

/// What a voice said.
#[derive(Debug, Default, Clone)]
pub struct Spoken {
    /// Its messages have the numbers 1 to this.
    pub n_sent: u32,
    /// Those that were not acknowledged.
    pub unacked: BTreeSet<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(voice: u32, number: u32, seq: u64) -> Position {
        let stamp = Stamp {
            run: 1,
            conversation: 4,
            voice,
            number,
            at_ns: 0,
        };
        Position {
            stamp: Some(stamp),
            seq: Some(seq),
        }
    }

    fn said(n_sent: u32, unacked: &[u32]) -> Spoken {
        Spoken {
            n_sent,
            unacked: unacked.iter().copied().collect(),
        }
    }

    fn after(heard: &[(u32, u32, u64)], voices: &[Spoken]) -> Faults {
        let mut ear = Ear::new(1, 4, voices.len());
        for (voice, number, seq) in heard {
            ear.hear(&message(*voice, *number, *seq));
        }
        ear.close(voices)
    }

    #[test]
    fn two_voices_in_order_are_no_fault() {
        let faults = after(
            &[(0, 1, 5), (1, 1, 6), (0, 2, 7)],
            &[said(2, &[]), said(1, &[])],
        );
        assert_eq!(faults, Faults::default());
    }

    #[test]
    fn what_is_left_out_is_lost_if_it_was_acknowledged() {
        let faults = after(&[(0, 1, 1), (0, 4, 4)], &[said(6, &[3])]);
        assert_eq!(faults.lost, 3);
        assert!(faults.broke_a_promise());
    }

    #[test]
    fn what_comes_late_is_reordered_and_what_comes_again_is_doubled() {
        let heard = [(0, 2, 2), (0, 1, 1), (0, 1, 1), (0, 2, 2)];
        let faults = after(&heard, &[said(2, &[])]);
        assert_eq!((faults.reordered, faults.doubled, faults.lost), (1, 2, 0));
    }

    #[test]
    fn numbers_that_go_back_are_reordered_although_each_voice_is_in_order() {
        let faults = after(&[(0, 1, 2), (1, 1, 1)], &[said(1, &[]), said(1, &[])]);
        assert_eq!(faults.reordered, 1);
    }

    #[test]
    fn messages_of_another_run_do_not_count_and_those_of_another_conversation_stray() {
        let mut ear = Ear::new(1, 4, 1);
        let mut other = message(0, 1, 1);
        other.stamp.as_mut().unwrap().run = 2;
        assert_eq!(ear.hear(&other), None);
        let mut stray = message(0, 1, 1);
        stray.stamp.as_mut().unwrap().conversation = 5;
        assert_eq!(ear.hear(&stray), None);
        assert_eq!(ear.hear(&message(9, 1, 1)), None);
        let faults = ear.close(&[said(0, &[])]);
        assert_eq!(faults.strayed, 2);
    }
}
