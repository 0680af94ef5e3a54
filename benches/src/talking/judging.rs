//! Compares what everybody heard with what was said.

use super::clients::Outcome;
use crate::ears::{Faults, Spoken};

/// What was wrong, over all conversations.
pub fn judge(mut outcomes: Vec<Outcome>) -> Faults {
    outcomes.sort_by_key(|outcome| outcome.seat.number);
    let same = |one: &Outcome, other: &Outcome| one.seat.conversation == other.seat.conversation;
    let lengths: Vec<_> = outcomes.chunk_by(same).map(<[_]>::len).collect();
    let mut outcomes = outcomes.into_iter();
    let mut faults = Faults::default();
    for length in lengths {
        let members: Vec<_> = outcomes.by_ref().take(length).collect();
        let voices: Vec<Spoken> = members.iter().filter_map(Outcome::voice).collect();
        for member in members {
            faults.add(&member.faults);
            faults.add(&member.ear.close(&voices));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ears::Ear;
    use crate::stamps::Stamp;
    use crate::talking::seats::Seat;
    use crate::wire::words::{Pair, Position};

    /// Somebody of a conversation with one voice, who heard those numbers.
    fn member(number: usize, conversation: u32, n_sent: u32, heard: &[u32]) -> Outcome {
        let mut ear = Ear::new(1, conversation, 1);
        for number in heard {
            let stamp = Stamp {
                run: 1,
                conversation,
                voice: 0,
                number: *number,
                at_ns: 0,
            };
            ear.hear(&Position {
                stamp: Some(stamp),
                seq: None,
            });
        }
        Outcome {
            seat: Seat {
                number,
                conversation,
                voice: number.is_multiple_of(2).then_some(0),
                n_voices: 1,
                pair: Pair { from: 1, to: 2 },
            },
            spoken: Spoken {
                n_sent,
                ..Spoken::default()
            },
            ear,
            faults: Faults::default(),
        }
    }

    #[test]
    fn every_conversation_is_judged_by_what_was_said_in_it() {
        let faults = judge(vec![
            member(3, 1, 0, &[1]),
            member(0, 0, 3, &[1, 2, 3]),
            member(2, 1, 2, &[1, 2]),
            member(1, 0, 0, &[1, 3, 3]),
        ]);
        assert_eq!((faults.lost, faults.doubled, faults.strayed), (2, 1, 0));
    }
}
