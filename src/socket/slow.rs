//! Clients for which too much waits are closed one after the other: each that is closed has all that
//! waits for it thrown away, packet by packet, and hundreds at once would hold up everybody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::links::Links;

/// Between two that are closed.
const PAUSE: Duration = Duration::from_millis(1);

/// Closes slow clients, soon.
#[derive(Clone)]
pub struct Slow(mpsc::UnboundedSender<Arc<Links>>);

impl Slow {
    /// Starts the task that closes them; it ends when nobody can hand in any more.
    pub fn start() -> Self {
        let (sender, mut slow) = mpsc::unbounded_channel::<Arc<Links>>();
        tokio::spawn(async move {
            while let Some(links) = slow.recv().await {
                tracing::info!("too much waits for a client, its connection is reset");
                links.kill();
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self(sender)
    }

    /// Hands in one, once. From now on nothing is sent to it.
    pub fn close(&self, links: &Arc<Links>) {
        if links.give_up() {
            // The task lives as long as this.
            let _ = self.0.send(Arc::clone(links));
        }
    }
}
