//! `reconnect`: everybody is cut off at once and comes back at once, while messages go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::homes::{self, Chat};
use super::members::{House, Member};
use super::memories::Memory;
use super::returning::{Door, Returned, Returner};
use crate::ears::{Faults, Spoken};
use crate::gathering::Gathering;
use crate::latencies::Latencies;
use crate::report::{Report, Server};
use crate::runs::{Progress, Run};
use crate::talking::{self, Crowd, Outcome, Pacer, Seat, Stage, Window};
use crate::wire::words::Pair;

/// How many hear each message: both users of the conversation, over the connections that come back.
const N_LISTENERS: usize = 2;

/// Cuts everybody off and reports how long it takes until all are back and know everything, and whether
/// they do.
pub async fn run(run: Arc<Run>, progress: Progress<'_>) -> anyhow::Result<Report> {
    let chats = homes::set_up(&run, progress).await?;
    let (open_window, stage) = talking::set_stage(&run)?;
    // A run that fails leaves nobody behind.
    let _end = stage.over.clone().drop_guard();
    let voiced = voiced(&chats, run.plan.senders);
    let mut scene = Scene::new(&stage)?;
    scene.gather(&chats, &voiced, progress).await?;
    let mut crowd = Crowd::gather(&seats(&run, &voiced), &stage, progress).await?;
    let window = talking::window(&run);
    open_window.send_replace(Some(window));
    let pacer = Pacer::start(&run, window, crowd.due.split_off(0));
    progress("messages begin");
    tokio::time::sleep_until(moment(&run, window.from_ns)).await;
    let mut report = Report::empty(&run.plan);
    scene.cut(&crowd, &mut report, progress).await?;
    wait_for_end(&run, window, progress).await;
    crowd.drain(N_LISTENERS, || scene.n_got()).await;
    stage.over.cancel();
    let speakers = crowd.end().await?;
    scene.end(speakers, &mut report).await?;
    report.faults.unsent = pacer.n_unsent().await.context("the pacer failed")?;
    report.send_to_ack = stage.acks.summary();
    report.send_to_receive = stage.deliveries.summary();
    Ok(report)
}

/// Conversations in which somebody talks, spread over all of them.
fn voiced(chats: &[Chat], n_voices: usize) -> Vec<Chat> {
    let nth = |voice: usize| chats[voice * chats.len() / n_voices];
    (0..n_voices).map(nth).collect()
}

/// Those who talk: another connection of whoever wrote first.
fn seats(run: &Run, voiced: &[Chat]) -> Vec<Seat> {
    let seats = (run.plan.connections..).zip(voiced);
    let seats = seats.map(|(number, chat)| Seat {
        number,
        conversation: chat.number,
        voice: Some(0),
        n_voices: 1,
        pair: Pair {
            from: run.user(chat.first),
            to: run.user(chat.second),
        },
    });
    seats.collect()
}

fn moment(run: &Run, at_ns: u64) -> tokio::time::Instant {
    tokio::time::Instant::from_std(run.began + Duration::from_nanos(at_ns))
}

async fn wait_for_end(run: &Run, window: Window, progress: Progress<'_>) {
    if run.now_ns() > window.to_ns {
        return progress("messages ended before all were back: a longer --duration shows more");
    }
    progress("all are back; messages go on");
    tokio::time::sleep_until(moment(run, window.to_ns)).await;
}

/// Everybody who is cut off.
struct Scene {
    door: Arc<Door>,
    house: Arc<House>,
    returners: Gathering<Returned>,
    connect: Latencies,
    reads: Latencies,
}

impl Scene {
    fn new(stage: &Arc<Stage>) -> anyhow::Result<Self> {
        let plan = &stage.run.plan;
        Ok(Self {
            door: Arc::new(Door {
                stage: Arc::clone(stage),
                cut: CancellationToken::new(),
                room: Semaphore::new(plan.at_once),
                n_got: AtomicU64::new(0),
                n_live: AtomicU64::new(0),
            }),
            house: Arc::new(House {
                run: Arc::clone(&stage.run),
                over: stage.over.clone(),
            }),
            returners: Gathering::new(plan.at_once),
            connect: Latencies::new()?,
            reads: Latencies::new()?,
        })
    }

