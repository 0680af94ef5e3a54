//! Many connections that are opened a few at a time.

use anyhow::bail;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::runs::Progress;

/// How many are ready between two notes on progress.
const NOTE_EVERY: usize = 100;

/// Tasks that first get ready, then go on until they are told that all is over.
pub struct Gathering<T> {
    tasks: JoinSet<anyhow::Result<T>>,
    ready: mpsc::Receiver<()>,
    ready_to: mpsc::Sender<()>,
    at_once: usize,
    n_begun: usize,
    n_ready: usize,
}

/// With it a task says that it is ready.
#[derive(Clone)]
pub struct Ready(mpsc::Sender<()>);

impl Ready {
    /// Says so.
    pub async fn say(&self) {
        // Nobody waits any more only after somebody else has failed.
        let _ = self.0.send(()).await;
    }
}

impl<T: Send + 'static> Gathering<T> {
    /// Of so many at a time.
    pub fn new(at_once: usize) -> Self {
        let (ready_to, ready) = mpsc::channel(at_once);
        Self {
            tasks: JoinSet::new(),
            ready,
            ready_to,
            at_once,
            n_begun: 0,
            n_ready: 0,
        }
    }

    /// For the tasks.
    pub fn ready(&self) -> Ready {
        Ready(self.ready_to.clone())
    }

    /// Begins a task once there is room. Fails with whoever failed before.
    pub async fn begin(
        &mut self,
        task: impl Future<Output = anyhow::Result<T>> + Send + 'static,
    ) -> anyhow::Result<()> {
        while self.n_begun - self.n_ready >= self.at_once {
            self.one_ready().await?;
        }
        self.n_begun += 1;
        self.tasks.spawn(task);
        Ok(())
    }

    /// Waits until all are ready. They may be so several times: after each, this waits for all again.
    pub async fn all_ready(&mut self, progress: Progress<'_>) -> anyhow::Result<()> {
        while self.n_ready < self.n_begun {
            self.one_ready().await?;
            if self.n_ready.is_multiple_of(NOTE_EVERY) {
                progress(&format!("{} of {} connected", self.n_ready, self.n_begun));
            }
        }
        Ok(())
    }

    /// From here on nobody counts as ready.
    pub fn again(&mut self) {
        self.n_ready = 0;
    }

    async fn one_ready(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            _ = self.ready.recv() => {
                self.n_ready += 1;
                Ok(())
            }
            Some(ended) = self.tasks.join_next() => {
                ended??;
                bail!("a connection ended too early")
            }
        }
    }

    /// What became of all of them. They must have been told that all is over.
    pub async fn end(mut self) -> anyhow::Result<Vec<T>> {
        let mut outcomes = Vec::with_capacity(self.tasks.len());
        while let Some(ended) = self.tasks.join_next().await {
            outcomes.push(ended??);
        }
        Ok(outcomes)
    }
}
