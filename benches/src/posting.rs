//! Messages of the set-up: they make conversations, fill histories, and are not measured.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use crate::runs::{Progress, Run};
use crate::stamps::Stamp;
use crate::visitors::Visitor;
use crate::wire::words::{self, Heard, Pair};
use crate::wire::{Link, Transport};

/// Messages that one sender has under way. Servers refuse more than some hundreds.
const MAX_UNDER_WAY: usize = 256;
/// How long the answer to a message may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Letters between two notes on progress.
const NOTE_EVERY: usize = 5_000;

/// What one user sends to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Who sends.
    pub from: u64,
    /// What, in this order.
    pub letters: Vec<Letter>,
}

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// Who gets it.
    pub to: u64,
    /// The conversation's number in this run; both directions have the same.
    pub conversation: u32,
}

/// Sends everything, several senders at a time, each over a connection of its own that is closed in the
/// end. Returns the id of each letter's conversation. Fails if a letter is refused.
pub async fn post_all(
    run: &Run,
    posts: Vec<Post>,
    progress: Progress<'_>,
) -> anyhow::Result<Vec<Vec<u64>>> {
    let n_letters: usize = posts.iter().map(|post| post.letters.len()).sum();
    let mut n_posted = 0;
    let posting = stream::iter(posts.into_iter().enumerate());
    let posting = posting
        .map(|(number, post)| Posting::begin(run, number, post))
        .buffered(run.plan.at_once);
    let posting = posting.inspect_ok(|ids: &Vec<u64>| {
        let before = n_posted / NOTE_EVERY;
        n_posted += ids.len();
        if n_posted / NOTE_EVERY > before {
            progress(&format!("set-up: {n_posted} of {n_letters} messages"));
        }
    });
    let ids: Vec<_> = posting.try_collect().await.context("set-up")?;
    Ok(ids)
}

/// One sender at work.
struct Posting<'a> {
    run: &'a Run,
    post: Post,
    link: Link,
    ids: Vec<Option<u64>>,
    n_sent: usize,
    n_answered: usize,
}

impl<'a> Posting<'a> {
    async fn begin(run: &'a Run, number: usize, post: Post) -> anyhow::Result<Vec<u64>> {
        if post.letters.is_empty() {
            return Ok(Vec::new());
        }
        let visitor = Visitor {
            transport: Transport::WebSocket,
            ..run.visitor(number, post.from)?
        };
        let posting = Self {
            link: visitor.enter(&run.target).await?,
            ids: vec![None; post.letters.len()],
            run,
            post,
            n_sent: 0,
            n_answered: 0,
        };
        posting.finish().await
    }

    async fn finish(mut self) -> anyhow::Result<Vec<u64>> {
        while self.n_answered < self.ids.len() {
            // Some at a time: a write for each answer would be slow.
            if self.n_sent - self.n_answered <= MAX_UNDER_WAY / 2 {
                let sent = timeout(ANSWER_TIMEOUT, self.send_more()).await;
                sent.context("messages were not taken in time")??;
            }
            let answer = timeout(ANSWER_TIMEOUT, self.next_answer()).await;
            let (number, id) = answer.context("a message was not answered in time")??;
            if let Some(slot @ None) = self.ids.get_mut(number) {
                *slot = Some(id);
                self.n_answered += 1;
            }
        }
        let ids = self.ids.into_iter().collect::<Option<_>>();
        ids.context("a message was not answered")
    }

    async fn send_more(&mut self) -> anyhow::Result<()> {
        let end = (self.n_answered + MAX_UNDER_WAY).min(self.ids.len());
        let numbers = self.n_sent..end;
        let mut packets: Vec<_> = numbers.map(|number| self.packet(number)).collect();
        self.n_sent = end;
        self.link.send(&mut packets).await
    }

    fn packet(&self, number: usize) -> String {
        let Letter { to, conversation } = self.post.letters[number];
        let pair = Pair {
            from: self.post.from,
            to,
        };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let stamp = Stamp::uncounted(self.run.id, conversation, number, self.run.now_ns());
        // A made-up id, another one for each: the server says which one it is.
        let made_up = self.run.user(conversation as usize);
        words::send_message(made_up, pair, &stamp, self.run.plan.text_bytes)
    }

    /// Which letter was answered, and where it stands.
    async fn next_answer(&mut self) -> anyhow::Result<(usize, u64)> {
        let answer = self.link.hear(|heard, packet| match heard {
            Heard::Sent(position) => {
                let number = position.stamp.map(|stamp| stamp.number as usize);
                Some(Ok(number.zip(words::conversation(packet))))
            }
            Heard::Refused(_) => Some(Err(packet.to_owned())),
            _ => None,
        });
        match answer.await? {
            Ok(found) => found.context("an answer names no message or no conversation"),
            Err(packet) => bail!("a message was refused: {packet}"),
        }
    }
}
