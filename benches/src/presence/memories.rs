//! What somebody knows of a conversation across a cut: what it heard live, and what it then read.

use std::collections::BTreeSet;

use super::homes::Chat;
use crate::ears::{Ear, Faults, Spoken};
use crate::stamps::Stamp;
use crate::wire::words::Position;

/// A conversation with one voice.
pub struct Memory {
    /// Which one.
    pub chat: Chat,
    run: u32,
    ear: Ear,
    /// The last number that was read; what comes live up to it is known already.
    read_up_to: u32,
    /// Numbers that came live although they had been read. Once each is no fault: they were on their way.
    known: BTreeSet<u32>,
}

impl Memory {
    /// Nothing yet.
    pub fn new(run: u32, chat: Chat) -> Self {
        Self {
            chat,
            run,
            ear: Ear::new(run, chat.number, 1),
            read_up_to: 0,
            known: BTreeSet::new(),
        }
    }

    /// Takes in what came live. Returns its stamp if it is new.
    pub fn hear(&mut self, position: &Position) -> Option<Stamp> {
        let number = position.stamp.map_or(0, |stamp| stamp.number);
        if number > self.read_up_to {
            return self.ear.hear(position);
        }
        if !self.known.insert(number) {
            self.ear.note_doubled();
        }
        None
    }

    /// Whether a page that begins with this message leaves nothing out behind what was heard.
    pub fn reaches(&self, position: &Position) -> bool {
        let ours = position.stamp.filter(|stamp| stamp.run == self.run);
        ours.is_none_or(|stamp| stamp.number <= self.ear.last_of(0) + 1)
    }

    /// Takes in what was read of the conversation, the oldest first. Returns how many messages were new.
    pub fn read(&mut self, positions: &[Position]) -> u64 {
        let heard_up_to = self.ear.last_of(0);
        let is_new = |position: &&Position| {
            let stamp = position.stamp;
            stamp.is_some_and(|stamp| stamp.run == self.run && stamp.number > heard_up_to)
        };
        let mut n_new = 0;
        for position in positions.iter().filter(is_new) {
            n_new += u64::from(self.ear.hear(position).is_some());
        }
        self.read_up_to = self.ear.last_of(0);
        n_new
    }

    /// What was wrong, once nothing more comes.
    pub fn close(self, spoken: &Spoken) -> Faults {
        self.ear.close(std::slice::from_ref(spoken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: u32 = 9;

    fn memory() -> Memory {
        let chat = Chat {
            number: 4,
            id: 70,
            first: 0,
            second: 1,
        };
        Memory::new(RUN, chat)
    }

    fn message(number: u32) -> Position {
        Position {
            stamp: Some(Stamp {
                run: RUN,
                conversation: 4,
                voice: 0,
                number,
                at_ns: 0,
            }),
            seq: Some(u64::from(number) + 10),
        }
    }

    fn said(n_sent: u32) -> Spoken {
        Spoken {
            n_sent,
            ..Spoken::default()
        }
    }

    #[test]
    fn what_was_missed_is_read_and_what_overlaps_is_no_fault() {
        let mut memory = memory();
        assert!(memory.hear(&message(1)).is_some());
        // Cut; 2 and 3 come meanwhile, and 3 is also heard live again.
        let page: Vec<_> = (1..=3).map(message).collect();
        assert_eq!(memory.read(&page), 2);
        assert!(memory.hear(&message(3)).is_none());
        assert!(memory.hear(&message(4)).is_some());
        assert_eq!(memory.close(&said(4)), Faults::default());
    }

    #[test]
    fn what_is_in_neither_is_lost_and_what_is_twice_in_one_is_doubled() {
        let mut memory = memory();
        memory.read(&[message(1), message(3), message(3)]);
        memory.hear(&message(1));
        memory.hear(&message(1));
        memory.hear(&message(5));
        let faults = memory.close(&said(5));
        assert_eq!((faults.lost, faults.doubled, faults.reordered), (2, 2, 0));
    }

    #[test]
    fn pages_are_read_until_they_reach_what_was_heard() {
        let mut memory = memory();
        memory.hear(&message(1));
        memory.hear(&message(2));
        assert!(memory.reaches(&message(3)));
        assert!(!memory.reaches(&message(4)));
        let mut of_another_run = message(9);
        of_another_run.stamp.as_mut().unwrap().run = 1;
        assert!(memory.reaches(&of_another_run));
    }
}
