//! A long-running task that drains when told to stop.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
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
