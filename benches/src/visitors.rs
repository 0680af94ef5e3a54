//! Somebody on the way in: connects, says who it is, opens conversations.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use tokio::time::timeout;

use crate::wire::words::{self, Heard};
use crate::wire::{Link, Target, Transport};

/// How long somebody may take for one step of the way in.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// A user before it connects.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Counts connections of the run.
    pub number: usize,
    /// Who it is.
    pub user: u64,
    /// How it connects.
    pub transport: Transport,
    /// Its login, if logins are asked for.
    pub token: Option<String>,
}

impl Visitor {
    /// Connects and waits until the server knows who it is.
    pub async fn enter(&self, target: &Target) -> anyhow::Result<Link> {
        let entered = timeout(STEP_TIMEOUT, self.try_enter(target)).await;
        let entered = entered.context("not connected in time").flatten();
        entered.with_context(|| format!("connection {} of user {}", self.number, self.user))
    }

    async fn try_enter(&self, target: &Target) -> anyhow::Result<Link> {
        let token = self.token.as_deref();
        let mut link = Link::join(target, self.number, self.transport, token).await?;
        link.say(words::join_user_room(self.user)).await?;
        link.hear(|heard, _| (*heard == Heard::Connected).then_some(()))
            .await?;
        Ok(link)
    }
}

/// Opens conversations, all at once, and waits for the answers if the server gives any. Without them
/// nothing tells when it is done.
pub async fn open(link: &mut Link, conversations: &[u64], acks: bool) -> anyhow::Result<()> {
    let opened = timeout(STEP_TIMEOUT, try_open(link, conversations, acks)).await;
    opened
        .context("conversations were not opened in time; does the server answer callbacks?")
        .flatten()
}

async fn try_open(link: &mut Link, conversations: &[u64], acks: bool) -> anyhow::Result<()> {
    let mut waiting: BTreeSet<u64> = (1..).take(conversations.len()).collect();
    let questions = waiting.iter().zip(conversations);
    let mut packets: Vec<_> = questions
        .map(|(question, id)| words::join_conversation(*question, *id))
        .collect();
    link.send(&mut packets).await?;
    if !acks || waiting.is_empty() {
        return Ok(());
    }
    let answered = link.hear(|heard, _| {
        if let Heard::Ack(question) = heard {
            waiting.remove(question);
        }
        waiting.is_empty().then_some(())
    });
    answered.await
}
