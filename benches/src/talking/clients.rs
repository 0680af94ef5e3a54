//! One client: joins, opens its conversation, and then talks and listens until it is told that all is over.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::seats::Seat;
use super::talks::Talk;
use crate::ears::{Ear, Faults, Spoken};
use crate::gathering::Ready;
use crate::latencies::Latencies;
use crate::runs::Run;
use crate::stamps::Stamp;
use crate::visitors::{self, Visitor};
use crate::wire::Link;
use crate::wire::words::{self, Heard};

/// How long a conversation may take to come into being.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// What all clients share.
pub struct Stage {
    /// The run.
    pub run: Arc<Run>,
    /// When to talk; set once everybody is there.
    pub window: watch::Receiver<Option<Window>>,
    /// The end for everybody.
    pub over: CancellationToken,
    /// How long acknowledgements take.
    pub acks: Latencies,
    /// How long deliveries take.
    pub deliveries: Latencies,
}

/// When clients talk, in nanoseconds since the run began.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The first message is sent no sooner.
    pub begin_ns: u64,
    /// What is due from here on is measured.
    pub from_ns: u64,
    /// What is due from here on is not, and no closed loop goes on.
    pub to_ns: u64,
}

impl Window {
    /// Whether what was due then is measured.
    pub fn measures(&self, at_ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&at_ns)
    }
}

/// How far a client is; read from outside while it talks.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages it sent.
    pub sent: AtomicU64,
    /// Of them, those that were acknowledged.
    pub acked: AtomicU64,
    /// Of them, those that were refused.
    pub refused: AtomicU64,
    /// Messages of others that it heard.
    pub heard: AtomicU64,
}

/// A client before it connects.
pub struct Client {
    /// Where it sits.
    pub seat: Seat,
    /// Its way in.
    pub visitor: Visitor,
    /// What it shares with all.
    pub stage: Arc<Stage>,
    /// The id of its conversation, once somebody made it; the first voice does.
    pub opened: Arc<watch::Sender<Option<u64>>>,
    /// When its messages are due, in an open loop.
    pub due: mpsc::Receiver<u64>,
    /// How far it is.
    pub tally: Arc<Tally>,
    /// Told when it has joined.
    pub ready: Ready,
}

/// What became of a client.
pub struct Outcome {
    /// Where it sat.
    pub seat: Seat,
    /// What it said.
    pub spoken: Spoken,
    /// What it heard.
    pub ear: Ear,
    /// What else was wrong.
    pub faults: Faults,
}

impl Outcome {
    /// What it said, if it is one who speaks.
    pub fn voice(&self) -> Option<Spoken> {
        self.seat.voice.map(|_| self.spoken.clone())
    }
}

impl Client {
    /// Joins, talks and listens. Fails if it cannot join.
    pub async fn run(self) -> anyhow::Result<Outcome> {
        let mut link = self.visitor.enter(&self.stage.run.target).await?;
        let id = timeout(OPEN_TIMEOUT, self.conversation(&mut link)).await;
        let id = id.context("no conversation came into being in time")??;
        visitors::open(&mut link, &[id], self.stage.run.plan.acks).await?;
        self.ready.say().await;
        Ok(Talk::new(self, link, id).run().await)
    }

    /// The id of the conversation, which the first voice makes.
    async fn conversation(&self, link: &mut Link) -> anyhow::Result<u64> {
        if self.seat.voice == Some(0) {
            let id = self.greet(link).await?;
            self.opened.send_replace(Some(id));
            return Ok(id);
        }
        let mut opened = self.opened.subscribe();
        let id = async move {
            let id = opened.wait_for(Option::is_some).await;
            id.ok().and_then(|id| *id)
        };
        let id = link.hear_during(id, |_| {}).await?;
        id.context("nobody made the conversation")
    }

    /// Makes the conversation of the pair with its first message.
    async fn greet(&self, link: &mut Link) -> anyhow::Result<u64> {
        let run = &self.stage.run;
        let stamp = Stamp::uncounted(run.id, self.seat.conversation, 0, run.now_ns());
        // A made-up id does: the server says which one it is.
        let made_up = run.user(stamp.conversation as usize);
        let greeting = words::send_message(made_up, self.seat.pair, &stamp, run.plan.text_bytes);
        link.say(greeting).await?;
        let id = link.hear(|heard, packet| match heard {
            Heard::Sent(_) => Some(words::conversation(packet)),
            Heard::Refused(_) => Some(None),
            _ => None,
        });
        id.await?.context("the first message was refused")
    }
}
