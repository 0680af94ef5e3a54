//! A long-running task that drains when told to stop, and the clock of those that look at something
//! again and again.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// One long-running task. It is told to stop through its token, finishes what it accepted, and
/// ends; whoever owns it waits for that with [`Worker::drain`].
#[derive(Debug)]
pub struct Worker {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts a task. `body` gets the token that says when to stop.
    pub fn spawn<F>(name: &'static str, body: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(body(stop.clone()));
        Self { name, stop, task }
    }

    /// Tells the task to stop and waits for it, at most `limit`.
    pub async fn drain(self, limit: Duration) {
        self.stop.cancel();
        match tokio::time::timeout(limit, self.task).await {
            Ok(Ok(())) => tracing::debug!(worker.name = self.name, "worker drained"),
            Ok(Err(error)) => {
                tracing::error!(worker.name = self.name, %error, "worker ended badly");
            }
            Err(_) => tracing::error!(worker.name = self.name, "worker did not drain in time"),
        }
    }
}

/// The clock of a worker.
pub struct Ticks {
    interval: Interval,
    stop: CancellationToken,
}

impl Ticks {
    /// One tick now, and then one every `period`. Work that takes longer skips ticks.
    pub fn new(period: Duration, stop: &CancellationToken) -> Self {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            interval,
            stop: stop.clone(),
        }
    }

    /// Waits for the next tick; `false` when the worker is told to stop instead.
    pub async fn next(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            _ = self.interval.tick() => true,
        }
    }
}
