//! What comes in over the link: texts of nodes that live, each once, are made true here.

use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::peers::HeardBefore;
use super::texts::{Said, Texts};
use super::{Acquaintances, guarded};
use crate::chat::{Chat, HEARING_PATIENCE, News};
use crate::delivery::nodes::{Inbound, LinkState};
use crate::link::Incoming;

/// What is needed to hear others.
pub struct Ear<'a> {
    pub chat: &'a Chat,
    pub texts: &'a Texts,
    pub acquaintances: &'a Acquaintances,
    pub inbound: &'a mpsc::Sender<Inbound>,
    pub state: &'a LinkState,
}

impl Ear<'_> {
    /// Makes true here what others say, until nothing comes in any more.
    pub async fn hear(self, mut incoming: mpsc::Receiver<Incoming>) {
        while let Some(incoming) = incoming.recv().await {
            match incoming {
                Incoming::Restored => {
                    self.state.is_up.store(true, Ordering::Relaxed);
                    self.chat.greet_nodes();
                    self.acquaintances.greeting_due.notify_one();
                }
                Incoming::Broken => {
                    self.state.is_up.store(false, Ordering::Relaxed);
                    self.chat.stop_hearing_nodes();
                }
                Incoming::Text(text) => {
                    // One text must not make the node deaf to all others.
                    let _ = guarded("a text of another node", self.hear_text(&text)).await;
                }
            }
        }
    }

    async fn hear_text(&self, text: &str) {
        let Some(said) = self.texts.read(text) else {
            tracing::debug!("a text on the bus that is not of a node was left out");
            return;
        };
        if !self.is_new(&said) {
            return;
        }
        let deadline = Instant::now() + HEARING_PATIENCE;
        for news in said.news {
            self.take(&said.node, news, deadline).await;
        }
    }

    /// Whether a text is one of a living node, and was not heard before.
    fn is_new(&self, said: &Said) -> bool {
        // This node's own texts come back too.
        if said.node == self.texts.node() {
            #[cfg(feature = "planted-bugs")]
            if crate::planted::has("bus_only_fanout") {
                return true;
            }
            return false;
        }
        let mut peers = self.acquaintances.peers();
        let heard = peers.note(said);
        let (n_peers, is_due) = (peers.count(), peers.is_due());
        drop(peers);
        self.state.n_peers.store(n_peers, Ordering::Relaxed);
        if is_due {
            self.acquaintances.greeting_due.notify_one();
        }
        if heard == HeardBefore::Nothing {
            tracing::info!(n_nodes = n_peers + 1, "another node is heard");
            self.chat.name_all_to_nodes();
        }
        matches!(heard, HeardBefore::Nothing | HeardBefore::Another)
    }

    async fn take(&self, node: &str, news: News, deadline: Instant) {
        let taken = self.chat.take_news(self.texts.node(), node, news, deadline);
        match taken.await {
            Ok(Some(heard)) => {
                // Delivery ends last; what it does not take any more nobody here waits for.
                let _ = self.inbound.send(Inbound::Heard(heard)).await;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(
                error.code = error.code(),
                "what another node said could not be followed; the database is looked at"
            ),
        }
    }
}
