//! The group-commit writer: the hot writes of all sockets go through one task, many in one
//! transaction. While one batch is being synced to disk the next one gathers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use tokio::sync::mpsc;

use super::batches::{self, Batch, Committed, Step};
use super::checkpoints::Checkpoints;
use super::sequences::{Millis, Sequence};
use super::{Fault, Store, in_time};
use crate::error::Error;
use crate::store::writer::pace::Pace;
use crate::store::writer::plan::{Plan, Recent};

pub use plan::TWIN_WINDOW;

mod pace;
mod plan;
mod writes;

pub use writes::{
    Change, ChangedMessage, Channel, Done, EarlierKey, MAX_REACTIONS, MAX_WAYS, NewChange, NewId,
    NewMessage, NewRead, Outcome, ReadOutcome, ReadScope, StoredMessage, Twin, Write,
};

/// Most writes in one transaction.
const MAX_BATCH: usize = 512;
/// Writes that may wait for the writer; one more is refused with `UNAVAILABLE`.
const QUEUE_LENGTH: usize = 8_192;
/// Committed batches that delivery may still have to work off before the writer waits for it.
const COMMIT_QUEUE_LENGTH: usize = 16;
/// How often a transaction is tried that failed through no fault of its own.
const MAX_TRIES: u32 = 5;
/// Pause before the second try; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// After this time it is not tried again, however often it was: others wait behind.
const TRYING_TIME: Duration = Duration::from_secs(20);

struct Job<T> {
    write: Write,
    tag: T,
}

/// Where writes are handed in.
pub struct WriterQueue<T> {
    jobs: mpsc::Sender<Job<T>>,
    n_begun: Arc<AtomicU64>,
}

impl<T> WriterQueue<T> {
    /// Hands in a write. Writes of one caller are committed in the order they were handed in.
    /// Gives the tag back when the queue is full or the server is stopping.
    pub fn submit(&self, write: Write, tag: T) -> Result<(), (T, Error)> {
        self.jobs.try_send(Job { write, tag }).map_err(|error| {
            let job = match error {
                mpsc::error::TrySendError::Full(job) | mpsc::error::TrySendError::Closed(job) => {
                    job
                }
            };
            (job.tag, Error::busy())
        })
    }

    /// Batches that were begun so far. What somebody has read of this node's writes is in one of
    /// them, although delivery may not have told it yet.
    pub fn n_begun(&self) -> u64 {
        self.n_begun.load(Ordering::Acquire)
    }
}

/// The writer task. It ends when its queue is closed and empty.
pub struct Writer<T> {
    db: DatabaseConnection,
    message_ids: Arc<Sequence>,
    jobs: mpsc::Receiver<Job<T>>,
    commits: mpsc::Sender<Vec<Done<T>>>,
    n_begun: Arc<AtomicU64>,
    pace: Pace,
    recent: Recent,
    millis: Millis,
    is_shared: bool,
    checkpoints: Checkpoints,
    /// The database was not there at the last try.
    is_failing: bool,
}

