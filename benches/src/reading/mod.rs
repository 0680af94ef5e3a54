//! The scenarios in which everybody reads over REST: `history`, `list`.

mod history;
mod list;
pub mod pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub use history::History;
pub use list::{List, n_unread};

use crate::latencies::{Latencies, Recorder};
use crate::metering::measure;
use crate::report::{Place, Report, Second};
use crate::runs::{Progress, Run, nanoseconds};

/// What is read, and what must be in the answers.
pub trait Shelf: Send + Sync + 'static {
    /// Where answers come from, as reports call it; more than one if they are told apart.
    const PLACES: &'static [&'static str];

    /// Makes sure that there is something to read.
    fn fill(run: &Run, progress: Progress<'_>) -> impl Future<Output = anyhow::Result<Self>> + Send
    where
        Self: Sized;

    /// The nth question of somebody; `random` is any number.
    fn question(&self, nth: usize, random: u64) -> Question;

    /// Fails if the answer is wrong.
    fn check(&self, question: &Question, body: &[u8]) -> anyhow::Result<()>;

    /// Who reads.
    fn user(&self) -> u64;
}

/// One REST call.
#[derive(Debug)]
pub struct Question {
    /// What is asked for, with its query.
    pub path: String,
    /// Which of the shelf's places it is about.
    pub place: usize,
    /// Number of the first message of the answer, if it is known.
    pub first_seq: Option<u64>,
}

/// Lets readers read, each asking again when it has its answer, and reports how it went. Fails with the
/// first answer that is wrong.
pub async fn run<S: Shelf>(run: Arc<Run>, progress: Progress<'_>) -> anyhow::Result<Report> {
    let shelf = Arc::new(S::fill(&run, progress).await?);
    let all = Latencies::new()?;
    let places: Vec<_> = S::PLACES
        .iter()
        .map(|_| Latencies::new())
        .collect::<Result<_, _>>()?;
    let from = run.began.elapsed() + run.plan.warm_up;
    let span = (nanoseconds(from), nanoseconds(from + run.plan.duration));
    let n_reads = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for number in 0..run.plan.connections {
        let reader = Reader {
            number,
            token: run.token(shelf.user())?,
            run: Arc::clone(&run),
            shelf: Arc::clone(&shelf),
            span,
            n_reads: Arc::clone(&n_reads),
            all: all.recorder(),
            places: places.iter().map(Latencies::recorder).collect(),
        };
        readers.spawn(reader.read_on());
    }
    let mut report = Report::empty(&run.plan);
    let count = || Second {
        reads: n_reads.load(Ordering::Relaxed),
        ..Second::default()
    };
    tokio::try_join!(
        measure(&run, span, count, &mut report, progress),
        all_done(readers)
    )?;
    report.read = all.summary();
    report.reads_by_place = by_place(S::PLACES, &places);
    Ok(report)
}

async fn all_done(mut readers: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(done) = readers.join_next().await {
        done??;
    }
    Ok(())
}

fn by_place(names: &[&str], places: &[Latencies]) -> Vec<Place> {
    if names.len() < 2 {
        return Vec::new();
    }
    let named = names.iter().zip(places);
    let found = named.filter_map(|(name, latencies)| {
        Some(Place {
            place: (*name).to_owned(),
            latency: latencies.summary()?,
        })
    });
    found.collect()
}

/// Somebody who reads.
struct Reader<S> {
    number: usize,
    token: Option<String>,
    run: Arc<Run>,
    shelf: Arc<S>,
    /// What is measured, in nanoseconds since the run began.
    span: (u64, u64),
    n_reads: Arc<AtomicU64>,
    all: Recorder,
    places: Vec<Recorder>,
}

impl<S: Shelf> Reader<S> {
    async fn read_on(mut self) -> anyhow::Result<()> {
        let mut random = u64::from(self.run.id) << 32 | self.number as u64 | 1;
        // Readers begin at different places.
        for nth in self.number.. {
            if self.run.now_ns() >= self.span.1 {
                break;
            }
            random = shuffle(random);
            let question = self.shelf.question(nth, random);
            self.read(&question).await?;
        }
        self.all.flush();
        self.places.iter_mut().for_each(Recorder::flush);
        Ok(())
    }

    async fn read(&mut self, question: &Question) -> anyhow::Result<()> {
        let (began, began_ns) = (Instant::now(), self.run.now_ns());
        let token = self.token.as_deref();
        let body = self.run.target.read(&question.path, token).await?;
        self.n_reads.fetch_add(1, Ordering::Relaxed);
        self.record(question.place, began_ns, began.elapsed());
        self.shelf.check(question, &body)
    }

    fn record(&mut self, place: usize, began_ns: u64, took: Duration) {
        if !(self.span.0..self.span.1).contains(&began_ns) {
            return;
        }
        self.all.record(took);
        if let Some(recorder) = self.places.get_mut(place) {
            recorder.record(took);
        }
    }
}

/// The next of a row of numbers that look random (xorshift64, <https://www.jstatsoft.org/v08/i14/>).
fn shuffle(mut number: u64) -> u64 {
    number ^= number << 13;
    number ^= number >> 7;
    number ^ (number << 17)
}
