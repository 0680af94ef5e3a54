//! Who talks to whom in a database to measure on, how much, and in which order.

use anyhow::ensure;
use sohbet_entity::ids::UserId;

/// Messages that follow each other in a conversation before others come in between.
pub const TURN: u64 = 5;
/// As many messages as there can be.
const MAX_MESSAGES: u64 = 100_000_000;
/// As many users as there can be.
const MAX_USERS: usize = 1_000_000;
/// As many users as there are unless it is said how many.
const USUAL_USERS: usize = 10_000;

/// The first user, who does not read everything.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Id of this user; those of the others follow.
    pub id: u64,
    /// Conversations of this user, if there are enough.
    pub n_conversations: usize,
    /// Messages that stay unread in the conversation with a number, if it has enough.
    pub n_unread: fn(u32) -> u64,
}

/// What a database is filled with. The first user takes part in the first conversations, with one other
/// user each; in all that follow, the others talk to each other.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The first user.
    pub reader: Reader,
    /// Messages in all.
    pub n_messages: u64,
    /// Conversations of two.
    pub n_conversations: usize,
    /// Messages of the first conversation; all others have as many as each other.
    pub n_longest: u64,
    /// Users.
    pub n_users: usize,
}

impl Shape {
    /// With what is usual where nothing is said: as many messages in each conversation.
    pub fn new(
        reader: Reader,
        n_messages: u64,
        n_conversations: usize,
        n_longest: Option<u64>,
        n_users: Option<usize>,
    ) -> Self {
        let even = n_messages.div_ceil(n_conversations.max(1) as u64);
        Self {
            reader,
            n_messages,
            n_conversations,
            n_longest: n_longest.unwrap_or(even),
            n_users: n_users.unwrap_or(USUAL_USERS.min(n_conversations.saturating_add(1))),
        }
    }

    /// Fails if there is no such database, and says what to change.
    pub fn check(&self) -> anyhow::Result<()> {
        let (n_messages, n_conversations) = (self.n_messages, self.n_conversations as u64);
        ensure!(n_messages > 0, "there must be a message");
        ensure!(n_conversations > 0, "there must be a conversation");
        ensure!(
            n_messages <= MAX_MESSAGES,
            "there are {MAX_MESSAGES} messages at most"
        );
        ensure!(
            (2..=MAX_USERS).contains(&self.n_users),
            "there are 2 to {MAX_USERS} users"
        );
        let n_pairs = self.n_pairs();
        ensure!(
            n_conversations <= n_pairs,
            "{} users have {n_pairs} conversations at most, not {n_conversations}",
            self.n_users
        );
        self.check_longest()
    }

    fn check_longest(&self) -> anyhow::Result<()> {
        let (n_longest, n_others) = (self.n_longest, self.n_conversations as u64 - 1);
        ensure!(n_longest > 0, "the longest conversation has a message");
        let n_rest = self.n_messages.checked_sub(n_longest);
        let fits = n_rest.is_some_and(|rest| {
            if n_others == 0 {
                rest == 0
            } else {
                rest >= n_others
            }
        });
        ensure!(
            fits,
            "each conversation has a message: {} messages are not {n_longest} in the longest and those of {n_others} others",
            self.n_messages
        );
        Ok(())
    }

    /// Conversations that these users can have.
    fn n_pairs(&self) -> u64 {
        let n_others = self.n_users as u64 - 1;
        n_others.min(self.reader.n_conversations as u64) + n_others * (n_others - 1) / 2
    }

    /// Conversations of the first user.
    pub fn n_own(&self) -> usize {
        let n_own = self.reader.n_conversations;
        self.n_conversations.min(self.n_users - 1).min(n_own)
    }

    /// A user, counted from the first.
    pub fn user(&self, number: usize) -> UserId {
        UserId::from((self.reader.id + number as u64).to_string())
    }

    /// Numbers of the two who talk in a conversation, counted from the first user.
    pub fn pair(&self, nth: usize) -> (usize, usize) {
        match nth.checked_sub(self.n_own()) {
            None => (0, 1 + nth),
            Some(nth) => {
                // All others stand in a circle: first everybody talks to the next one, then to the next but one.
                let n_others = self.n_users - 1;
                let (from, distance) = (nth % n_others, 1 + nth / n_others);
                (1 + from, 1 + (from + distance) % n_others)
            }
        }
    }

