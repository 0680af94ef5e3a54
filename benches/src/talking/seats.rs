//! Who sits in which conversation, and who speaks.

use crate::plan::Plan;
use crate::wire::words::Pair;

/// Where somebody sits: one connection of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Seat {
    /// Counts connections.
    pub number: usize,
    /// The conversation's number in this run.
    pub conversation: u32,
    /// Which of its speakers it is, if it is one.
    pub voice: Option<u32>,
    /// How many speakers the conversation has.
    pub n_voices: usize,
    /// Who sits there, and whom a message of this one is for.
    pub pair: Pair,
}

/// Who sits where, by a plan that was checked. In a conversation of many, those who speak are the two of a
/// pair in turn, because the vocabulary knows no other; the rest listens.
pub fn seats(plan: &Plan) -> Vec<Seat> {
    let n_conversations = plan.connections / plan.size;
    let n_voices = plan.senders / n_conversations;
    let numbers = 0..plan.connections;
    numbers.map(|number| seat(plan, number, n_voices)).collect()
}

fn seat(plan: &Plan, number: usize, n_voices: usize) -> Seat {
    let (conversation, place) = (number / plan.size, number % plan.size);
    let first = conversation * plan.size;
    let speaks = place < n_voices;
    let from = if speaks { first + place % 2 } else { number };
    let to = if place % 2 == 0 { first + 1 } else { first };
    let user = |nth: usize| plan.first_user + nth as u64;
    Seat {
        number,
        conversation: u32::try_from(conversation).unwrap_or(u32::MAX),
        voice: speaks.then(|| u32::try_from(place).unwrap_or(u32::MAX)),
        n_voices,
        pair: Pair {
            from: user(from),
            to: user(to),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Scenario;

    fn seats_of(connections: usize, size: usize, senders: usize) -> Vec<Seat> {
        seats(&Plan {
            connections,
            size,
            senders,
            first_user: 100,
            ..Plan::usual(Scenario::Rooms)
        })
    }

    #[test]
    fn the_two_of_a_pair_write_to_each_other() {
        let seats = seats_of(4, 2, 4);
        let pairs: Vec<_> = seats.iter().map(|s| (s.pair.from, s.pair.to)).collect();
        assert_eq!(pairs, [(100, 101), (101, 100), (102, 103), (103, 102)]);
        assert!(seats.iter().all(|seat| seat.n_voices == 2));
        assert_eq!(seats[3].conversation, 1);
        assert_eq!(seats[3].voice, Some(1));
    }

    #[test]
    fn in_a_room_the_voices_are_two_users_and_listeners_are_themselves() {
        let seats = seats_of(10, 5, 6);
        let second: Vec<_> = seats[5..].iter().map(|s| (s.pair.from, s.voice)).collect();
        let voices = [(105, Some(0)), (106, Some(1)), (105, Some(2))];
        assert_eq!(second[..3], voices);
        assert_eq!(second[3..], [(108, None), (109, None)]);
        assert_eq!(seats[7].pair.to, 106);
    }
}
