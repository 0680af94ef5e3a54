//! Everybody who is connected and talks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::clients::{Client, Outcome, Stage, Tally};
use super::seats::Seat;
use crate::gathering::Gathering;
use crate::report::Second;
use crate::runs::Progress;

/// How long nothing may come before what is missing counts as lost.
const QUIET: Duration = Duration::from_secs(5);
/// How often it is looked whether everything has come.
const LOOK: Duration = Duration::from_millis(50);
/// Messages of one sender that may be due and not sent.
const MAX_DUE: usize = 4_096;

/// Clients, and how far each of them is.
pub struct Crowd {
    clients: Gathering<Outcome>,
    tallies: Vec<Arc<Tally>>,
    /// For the pacer: who speaks, in the order of their seats.
    pub due: Vec<mpsc::Sender<u64>>,
}

impl Crowd {
    /// Lets everybody come and waits until all have joined. Seats of a conversation follow each other.
    pub async fn gather(
        seats: &[Seat],
        stage: &Arc<Stage>,
        progress: Progress<'_>,
    ) -> anyhow::Result<Self> {
        let mut crowd = Self {
            clients: Gathering::new(stage.run.plan.at_once),
            tallies: Vec::with_capacity(seats.len()),
            due: Vec::new(),
        };
        let mut opened = Arc::new(watch::Sender::new(None));
        for seat in seats {
            // Whoever makes the conversation comes before those who wait for it, or they would take all room.
            if seat.voice == Some(0) {
                opened = Arc::new(watch::Sender::new(None));
            }
            let client = crowd.client(*seat, stage, &opened)?;
            crowd.clients.begin(client.run()).await?;
        }
        crowd.clients.all_ready(progress).await?;
        Ok(crowd)
    }

    fn client(
        &mut self,
        seat: Seat,
        stage: &Arc<Stage>,
        opened: &Arc<watch::Sender<Option<u64>>>,
    ) -> anyhow::Result<Client> {
        let (due_to, due) = mpsc::channel(MAX_DUE);
        if seat.voice.is_some() {
            self.due.push(due_to);
        }
        let tally = Arc::new(Tally::default());
        self.tallies.push(Arc::clone(&tally));
        Ok(Client {
            seat,
            visitor: stage.run.visitor(seat.number, seat.pair.from)?,
            stage: Arc::clone(stage),
            opened: Arc::clone(opened),
            due,
            tally,
            ready: self.clients.ready(),
        })
    }

    /// What was acknowledged and heard so far.
    pub fn count(&self) -> Second {
        Second {
            messages: self.sum(|tally| &tally.acked),
            deliveries: self.sum(|tally| &tally.heard),
            reads: 0,
        }
    }

    fn sum(&self, of: impl Fn(&Tally) -> &AtomicU64) -> u64 {
        let counts = self.tallies.iter();
        counts.map(|tally| of(tally).load(Ordering::Relaxed)).sum()
    }

    /// Waits until everything is answered and each acknowledged message was heard by so many, or until
    /// nothing comes any more. `heard_elsewhere` counts what others than these clients have heard.
    pub async fn drain(&self, n_listeners: usize, heard_elsewhere: impl Fn() -> u64) {
        let mut last = (u64::MAX, Instant::now());
        loop {
            let sent = self.sum(|tally| &tally.sent);
            let (acked, refused) = (
                self.sum(|tally| &tally.acked),
                self.sum(|tally| &tally.refused),
            );
            let heard = self.sum(|tally| &tally.heard) + heard_elsewhere();
            let is_whole = acked + refused == sent && heard >= acked * n_listeners as u64;
            if acked + refused + heard != last.0 {
                last = (acked + refused + heard, Instant::now());
            }
            if is_whole || last.1.elapsed() > QUIET {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What became of all of them, once they were told that all is over.
    pub async fn end(self) -> anyhow::Result<Vec<Outcome>> {
        self.clients.end().await
    }
}
