//! `list`: the conversations of one user, with what is unread in each.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Question, Shelf};
use crate::posting::{Letter, Post, post_all};
use crate::runs::{Progress, Run};

/// Conversations have 1 to this many unread messages.
const MAX_UNREAD: u64 = 5;

/// One user's conversations.
pub struct List {
    reader: u64,
    /// What is unread of each other user.
    unread: Unread,
    /// An answer that was right: one that is equal to it is, too.
    right: OnceLock<Vec<u8>>,
}

type Unread = BTreeMap<u64, u64>;

#[derive(Deserialize)]
struct Answer {
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    other_user_id: u64,
    unread_count: u64,
    last_message: Option<IgnoredAny>,
}

impl Shelf for List {
    const PLACES: &'static [&'static str] = &["all"];

    async fn fill(run: &Run, progress: Progress<'_>) -> anyhow::Result<Self> {
        let reader = run.user(0);
        let token = run.token(reader)?;
        let body = run.target.read(&path(reader), token.as_deref()).await?;
        // An earlier run may have left some.
        let mut unread = parse(&body)?;
        let first_other = run.user(1);
        let posts = missing(&mut unread, reader, first_other, run.plan.conversations);
        progress(&format!("set-up: {} conversations", posts.len()));
        post_all(run, posts, progress).await?;
        Ok(Self {
            reader,
            unread,
            right: OnceLock::new(),
        })
    }

    fn question(&self, _nth: usize, _random: u64) -> Question {
        Question {
            path: path(self.reader),
            place: 0,
            first_seq: None,
        }
    }

    fn check(&self, _question: &Question, body: &[u8]) -> anyhow::Result<()> {
        if self.right.get().is_some_and(|right| right == body) {
            return Ok(());
        }
        compare(&parse(body)?, &self.unread)?;
        // Somebody else may have been first.
        let _ = self.right.set(body.to_vec());
        Ok(())
    }

    fn user(&self) -> u64 {
        self.reader
    }
}

/// Messages that the reader has not read in the conversation with that number.
pub fn n_unread(number: u32) -> u64 {
    1 + u64::from(number) % MAX_UNREAD
}

fn path(user: u64) -> String {
    format!("/api/messages/conversations?userId={user}")
}

fn parse(body: &[u8]) -> anyhow::Result<Unread> {
    let answer: Answer = serde_json::from_slice(body).context("an unreadable list")?;
    let mut unread = Unread::new();
    for conversation in answer.conversations {
        let other = conversation.other_user_id;
        let has_last = conversation.last_message.is_some();
        ensure!(
            has_last,
            "the conversation with {other} has no last message"
        );
        let before = unread.insert(other, conversation.unread_count);
        ensure!(before.is_none(), "the conversation with {other} came twice");
    }
    Ok(unread)
}

/// What others must send so that each has left something unread; `unread` becomes what is then.
fn missing(unread: &mut Unread, reader: u64, first_other: u64, n_others: usize) -> Vec<Post> {
    let mut posts = Vec::new();
    for (number, other) in (0..).zip(first_other..).take(n_others) {
        let wanted = n_unread(number);
        let found = unread.entry(other).or_default();
        let letter = Letter {
            to: reader,
            conversation: number,
        };
        let letters: Vec<_> = (*found..wanted).map(|_| letter).collect();
        *found = wanted.max(*found);
        if !letters.is_empty() {
            posts.push(Post {
                from: other,
                letters,
            });
        }
    }
    posts
}

fn compare(found: &Unread, expected: &Unread) -> anyhow::Result<()> {
    let (n_found, n_expected) = (found.len(), expected.len());
    ensure!(
        n_found == n_expected,
        "the list has {n_found} conversations, not {n_expected}"
    );
    for (other, count) in expected {
        let found = found.get(other);
        ensure!(
            found == Some(count),
            "of {other} there are {found:?} unread, not {count}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_left_is_not_sent_again() {
        let mut unread = Unread::from([(11, 1), (12, 9), (99, 4)]);
        let posts = missing(&mut unread, 10, 11, 4);
        let sent: Vec<_> = posts.iter().map(|p| (p.from, p.letters.len())).collect();
        assert_eq!(sent, [(13, 3), (14, 4)]);
        let expected = Unread::from([(11, 1), (12, 9), (13, 3), (14, 4), (99, 4)]);
        assert_eq!(unread, expected);
    }

    #[test]
    fn a_list_must_have_every_conversation_once_with_what_is_unread() {
        let list = |items: &str| parse(format!(r#"{{"conversations":[{items}]}}"#).as_bytes());
        let item = r#"{"id":3,"otherUserId":11,"lastMessage":{"content":"x"},"unreadCount":2}"#;
        let found = list(item).unwrap();
        assert!(compare(&found, &Unread::from([(11, 2)])).is_ok());
        assert!(compare(&found, &Unread::from([(11, 3)])).is_err());
        assert!(compare(&found, &Unread::from([(12, 2)])).is_err());
        assert!(compare(&found, &Unread::new()).is_err());
        assert!(list(&format!("{item},{item}")).is_err());
        assert!(list(&item.replace(r#"{"content":"x"}"#, "null")).is_err());
    }
}