    async fn gather(
        &mut self,
        chats: &[Chat],
        voiced: &[Chat],
        progress: Progress<'_>,
    ) -> anyhow::Result<()> {
        let run = Arc::clone(&self.house.run);
        // The first way in is not measured.
        let unmeasured = Latencies::new()?;
        let n_users = run.plan.connections;
        let homes = homes::by_user(chats, n_users).into_iter();
        let voices = homes::by_user(voiced, n_users);
        for (number, (home, voices)) in homes.zip(voices).enumerate() {
            let memories = voices.into_iter().map(|chat| Memory::new(run.id, chat));
            let returner = Returner {
                member: Member {
                    visitor: run.visitor(number, run.user(number))?,
                    conversations: home.iter().map(|chat| chat.id).collect(),
                    connect: unmeasured.recorder(),
                    house: Arc::clone(&self.house),
                    ready: self.returners.ready(),
                },
                memories: memories.collect(),
                connect: self.connect.recorder(),
                reads: self.reads.recorder(),
                deliveries: self.door.stage.deliveries.recorder(),
                door: Arc::clone(&self.door),
            };
            self.returners.begin(returner.run()).await?;
        }
        self.returners.all_ready(progress).await
    }

    /// Cuts all off and waits until they are back.
    async fn cut(
        &mut self,
        crowd: &Crowd,
        report: &mut Report,
        progress: Progress<'_>,
    ) -> anyhow::Result<()> {
        let run = &self.house.run;
        let (before, n_live) = (crowd.count(), self.n_live());
        let (began, usage) = (Instant::now(), run.usage()?);
        self.returners.again();
        self.door.cut.cancel();
        progress("cut");
        self.returners.all_ready(progress).await?;
        report.seconds = began.elapsed().as_secs_f64();
        report.server = Server::between(usage, run.usage()?);
        report.connections = run.plan.connections as u64;
        report.messages = crowd.count().messages - before.messages;
        report.deliveries = self.n_live() - n_live;
        report.connect = self.connect.summary();
        Ok(())
    }

    fn n_got(&self) -> u64 {
        self.door.n_got.load(Ordering::Relaxed)
    }

    fn n_live(&self) -> u64 {
        self.door.n_live.load(Ordering::Relaxed)
    }

    /// Compares what everybody knows with what was said.
    async fn end(self, speakers: Vec<Outcome>, report: &mut Report) -> anyhow::Result<()> {
        let mut said: BTreeMap<u32, Spoken> = BTreeMap::new();
        for speaker in speakers {
            report.faults.add(&speaker.faults);
            let spoken = [speaker.spoken.clone()];
            let heard = Faults {
                // Its user may be spoken to in other conversations; those who come back know all of theirs.
                strayed: 0,
                ..speaker.ear.close(&spoken)
            };
            report.faults.add(&heard);
            said.insert(speaker.seat.conversation, speaker.spoken);
        }
        for returned in self.returners.end().await? {
            report.reads += returned.n_reads;
            report.faults.add(&returned.faults);
            report.faults.add(&judge(returned.memories, &said));
        }
        report.read = self.reads.summary();
        Ok(())
    }
}

fn judge(memories: Vec<Memory>, said: &BTreeMap<u32, Spoken>) -> Faults {
    let mut faults = Faults::default();
    for memory in memories {
        if let Some(spoken) = said.get(&memory.chat.number) {
            faults.add(&memory.close(spoken));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_spread_and_no_conversation_has_two() {
        let chat = |number: u32| Chat {
            number,
            id: 0,
            first: 0,
            second: 1,
        };
        let chats: Vec<_> = (0..10).map(chat).collect();
        let numbers = |n_voices| {
            let voiced = voiced(&chats, n_voices);
            voiced.iter().map(|chat| chat.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(3), [0, 3, 6]);
        assert_eq!(numbers(10), (0..10).collect::<Vec<_>>());
    }
}
