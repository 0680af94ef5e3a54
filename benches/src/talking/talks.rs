//! A client that has joined: sends what is due and takes in what comes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clients::{Client, Outcome, Window};
use crate::ears::{Ear, Faults, Spoken};
use crate::latencies::Recorder;
use crate::plan::Pace;
use crate::stamps::Stamp;
use crate::wire::Link;
use crate::wire::words::{self, Heard, Position};

/// Messages that are due and may be sent together.
const BURST: usize = 64;

/// Somebody in a conversation.
pub struct Talk {
    client: Client,
    link: Link,
    conversation: u64,
    ear: Ear,
    acks: Recorder,
    deliveries: Recorder,
    /// Numbers of messages that were neither acknowledged nor refused.
    open: BTreeSet<u32>,
    refused: BTreeSet<u32>,
    n_sent: u32,
    packets: Vec<String>,
}

impl Talk {
    /// A client on its connection, in the conversation with that id.
    pub fn new(client: Client, link: Link, conversation: u64) -> Self {
        let seat = client.seat;
        Self {
            ear: Ear::new(client.stage.run.id, seat.conversation, seat.n_voices),
            acks: client.stage.acks.recorder(),
            deliveries: client.stage.deliveries.recorder(),
            client,
            link,
            conversation,
            open: BTreeSet::new(),
            refused: BTreeSet::new(),
            n_sent: 0,
            packets: Vec::new(),
        }
    }

    /// Talks and listens until all is over or the connection ends.
    pub async fn run(mut self) -> Outcome {
        let over = self.client.stage.over.clone();
        let broken = over.run_until_cancelled(self.talk()).await.is_some();
        self.acks.flush();
        self.deliveries.flush();
        let faults = Faults {
            refused: self.refused.len() as u64,
            unanswered: self.open.len() as u64,
            broken: broken.into(),
            ..Faults::default()
        };
        let mut unacked = self.open;
        unacked.append(&mut self.refused);
        Outcome {
            seat: self.client.seat,
            spoken: Spoken {
                n_sent: self.n_sent,
                unacked,
            },
            ear: self.ear,
            faults,
        }
    }

    /// Ends only when the connection does.
    async fn talk(&mut self) -> Option<()> {
        let window = self.wait_for_window().await?;
        self.begin(window).await?;
        let mut due = Vec::with_capacity(BURST);
        let mut more = true;
        loop {
            tokio::select! {
                n = self.client.due.recv_many(&mut due, BURST), if more => {
                    more = n > 0;
                    due.drain(..).for_each(|at_ns| self.queue(at_ns));
                }
                packet = self.link.next() => self.take(&packet?.ok()?, window),
            }
            self.flush().await?;
        }
    }

    async fn wait_for_window(&mut self) -> Option<Window> {
        let mut window = self.client.stage.window.clone();
        let set = async move {
            let set = window.wait_for(Option::is_some).await;
            set.ok().and_then(|set| *set)
        };
        let noise = &self.client.stage.run.noise;
        let set = self.link.hear_during(set, |_| noise.note());
        set.await.ok()?
    }

    /// In a closed loop, whoever speaks sends its first messages when the window begins.
    async fn begin(&mut self, window: Window) -> Option<()> {
        let run = &self.client.stage.run;
        let Pace::Closed { in_flight } = run.plan.pace else {
            return Some(());
        };
        let begin = run.began + Duration::from_nanos(window.begin_ns);
        let begin = tokio::time::sleep_until(begin.into());
        let mut early = Vec::new();
        let begun = self.link.hear_during(begin, |heard| early.push(heard));
        begun.await.ok()?;
        // Others may be a moment ahead.
        early
            .into_iter()
            .for_each(|heard| self.take_in(heard, window));
        (0..in_flight).for_each(|_| self.queue(self.now_ns()));
        self.flush().await
    }

    fn queue(&mut self, at_ns: u64) {
        let seat = &self.client.seat;
        let Some(voice) = seat.voice else { return };
        self.n_sent += 1;
        self.open.insert(self.n_sent);
        let run = &self.client.stage.run;
        let stamp = Stamp {
            run: run.id,
            conversation: seat.conversation,
            voice,
            number: self.n_sent,
            at_ns,
        };
        let text_bytes = run.plan.text_bytes;
        let packet = words::send_message(self.conversation, seat.pair, &stamp, text_bytes);
        self.packets.push(packet);
        count(&self.client.tally.sent);
    }

    async fn flush(&mut self) -> Option<()> {
        if self.packets.is_empty() {
            return Some(());
        }
        self.link.send(&mut self.packets).await.ok()
    }

    fn take(&mut self, packet: &str, window: Window) {
        match words::read(packet) {
            Heard::Ping => self.packets.push(words::PONG.to_owned()),
            heard => self.take_in(heard, window),
        }
    }

    fn take_in(&mut self, heard: Heard, window: Window) {
        match heard {
            Heard::Message(position) => {
                if let Some(stamp) = self.ear.hear(&position) {
                    count(&self.client.tally.heard);
                    let now_ns = self.now_ns();
                    time(&mut self.deliveries, &stamp, now_ns, window);
                }
            }
            Heard::Sent(position) => self.acked(&position, window),
            Heard::Refused(Some(stamp)) if self.open.remove(&stamp.number) => {
                self.refused.insert(stamp.number);
                count(&self.client.tally.refused);
                self.go_on(window);
            }
            _ => {}
        }
    }

    fn acked(&mut self, position: &Position, window: Window) {
        let Some(stamp) = self.ear.hear(position) else {
            return;
        };
        if !self.open.remove(&stamp.number) {
            return;
        }
        count(&self.client.tally.acked);
        let now_ns = self.now_ns();
        time(&mut self.acks, &stamp, now_ns, window);
        self.go_on(window);
    }

    /// In a closed loop, the answer to one message brings the next.
    fn go_on(&mut self, window: Window) {
        let now_ns = self.now_ns();
        let is_closed = matches!(self.client.stage.run.plan.pace, Pace::Closed { .. });
        if is_closed && now_ns < window.to_ns {
            self.queue(now_ns);
        }
    }

    fn now_ns(&self) -> u64 {
        self.client.stage.run.now_ns()
    }
}

fn time(recorder: &mut Recorder, stamp: &Stamp, now_ns: u64, window: Window) {
    if window.measures(stamp.at_ns) {
        recorder.record(Duration::from_nanos(now_ns.saturating_sub(stamp.at_ns)));
    }
}

fn count(counter: &AtomicU64) {
    // Only this client writes it, so a look and a store do.
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}
