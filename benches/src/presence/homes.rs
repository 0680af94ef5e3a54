//! Users and the conversations that they have, before anything is measured.

use crate::plan::Plan;
use crate::posting::{Letter, Post, post_all};
use crate::runs::{Progress, Run};

/// A conversation of two users, who are counted from the plan's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chat {
    /// Its number in this run.
    pub number: u32,
    /// Its id at the server.
    pub id: u64,
    /// Who wrote first.
    pub first: usize,
    /// The other one.
    pub second: usize,
}

/// Makes the conversations. Users are in groups of one more than each has conversations, and all of a group
/// talk to each other; the last group may be smaller.
pub async fn set_up(run: &Run, progress: Progress<'_>) -> anyhow::Result<Vec<Chat>> {
    let mut chats = chats(&run.plan);
    progress(&format!("set-up: {} conversations", chats.len()));
    let same_first = |one: &Chat, other: &Chat| one.first == other.first;
    let posts = chats.chunk_by(same_first).map(|chats| Post {
        from: run.user(chats[0].first),
        letters: chats.iter().map(|chat| letter(run, chat)).collect(),
    });
    let ids = post_all(run, posts.collect(), progress).await?;
    for (chat, id) in chats.iter_mut().zip(ids.into_iter().flatten()) {
        chat.id = id;
    }
    Ok(chats)
}

fn letter(run: &Run, chat: &Chat) -> Letter {
    Letter {
        to: run.user(chat.second),
        conversation: chat.number,
    }
}

/// All conversations, in the order of those who write first.
fn chats(plan: &Plan) -> Vec<Chat> {
    let group = plan.conversations + 1;
    let pairs = (0..plan.connections).flat_map(|first| {
        let end = ((first / group + 1) * group).min(plan.connections);
        (first + 1..end).map(move |second| (first, second))
    });
    let chats = (0..).zip(pairs).map(|(number, (first, second))| Chat {
        number,
        id: 0,
        first,
        second,
    });
    chats.collect()
}

/// The conversations of each user.
pub fn by_user(chats: &[Chat], n_users: usize) -> Vec<Vec<Chat>> {
    let mut by_user = vec![Vec::new(); n_users];
    for chat in chats {
        by_user[chat.first].push(*chat);
        by_user[chat.second].push(*chat);
    }
    by_user
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Scenario;

    fn chats_of(connections: usize, conversations: usize) -> Vec<Chat> {
        chats(&Plan {
            connections,
            conversations,
            ..Plan::usual(Scenario::Storm)
        })
    }

    #[test]
    fn everybody_has_as_many_conversations_and_no_pair_has_two() {
        let chats = chats_of(18, 5);
        let of_each = by_user(&chats, 18);
        assert!(of_each.iter().all(|of_one| of_one.len() == 5));
        let mut pairs: Vec<_> = chats.iter().map(|chat| (chat.first, chat.second)).collect();
        pairs.dedup();
        assert_eq!(pairs.len(), 18 * 5 / 2);
        assert!(pairs.iter().all(|(first, second)| first < second));
    }

    #[test]
    fn the_last_group_may_be_smaller() {
        let of_each = by_user(&chats_of(8, 2), 8);
        let lengths: Vec<_> = of_each.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2, 2, 2, 2, 2, 1, 1]);
    }
}
