//! One user who is cut off and comes back: it reads what it missed and hears what comes then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::members::Member;
use super::memories::Memory;
use crate::ears::Faults;
use crate::latencies::Recorder;
use crate::reading::pages::Page;
use crate::talking::Stage;
use crate::wire::words::{Heard, Position};
use crate::wire::{Link, Target};

/// Messages of a page that somebody reads after it has come back.
const PAGE: usize = 50;

/// What all who come back share.
pub struct Door {
    /// Those who stay and talk.
    pub stage: Arc<Stage>,
    /// Cuts everybody off.
    pub cut: CancellationToken,
    /// How many may be on the way in at a time.
    pub room: Semaphore,
    /// Messages that anybody got, live or read.
    pub n_got: AtomicU64,
    /// Messages that anybody heard live.
    pub n_live: AtomicU64,
}

/// A user before it connects for the first time.
pub struct Returner {
    /// Comes in.
    pub member: Member,
    /// Those of its conversations in which somebody talks.
    pub memories: Vec<Memory>,
    /// How long the way back in takes.
    pub connect: Recorder,
    /// How long reading a page takes.
    pub reads: Recorder,
    /// How long deliveries take.
    pub deliveries: Recorder,
    /// What it shares with all.
    pub door: Arc<Door>,
}

/// What became of somebody.
pub struct Returned {
    /// What it knows.
    pub memories: Vec<Memory>,
    /// What else was wrong.
    pub faults: Faults,
    /// Pages that it read.
    pub n_reads: u64,
}

impl Returner {
    /// Comes, is cut off, comes back and stays. Fails if it cannot come in.
    pub async fn run(mut self) -> anyhow::Result<Returned> {
        let mut faults = Faults::default();
        let mut link = self.member.come().await?;
        self.member.ready.say().await;
        let cut = self.door.cut.clone();
        let stayed = self.listen(&mut link, cut.cancelled(), &mut faults).await;
        faults.broken += u64::from(!stayed);
        cut.cancelled().await;
        drop(link);
        std::mem::swap(&mut self.member.connect, &mut self.connect);
        let door = Arc::clone(&self.door);
        let room = door.room.acquire().await?;
        let mut link = self.member.come().await?;
        let n_reads = self.catch_up(&mut link, &mut faults).await?;
        drop(room);
        self.member.ready.say().await;
        let over = door.stage.over.clone();
        let stayed = self.listen(&mut link, over.cancelled(), &mut faults).await;
        faults.broken += u64::from(!stayed);
        self.reads.flush();
        self.deliveries.flush();
        Ok(Returned {
            memories: self.memories,
            faults,
            n_reads,
        })
    }

    /// Listens until then. Returns whether the connection lasted.
    async fn listen(
        &mut self,
        link: &mut Link,
        until: impl Future<Output = ()>,
        faults: &mut Faults,
    ) -> bool {
        let lasted = link.hear_during(until, |heard| {
            if let Heard::Message(position) = heard {
                self.hear(&position, faults);
            }
        });
        lasted.await.is_ok()
    }

    fn hear(&mut self, position: &Position, faults: &mut Faults) {
        let run = &self.door.stage.run;
        let Some(stamp) = position.stamp.filter(|stamp| stamp.run == run.id) else {
            return;
        };
        let mut memories = self.memories.iter_mut();
        let Some(memory) = memories.find(|memory| memory.chat.number == stamp.conversation) else {
            faults.strayed += 1;
            return;
        };
        if memory.hear(position).is_none() {
            return;
        }
        self.door.n_got.fetch_add(1, Ordering::Relaxed);
        self.door.n_live.fetch_add(1, Ordering::Relaxed);
        let window = *self.door.stage.window.borrow();
        if window.is_some_and(|window| window.measures(stamp.at_ns)) {
            let took_ns = run.now_ns().saturating_sub(stamp.at_ns);
            self.deliveries.record(Duration::from_nanos(took_ns));
        }
    }

    /// Reads what was missed. Returns how many pages it took.
    async fn catch_up(&mut self, link: &mut Link, faults: &mut Faults) -> anyhow::Result<u64> {
        let target = &self.member.house.run.target;
        let token = self.member.visitor.token.as_deref();
        let (memories, reads) = (&self.memories, &mut self.reads);
        let reading = async {
            let mut read = Vec::with_capacity(memories.len());
            for memory in memories {
                read.push(missed(target, token, memory, reads).await?);
            }
            anyhow::Ok(read)
        };
        // What comes meanwhile may stand on the pages already.
        let mut live = Vec::new();
        let read = link.hear_during(reading, |heard| {
            if let Heard::Message(position) = heard {
                live.push(position);
            }
        });
        let read = read.await??;
        let mut n_pages = 0;
        for (memory, missed) in self.memories.iter_mut().zip(read) {
            let n_new = memory.read(&missed.positions);
            self.door.n_got.fetch_add(n_new, Ordering::Relaxed);
            n_pages += missed.n_pages;
        }
        for position in live {
            self.hear(&position, faults);
        }
        Ok(n_pages)
    }
}

struct Missed {
    /// The oldest first.
    positions: Vec<Position>,
    n_pages: u64,
}

/// Pages from the newest back to what is known.
async fn missed(
    target: &Target,
    token: Option<&str>,
    memory: &Memory,
    reads: &mut Recorder,
) -> anyhow::Result<Missed> {
    let mut pages = Vec::new();
    let mut before_seq = None;
    loop {
        let positions = read_page(target, token, memory.chat.id, before_seq, reads).await?;
        let n_positions = positions.len();
        let oldest = positions.first();
        before_seq = oldest.and_then(|position| position.seq);
        let is_known = oldest.is_none_or(|position| memory.reaches(position));
        pages.push(positions);
        // A server that does not number messages cannot be asked for more.
        if is_known || n_positions < PAGE || before_seq.is_none() {
            break;
        }
    }
    Ok(Missed {
        n_pages: pages.len() as u64,
        positions: pages.into_iter().rev().flatten().collect(),
    })
}

async fn read_page(
    target: &Target,
    token: Option<&str>,
    conversation: u64,
    before_seq: Option<u64>,
    reads: &mut Recorder,
) -> anyhow::Result<Vec<Position>> {
    let before = before_seq.map(|seq| format!("&beforeSeq={seq}"));
    let before = before.unwrap_or_default();
    let path = format!("/api/messages?conversationId={conversation}&limit={PAGE}{before}");
    let began = Instant::now();
    let body = target.read(&path, token).await?;
    reads.record(began.elapsed());
    let page = Page::parse(&body)?;
    Ok(page.messages.iter().map(|m| m.position()).collect())
}
