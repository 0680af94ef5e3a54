//! The exchange with other nodes: news go out as signed texts over a [`Link`], those of others come in
//! and are made true here. What is lost on the way is found in the database, at the latest when it is
//! looked at next.

mod texts;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

pub use texts::Secret;
use texts::Texts;

use super::nodes::{Exchanged, Inbound, LinkState};
use crate::chat::{Chat, HEARING_PATIENCE, Moved, News, RosterNews};
use crate::link::{Incoming, Link};
use crate::worker::Ticks;

/// News that may wait to go out; further ones are left to the database.
const NEWS_QUEUE_LENGTH: usize = 8_192;
/// What may wait for delivery.
const INBOUND_QUEUE_LENGTH: usize = 1_024;
/// Holes that may wait to be read, and that are read at a time.
const HOLE_QUEUE_LENGTH: usize = 1_024;
const MAX_READS: usize = 4;
/// News in one text.
const MAX_TOGETHER: usize = 64;
/// How often a node says that it is there.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// After how long a node that says nothing is gone.
const GONE_AFTER: Duration = Duration::from_secs(5);
/// How often the database is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The other nodes, as far as they were heard.
#[derive(Default)]
struct Peers {
    /// When each was heard last, and the number of its last text.
    heard: HashMap<String, (Instant, u64)>,
}

/// The worker that talks to other nodes.
pub struct Exchange {
    chat: Arc<Chat>,
    texts: Texts,
    link: Link,
    news: mpsc::Receiver<News>,
    holes: mpsc::Receiver<Moved>,
    inbound: mpsc::Sender<Inbound>,
    state: Arc<LinkState>,
}

impl Exchange {
    /// Prepares the worker, and delivery's end of it. Nodes with the same secret understand each other.
    pub fn new(chat: Arc<Chat>, link: Link, secret: &Secret) -> (Self, Exchanged) {
        let (news, to_tell) = mpsc::channel(NEWS_QUEUE_LENGTH);
        let (holes, to_read) = mpsc::channel(HOLE_QUEUE_LENGTH);
        let (inbound, heard) = mpsc::channel(INBOUND_QUEUE_LENGTH);
        let state: Arc<LinkState> = Arc::default();
        let exchange = Self {
            chat,
            texts: Texts::new(secret, link.max_bytes),
            link,
            news: to_tell,
            holes: to_read,
            inbound,
            state: Arc::clone(&state),
        };
        let exchanged = Exchanged {
            news,
            holes,
            inbound: heard,
            state,
        };
        (exchange, exchanged)
    }

    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            chat,
            texts,
            link,
            news,
            holes,
            inbound,
            state,
        } = self;
        let Link {
            outgoing, incoming, ..
        } = link;
        let texts = Mutex::new(texts);
        let mouth = Mouth {
            chat: &chat,
            texts: &texts,
            outgoing,
            state: &state,
        };
        let talk = mouth.tell(news, &stop);
        let listen = hear(incoming, &chat, &texts, &inbound, &state);
        let look = look_around(&chat, &inbound, &stop);
        let read = read_holes(holes, &chat, &inbound);
        let rest = async { tokio::join!(listen, look, read) };
        tokio::select! {
            // It ends when it is told to, and has its last word.
            () = talk => {}
            ((), (), ()) = rest => {}
        }
    }
}

/// What is needed to say something.
struct Mouth<'a> {
    chat: &'a Chat,
    texts: &'a Mutex<Texts>,
    outgoing: mpsc::Sender<String>,
    state: &'a LinkState,
}

impl Mouth<'_> {
    /// Says what there is to say, and from time to time that this node is there.
    async fn tell(self, mut news: mpsc::Receiver<News>, stop: &CancellationToken) {
        let mut ticks = Ticks::new(HEARTBEAT, stop);
        let mut together = Vec::with_capacity(MAX_TOGETHER);
        loop {
            tokio::select! {
                is_on = ticks.next() => {
                    if !is_on {
                        break;
                    }
                    self.chat.forget_silent_nodes().await;
                    self.say(true, &mut together).await;
                }
                () = self.chat.wait_for_roster_news() => self.say(false, &mut together).await,
                n_news = news.recv_many(&mut together, MAX_TOGETHER) => {
                    if n_news == 0 {
                        break;
                    }
                    self.say(false, &mut together).await;
                }
            }
        }
        while let Ok(last) = news.try_recv() {
            together.push(last);
        }
        together.push(News::Roster(RosterNews::Bye));
        self.say(false, &mut together).await;
    }

    /// Says some news. Who came goes before what they did.
    async fn say(&self, is_time: bool, news: &mut Vec<News>) {
        let has_listeners = self.state.n_peers.load(Ordering::Relaxed) > 0;
        let mut together = self.chat.roster_news(has_listeners, is_time);
        together.append(news);
        if together.is_empty() {
            return;
        }
        for text in self.texts.lock().await.write(&together) {
            // What does not fit, because nobody carries it, is found in the database.
            let _ = self.outgoing.try_send(text);
        }
    }
}

