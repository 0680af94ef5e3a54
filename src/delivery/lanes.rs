//! The order in which a batch is told: conversation by conversation. What comes to a socket then comes close
//! together, and leaves in one write to its connection where it would have taken several.

use std::collections::HashMap;
use std::hash::Hash;

use sohbet_entity::ids::ConversationId;

use crate::chat::{About, Done, SessionId, Tag, Write};

/// Puts what was done in one conversation together, in the order in which it was done. What one socket asked
/// for stays in the order in which it asked, also if that was in several conversations.
pub fn by_conversation(batch: Vec<Done<Tag>>) -> Vec<Done<Tag>> {
    let leaders = leaders(batch.iter().map(|done| (conversation(done), asker(done))));
    let mut order: Vec<_> = leaders.into_iter().zip(batch).collect();
    order.sort_by_key(|(leader, _)| *leader);
    order.into_iter().map(|(_, done)| done).collect()
}

fn conversation(done: &Done<Tag>) -> Option<&ConversationId> {
    match (&done.tag.about, &done.write) {
        (About::Message { conversation, .. }, _) => Some(&conversation.id),
        (About::Read { .. }, Write::Read(read)) => Some(&read.conversation),
        (About::Read { .. }, _) => None,
    }
}

fn asker(done: &Done<Tag>) -> Option<SessionId> {
    done.tag.origin.asker()
}

/// For each of them the first that it must stay behind: its own number if there is none. Two that share a
/// place or an asker stay in order, and so does what is tied to them.
fn leaders<P: Hash + Eq, A: Hash + Eq>(
    all: impl Iterator<Item = (Option<P>, Option<A>)>,
) -> Vec<usize> {
    let mut leaders: Vec<usize> = Vec::new();
    let (mut places, mut askers) = (HashMap::new(), HashMap::new());
    for (number, (place, asker)) in all.enumerate() {
        leaders.push(number);
        let before = [
            place.and_then(|place| places.insert(place, number)),
            asker.and_then(|asker| askers.insert(asker, number)),
        ];
        for other in before.into_iter().flatten() {
            let (one, other) = (find(&mut leaders, number), find(&mut leaders, other));
            leaders[one.max(other)] = one.min(other);
        }
    }
    for number in 0..leaders.len() {
        find(&mut leaders, number);
    }
    leaders
}

/// The leader of all that one is tied to; remembered, so that it is found at once the next time.
fn find(leaders: &mut [usize], number: usize) -> usize {
    let mut leader = number;
    while leaders[leader] != leader {
        leader = leaders[leader];
    }
    leaders[number] = leader;
    leader
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The order in which these are told.
    fn order(all: &[(u8, u8)]) -> Vec<usize> {
        let all = all.iter();
        let leaders = leaders(all.map(|(place, asker)| (Some(*place), Some(*asker))));
        let mut order: Vec<usize> = (0..leaders.len()).collect();
        order.sort_by_key(|number| leaders[*number]);
        order
    }

    #[test]
    fn conversations_come_one_after_the_other() {
        // Two talk in 1, two in 2.
        assert_eq!(
            order(&[(1, 10), (2, 20), (1, 11), (2, 21), (1, 10)]),
            [0, 2, 4, 1, 3]
        );
    }

    #[test]
    fn what_one_socket_asked_for_stays_in_order() {
        // Socket 10 talks in both, so they are told as they came.
        assert_eq!(order(&[(1, 10), (2, 20), (2, 10), (1, 11)]), [0, 1, 2, 3]);
        // A third conversation has nothing to do with them.
        assert_eq!(
            order(&[(1, 10), (3, 30), (2, 20), (2, 10), (3, 31), (1, 11)]),
            [0, 2, 3, 5, 1, 4]
        );
    }

    proptest! {
        #[test]
        fn nothing_overtakes_what_it_has_to_do_with(all in prop::collection::vec((0u8..6, 0u8..8), 0..40)) {
            let order = order(&all);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..all.len()).collect::<Vec<_>>());
            for (at, later) in order.iter().enumerate() {
                for earlier in &order[..at] {
                    let is_tied = all[*earlier].0 == all[*later].0 || all[*earlier].1 == all[*later].1;
                    prop_assert!(!is_tied || earlier < later);
                }
            }
        }
    }
}
