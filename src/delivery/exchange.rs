//! The exchange with other nodes: news go out as signed texts over a [`Link`], those of others come in
//! and are made true here. What is lost on the way is found in the database, at the latest when it is
//! looked at next.

mod ear;
mod peers;
mod texts;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use ear::Ear;
use peers::Peers;
pub use texts::{Greeting, Said, Secret, Texts};

use super::nodes::{Exchanged, Inbound, LinkState};
use crate::chat::{Chat, Hole, News, RosterNews, Seen, Sight};
use crate::error::Error;
use crate::link::{Link, Outlet};
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
/// Parts of looks that may wait for this node's own batches; then it is not looked any further.
const MAX_SEEN: usize = 16;
/// How often the database is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The worker that talks to other nodes.
pub struct Exchange {
    chat: Arc<Chat>,
    texts: Texts,
    link: Link,
    news: mpsc::Receiver<News>,
    holes: mpsc::Receiver<Hole>,
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
            looks: exchange.chat.looks(),
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
            outlet, incoming, ..
        } = link;
        let texts = &texts;
        let acquaintances = &Acquaintances::default();
        let mouth = Mouth {
            chat: &chat,
            texts,
            acquaintances,
            outlet,
            state: &state,
        };
        let ear = Ear {
            chat: &chat,
            texts,
            acquaintances,
            inbound: &inbound,
            state: &state,
        };
        let talk = mouth.tell(news, &stop);
        let listen = ear.hear(incoming);
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

/// The other nodes, for who hears them and who greets them.
#[derive(Default)]
struct Acquaintances {
    peers: Mutex<Peers>,
    greeting_due: Notify,
}

impl Acquaintances {
    fn peers(&self) -> MutexGuard<'_, Peers> {
        let peers = self.peers.lock();
        peers.expect("no code panics with this lock held")
    }
}

/// What is needed to say something.
struct Mouth<'a> {
    chat: &'a Chat,
    texts: &'a Texts,
    acquaintances: &'a Acquaintances,
    outlet: Outlet,
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
                    self.greet();
                    self.say(true, &mut together);
                }
                () = self.acquaintances.greeting_due.notified() => self.greet(),
                () = self.chat.wait_for_roster_news() => self.say(false, &mut together),
                n_news = news.recv_many(&mut together, MAX_TOGETHER) => {
                    if n_news == 0 {
                        break;
                    }
                    self.say(false, &mut together);
                }
            }
        }
        while let Ok(last) = news.try_recv() {
            together.push(last);
        }
        together.push(News::Roster(RosterNews::Bye));
        self.say(false, &mut together);
    }

    /// Shows those who heard this node that it lives, and asks them whether they do.
    fn greet(&self) {
        let mut peers = self.acquaintances.peers();
        let (greeting, n_peers) = (peers.greeting(), peers.count());
        drop(peers);
        self.state.n_peers.store(n_peers, Ordering::Relaxed);
        // It is said again with the next sign of life.
        self.outlet.say(self.texts.greet(greeting));
    }

    /// Says some news. Who came goes before what they did, and nobody believes who did not greet them.
    fn say(&self, is_time: bool, news: &mut Vec<News>) {
        let has_listeners = self.state.n_peers.load(Ordering::Relaxed) > 0;
        let mut together = self.chat.roster_news(has_listeners, is_time);
        together.append(news);
        if together.is_empty() {
            return;
        }
        if self.acquaintances.peers().is_due() {
            self.greet();
        }
        for text in self.texts.write(&together) {
            self.outlet.say(text);
        }
    }
}

/// Looks at the database for what was lost on the way.
async fn look_around(chat: &Chat, inbound: &mpsc::Sender<Inbound>, stop: &CancellationToken) {
    let mut ticks = Ticks::new(LOOK, stop);
    let mut sight = Sight::default();
    let places = Arc::new(Semaphore::new(MAX_SEEN));
    while ticks.next().await {
        while !stop.is_cancelled() {
            let looked = guarded("a look at the database", chat.look_on(&mut sight)).await;
            match looked.unwrap_or(Err(Error::Internal)) {
                Ok(seen) => {
                    let is_all = seen.is_all;
                    if hand_on(chat, inbound, seen, &places).await.is_err() {
                        return;
                    }
                    if is_all {
                        break;
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error.code = error.code(),
                        "what other nodes stored could not be looked at"
                    );
                    break;
                }
            }
        }
    }
}

/// Hands on what was seen, once there is room for it.
async fn hand_on(
    chat: &Chat,
    inbound: &mpsc::Sender<Inbound>,
    seen: Seen,
    places: &Arc<Semaphore>,
) -> Result<(), Closed> {
    if seen.moved.is_empty() {
        return Ok(());
    }
    let n_begun = chat.n_begun();
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(|_| Closed)?;
    let seen = Inbound::Seen {
        seen,
        n_begun,
        place,
    };
    inbound.send(seen).await.map_err(|_| Closed)
}

/// Delivery has ended.
struct Closed;

/// Reads what is missing.
async fn read_holes(mut holes: mpsc::Receiver<Hole>, chat: &Chat, inbound: &mpsc::Sender<Inbound>) {
    let mut reads = FuturesUnordered::new();
    loop {
        let repair = tokio::select! {
            hole = holes.recv(), if reads.len() < MAX_READS => match hole {
                Some(hole) => {
                    reads.push(async move {
                        guarded("a hole", chat.read_repair(&hole)).await
                    });
                    continue;
                }
                None => return,
            },
            Some(repair) = reads.next() => repair,
        };
        let repair = repair.unwrap_or(Err(Error::Internal));
        let repair = repair.unwrap_or_else(|error| {
            tracing::warn!(error.code = error.code(), "a hole could not be read");
            None
        });
        if inbound.send(Inbound::Repaired(repair)).await.is_err() {
            return;
        }
    }
}

/// Does one piece of work. A panic in it, for which there is `None`, must not end the worker.
async fn guarded<T>(what: &'static str, work: impl Future<Output = T>) -> Option<T> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    if done.is_err() {
        tracing::error!(exchange.work = what, "what concerns other nodes panicked");
    }
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_what_panicked_alone() {
        assert_eq!(guarded("a test", async { 1 }).await, Some(1));
        let none: Option<()> = guarded("a test", async { panic!("of a test") }).await;
        assert_eq!(none, None);
    }
}