impl<T: Send + 'static> Writer<T> {
    /// A writer, the queue that feeds it, and the stream of batches that it finished.
    pub fn new(store: &Store) -> (Self, WriterQueue<T>, mpsc::Receiver<Vec<Done<T>>>) {
        let (jobs, receiver) = mpsc::channel(QUEUE_LENGTH);
        let (commits, finished) = mpsc::channel(COMMIT_QUEUE_LENGTH);
        let n_begun = Arc::default();
        let writer = Self {
            db: store.write.clone(),
            message_ids: Arc::clone(&store.message_ids),
            jobs: receiver,
            commits,
            n_begun: Arc::clone(&n_begun),
            pace: Pace::new(Instant::now()),
            recent: Recent::new(store.is_shared()),
            millis: Millis::new(store.write.clone()),
            is_shared: store.is_shared(),
            checkpoints: Checkpoints::new(store.read.clone()),
            is_failing: false,
        };
        (writer, WriterQueue { jobs, n_begun }, finished)
    }

    /// Works until `stop` fires and everything accepted is committed.
    pub async fn run(mut self, stop: tokio_util::sync::CancellationToken) {
        let mut jobs = Vec::with_capacity(MAX_BATCH);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
                n_jobs = self.jobs.recv_many(&mut jobs, MAX_BATCH) => {
                    if n_jobs == 0 {
                        return;
                    }
                    self.wait_for_more(&mut jobs).await;
                    self.n_begun.fetch_add(1, Ordering::Release);
                    let done = self.commit(std::mem::take(&mut jobs)).await;
                    if !self.is_shared {
                        self.checkpoints.look();
                    }
                    if self.commits.send(done).await.is_err() {
                        tracing::error!("delivery is gone, the writer stops");
                        return;
                    }
                }
            }
        }
    }

    /// Takes what else is handed in while a small batch may wait.
    async fn wait_for_more(&mut self, jobs: &mut Vec<Job<T>>) {
        let mut have_waited = false;
        while let Some(until) = self.pace.until(jobs.len(), have_waited, Instant::now()) {
            tokio::time::sleep_until(until.into()).await;
            have_waited = true;
            while jobs.len() < MAX_BATCH
                && let Ok(job) = self.jobs.try_recv()
            {
                jobs.push(job);
            }
        }
        self.pace.note(jobs.len(), Instant::now());
    }

    async fn commit(&mut self, mut jobs: Vec<Job<T>>) -> Vec<Done<T>> {
        if let Err(fault) = in_time(self.name_messages(&mut jobs)).await {
            tracing::error!(%fault, n_writes = jobs.len(), "message ids could not be reserved");
            let failed = |job: Job<T>| Done {
                write: job.write,
                outcome: Err(fault.into()),
                tag: job.tag,
            };
            return jobs.into_iter().map(failed).collect();
        }
        let plan = Plan::new(jobs.iter().map(|job| &job.write), &mut self.recent);
        let committed = self.attempt(&plan).await;
        let outcomes = plan.outcomes(committed, &mut self.recent);
        let done = |(job, outcome): (Job<T>, _)| Done {
            write: job.write,
            outcome,
            tag: job.tag,
        };
        jobs.into_iter().zip(outcomes).map(done).collect()
    }

    /// Gives ids to the messages that ask for one.
    async fn name_messages(&mut self, jobs: &mut [Job<T>]) -> Result<(), Fault> {
        for job in jobs {
            let Write::Message(new) = &mut job.write else {
                continue;
            };
            let number = match new.id {
                NewId::Given => continue,
                // They are named where all nodes agree on the order.
                NewId::Millis if self.is_shared => continue,
                NewId::Number => self.message_ids.next().await?,
                NewId::Millis => {
                    let now = new.row.created_at.timestamp_millis();
                    self.millis.next(now).await?
                }
            };
            new.row.id = number.to_string().into();
        }
        Ok(())
    }

    /// Commits a plan as one batch; row by row where a single row stands in the way.
    async fn attempt(&mut self, plan: &Plan<'_>) -> Vec<Result<Distinct, Error>> {
        let batch = &plan.batch;
        let fault = match self.try_hard(batch).await {
            Ok(committed) => return flatten(committed),
            Err(fault) => fault,
        };
        if !matches!(fault, Fault::Unique | Fault::Row | Fault::Parted) || batch.len() == 1 {
            tracing::error!(%fault, n_writes = batch.len(), "a batch could not be stored");
            return plan.all_failed(fault);
        }
        // Markers first here too: a message of the same batch stays unread.
        let mut reads = Vec::with_capacity(batch.reads.len());
        for read in &batch.reads {
            reads.push(self.alone(Batch::of_read(read)).await);
        }
        let mut messages = Vec::with_capacity(batch.messages.len());
        let mut changes = Vec::with_capacity(batch.changes.len());
        for step in &batch.steps {
            match *step {
                Step::Message(index) => {
                    let alone = Batch::of_message(batch, index);
                    messages.push(self.alone(alone).await);
                }
                Step::Change(index) => {
                    let alone = Batch::of_change(batch.changes[index]);
                    changes.push(self.alone(alone).await);
                }
            }
        }
        messages.into_iter().chain(changes).chain(reads).collect()
    }

    async fn alone(&mut self, batch: Batch<'_>) -> Result<Distinct, Error> {
        let committed = self.try_hard(&batch).await.inspect_err(|fault| {
            tracing::warn!(%fault, "a write was refused");
        })?;
        flatten(committed).pop().unwrap_or(Err(Error::Internal))
    }

    /// Commits a batch. PostgreSQL may be cut off without anybody noticing; SQLite cannot be, and what
    /// is begun there is carried through.
    async fn commit_in_time(&self, batch: &Batch<'_>, look_up: bool) -> Result<Committed, Fault> {
        let committed = batches::commit(&self.db, batch, look_up);
        match self.is_shared {
            true => in_time(committed).await,
            false => committed.await,
        }
    }

    /// Tries a transaction again while that makes sense: the database was not there for a moment,
    /// another transaction was faster, or a message turned out to be stored already.
    async fn try_hard(&mut self, batch: &Batch<'_>) -> Result<Committed, Fault> {
        // While the database is away, those who wait behind are not kept waiting for five tries.
        let n_tries = if self.is_failing { 1 } else { MAX_TRIES };
        let (mut look_up, mut is_unsure, mut pause) = (false, false, FIRST_PAUSE);
        let (mut n_tried, begun) = (0, Instant::now());
        loop {
            n_tried += 1;
            let committed = self.commit_in_time(batch, look_up).await;
            self.is_failing = matches!(committed, Err(Fault::Unreachable));
            match committed {
                Err(Fault::Unique) if !look_up => {}
                Err(fault)
                    if fault.is_transient()
                        && n_tried < n_tries
                        && begun.elapsed() < TRYING_TIME =>
                {
                    tracing::warn!(%fault, "a batch failed, trying again");
                    is_unsure |= fault == Fault::Unreachable;
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Ok(mut committed) if is_unsure => {
                    committed.assume_changed();
                    return Ok(committed);
                }
                other => return other,
            }
            // A commit may have gone through although its answer was lost.
            look_up = true;
        }
    }
}

/// What became of one distinct write of a plan: messages first, then changes, then read markers.
enum Distinct {
    Message(StoredMessage),
    Changed(ChangedMessage),
    Read(ReadOutcome),
}

fn flatten(committed: Committed) -> Vec<Result<Distinct, Error>> {
    let message =
        |stored: Option<StoredMessage>| stored.map(Distinct::Message).ok_or(Error::NO_CONVERSATION);
    let change =
        |changed: Option<ChangedMessage>| changed.map(Distinct::Changed).ok_or(Error::NO_MESSAGE);
    let messages = committed.messages.into_iter().map(message);
    let changes = committed.changes.into_iter().map(change);
    let reads = committed
        .reads
        .into_iter()
        .map(|read| Ok(Distinct::Read(read)));
    messages.chain(changes).chain(reads).collect()
}