/// Makes true here what others say.
async fn hear(
    mut incoming: mpsc::Receiver<Incoming>,
    chat: &Chat,
    texts: &Mutex<Texts>,
    inbound: &mpsc::Sender<Inbound>,
    state: &LinkState,
) {
    let mut peers = Peers::default();
    let own = texts.lock().await.node().to_owned();
    while let Some(incoming) = incoming.recv().await {
        let text = match incoming {
            Incoming::Restored => {
                state.is_up.store(true, Ordering::Relaxed);
                chat.greet_nodes();
                continue;
            }
            Incoming::Broken => {
                state.is_up.store(false, Ordering::Relaxed);
                chat.stop_hearing_nodes();
                continue;
            }
            Incoming::Text(text) => text,
        };
        let Some(said) = texts.lock().await.read(&text) else {
            tracing::debug!("a text on the bus that is not of a node was left out");
            continue;
        };
        // This node's own texts come back too: they are the clock by which others are silent.
        let heard = match said.node == own {
            true => HeardBefore::This,
            false => peers.note(&said.node, said.number),
        };
        #[cfg(feature = "planted-bugs")]
        let heard = match said.node == own && crate::planted::has("bus_only_fanout") {
            true => HeardBefore::Another,
            false => heard,
        };
        let n_peers = peers.count();
        state.n_peers.store(n_peers, Ordering::Relaxed);
        match heard {
            HeardBefore::This => continue,
            HeardBefore::Another => {}
            HeardBefore::Nothing => {
                tracing::info!(n_nodes = n_peers + 1, "another node is heard");
                chat.name_all_to_nodes();
            }
        }
        let deadline = tokio::time::Instant::now() + HEARING_PATIENCE;
        for news in said.news {
            match chat.take_news(&own, &said.node, news, deadline).await {
                Ok(Some(heard)) => {
                    if inbound.send(Inbound::Heard(heard)).await.is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    error.code = error.code(),
                    "what another node said could not be followed; the database is looked at"
                ),
            }
        }
    }
}

/// What was heard of a node before a text.
#[derive(Debug, PartialEq, Eq)]
enum HeardBefore {
    /// Nothing, or nothing for a while.
    Nothing,
    /// Other texts.
    Another,
    /// This one, or it is one's own.
    This,
}

impl Peers {
    /// Notes that a node said something.
    fn note(&mut self, node: &str, number: u64) -> HeardBefore {
        let now = Instant::now();
        match self.heard.get_mut(node) {
            Some((_, last)) if *last >= number => HeardBefore::This,
            Some(known) => {
                *known = (now, number);
                HeardBefore::Another
            }
            None => {
                self.heard.insert(node.to_owned(), (now, number));
                HeardBefore::Nothing
            }
        }
    }

    /// How many were heard a moment ago; the others are forgotten.
    fn count(&mut self) -> usize {
        self.heard
            .retain(|_, (heard_at, _)| heard_at.elapsed() < GONE_AFTER);
        self.heard.len()
    }
}

/// Looks at the database for what was lost on the way.
async fn look_around(chat: &Chat, inbound: &mpsc::Sender<Inbound>, stop: &CancellationToken) {
    let mut ticks = Ticks::new(LOOK, stop);
    let mut since = None;
    while ticks.next().await {
        // The horizon first: what commits while the rest is read is seen next time.
        let looked = match (chat.horizon().await, since) {
            (Ok(horizon), None) => Ok((horizon, Vec::new())),
            (Ok(horizon), Some(since)) => chat.look_around(since).await.map(|it| (horizon, it)),
            (Err(error), _) => Err(error),
        };
        match looked {
            Ok((horizon, moved)) => {
                since = Some(horizon);
                let n_begun = chat.n_begun();
                let seen = Inbound::Seen { moved, n_begun };
                if inbound.send(seen).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(
                error.code = error.code(),
                "what other nodes stored could not be looked at"
            ),
        }
    }
}

/// Reads what is missing.
async fn read_holes(
    mut holes: mpsc::Receiver<Moved>,
    chat: &Chat,
    inbound: &mpsc::Sender<Inbound>,
) {
    let mut reads = FuturesUnordered::new();
    loop {
        let repair = tokio::select! {
            hole = holes.recv(), if reads.len() < MAX_READS => match hole {
                Some(hole) => {
                    reads.push(async move { chat.read_repair(&hole).await });
                    continue;
                }
                None => return,
            },
            Some(repair) = reads.next() => repair,
        };
        let repair = repair.unwrap_or_else(|error| {
            tracing::warn!(error.code = error.code(), "a hole could not be read");
            None
        });
        if inbound.send(Inbound::Repaired(repair)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_said_before_is_not_heard_again() {
        let mut peers = Peers::default();
        assert_eq!(peers.note("a", 1), HeardBefore::Nothing);
        assert_eq!(peers.note("b", 1), HeardBefore::Nothing);
        assert_eq!(peers.note("a", 3), HeardBefore::Another);
        assert_eq!(peers.note("a", 3), HeardBefore::This);
        assert_eq!(peers.note("a", 2), HeardBefore::This);
        assert_eq!(peers.count(), 2);
    }
}