    /// Messages of a conversation.
    pub fn n_messages_of(&self, nth: usize) -> u64 {
        if nth == 0 {
            return self.n_longest;
        }
        let (n_rest, n_others) = (
            self.n_messages - self.n_longest,
            self.n_conversations as u64 - 1,
        );
        n_rest / n_others + u64::from((nth as u64 - 1) < n_rest % n_others)
    }

    /// The last messages of a conversation, which the first user gets and does not read.
    pub fn n_unread_of(&self, nth: usize) -> u64 {
        match u32::try_from(nth) {
            Ok(number) if nth < self.n_own() => {
                (self.reader.n_unread)(number).min(self.n_messages_of(nth))
            }
            _ => 0,
        }
    }

    /// The conversations in the order in which something is said in them: each as often as it has turns,
    /// well mixed, and the same each time.
    pub fn turns(&self) -> Vec<usize> {
        let turns_of = |nth| {
            let n_messages = self.n_messages_of(nth) - self.n_unread_of(nth);
            std::iter::repeat_n(nth, n_messages.div_ceil(TURN) as usize)
        };
        let mut turns: Vec<usize> = (0..self.n_conversations).flat_map(turns_of).collect();
        let mut dice = Dice(1);
        for last in (1..turns.len()).rev() {
            turns.swap(last, dice.below(last + 1));
        }
        turns
    }
}

/// Numbers that look like chance (SplitMix64) and are the same each time.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the end, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn shape_of(
        n_messages: u64,
        n_conversations: usize,
        n_longest: Option<u64>,
        n_users: Option<usize>,
    ) -> Shape {
        let reader = Reader {
            id: 1,
            n_conversations: 10,
            n_unread: |number| 1 + u64::from(number),
        };
        Shape::new(reader, n_messages, n_conversations, n_longest, n_users)
    }

    #[test]
    fn every_pair_is_another_one_until_all_have_met() {
        for n_users in 2..9 {
            let all = n_users * (n_users - 1) / 2;
            let shape = shape_of(all as u64, all, None, Some(n_users));
            shape.check().unwrap();
            let met = (0..all).map(|nth| shape.pair(nth));
            let met: HashSet<_> = met.map(|(a, b)| (a.min(b), a.max(b))).collect();
            assert_eq!(met.len(), all, "{n_users}");
            assert!(met.iter().all(|(a, b)| a < b && *b < n_users), "{met:?}");
            let more = shape_of(all as u64 + 1, all + 1, None, Some(n_users));
            assert!(more.check().is_err(), "{n_users}");
        }
    }

    #[test]
    fn all_messages_are_somewhere_and_all_turns_are_there() {
        for (shape, longest) in [
            (shape_of(1_000, 7, None, None), 143),
            (shape_of(1_000, 7, Some(900), None), 900),
            (shape_of(1_000, 1, Some(1_000), None), 1_000),
            (shape_of(7, 7, None, None), 1),
        ] {
            shape.check().unwrap();
            let each = (0..shape.n_conversations).map(|nth| shape.n_messages_of(nth));
            let each: Vec<u64> = each.collect();
            assert_eq!((each[0], each.iter().sum()), (longest, shape.n_messages));
            let rest = each.get(1..).unwrap_or_default();
            assert!(rest.iter().all(|n| *n > 0 && rest[0] - n < 2), "{each:?}");
            assert_eq!(shape.turns(), shape.turns());
            let first = shape.turns().iter().filter(|nth| **nth == 0).count() as u64;
            assert_eq!(first, (longest - shape.n_unread_of(0)).div_ceil(TURN));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let complaint = |messages, conversations, longest, users| {
            let shape = shape_of(messages, conversations, longest, users);
            shape.check().unwrap_err().to_string()
        };
        assert!(complaint(0, 1, None, None).contains("a message"));
        assert!(complaint(1, 0, None, None).contains("a conversation"));
        assert!(complaint(u64::MAX, 1, None, None).contains("100000000 messages at most"));
        assert!(complaint(1, 1, None, Some(1)).contains("2 to 1000000 users"));
        assert!(complaint(10, 4, None, Some(3)).contains("3 conversations at most"));
        assert!(complaint(3, 4, None, None).contains("each conversation has a message"));
        assert!(complaint(9, 1, Some(8), None).contains("each conversation has a message"));
        assert!(complaint(9, 3, Some(8), None).contains("each conversation has a message"));
        assert!(complaint(9, 3, Some(0), None).contains("longest"));
    }
}
