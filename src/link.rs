//! A way to the other nodes: texts go out and come in, each at most once and in no promised order
//! between nodes. Who carries them (`delivery::redis`, `store::notices`) holds the [`Carrier`]; who
//! has something to say holds the [`Link`].

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Texts that may wait to go out, or to be read.
const QUEUE_LENGTH: usize = 4_096;
/// Bytes of the texts that may wait to go out, or to be read.
const QUEUE_BYTES: usize = 32 * 1_024 * 1_024;

/// How long what was said last may take to go out when a node stops.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The end of those who have something to say.
pub struct Link {
    /// Where texts go out.
    pub outlet: Outlet,
    /// What comes in.
    pub incoming: mpsc::Receiver<Incoming>,
    /// Longest text that is carried, in bytes.
    pub max_bytes: usize,
}

/// The end of who carries texts.
pub struct Carrier {
    /// Texts to carry to every node, this one included.
    pub outgoing: mpsc::Receiver<Text>,
    /// Where texts are handed in that came.
    pub inlet: Inlet,
}

/// A text that waits, and its part of the bytes that may.
#[derive(Debug)]
pub struct Text {
    text: String,
    _room: OwnedSemaphorePermit,
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// What comes in over a link.
#[derive(Debug)]
pub enum Incoming {
    /// A text; those of this node come back too.
    Text(Text),
    /// From now on texts come in. What was said before is lost.
    Restored,
    /// Nothing comes in for a while.
    Broken,
}

/// Where texts go out.
pub struct Outlet {
    texts: mpsc::Sender<Text>,
    room: Arc<Semaphore>,
}

impl Outlet {
    /// Lets a text go out. It is dropped when too much waits, because nobody carries it: whoever misses
    /// it finds out from the database.
    pub fn say(&self, text: String) {
        if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(size(&text)) {
            let _ = self.texts.try_send(Text { text, _room: room });
        }
    }
}

/// Where what comes is handed in.
pub struct Inlet {
    queue: mpsc::Sender<Incoming>,
    room: Arc<Semaphore>,
}

/// Why a text was not handed in.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too much waits to be read.
    Full,
    /// Nobody reads any more.
    Closed,
}

impl Inlet {
    /// Says that texts come in from now on. Returns whether somebody reads them.
    pub async fn tell_restored(&self) -> bool {
        self.queue.send(Incoming::Restored).await.is_ok()
    }

    /// Says that nothing comes in. Returns whether somebody is told.
    pub async fn tell_broken(&self) -> bool {
        self.queue.send(Incoming::Broken).await.is_ok()
    }

    /// Hands in a text at once, for a carrier whose library reads on and keeps what waits.
    ///
    /// # Errors
    ///
    /// If it cannot wait to be read. When too much waits, the carrier does best to drop the connection
    /// with all that waits there: a node that is cut off gets what it missed, one that lags does not.
    pub fn hand_in_now(&self, text: String) -> Result<(), Refused> {
        let room = Arc::clone(&self.room);
        let room = room.try_acquire_many_owned(size(&text));
        let room = room.map_err(|_| Refused::Full)?;
        let text = Incoming::Text(Text { text, _room: room });
        self.queue.try_send(text).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Full,
            TrySendError::Closed(_) => Refused::Closed,
        })
    }

    /// Hands in a text as soon as there is room for it, for a carrier that reads no further until then.
    /// Returns whether somebody reads it.
    pub async fn hand_in(&self, text: String) -> bool {
        let room = Arc::clone(&self.room);
        let room = room.acquire_many_owned(size(&text)).await;
        let room = room.expect("it is not closed");
        let text = Incoming::Text(Text { text, _room: room });
        self.queue.send(text).await.is_ok()
    }
}

/// A link for texts of at most `max_bytes`.
pub fn link(max_bytes: usize) -> (Link, Carrier) {
    let room = || Arc::new(Semaphore::new(QUEUE_BYTES));
    let (texts, outgoing) = mpsc::channel(QUEUE_LENGTH);
    let (queue, incoming) = mpsc::channel(QUEUE_LENGTH);
    let link = Link {
        outlet: Outlet {
            texts,
            room: room(),
        },
        incoming,
        max_bytes,
    };
    let inlet = Inlet {
        queue,
        room: room(),
    };
    (link, Carrier { outgoing, inlet })
}

/// How much of the bytes that may wait a text takes. One that is larger than all of them, which no
/// carrier lets pass, takes them all.
fn size(text: &str) -> u32 {
    u32::try_from(text.len().min(QUEUE_BYTES)).expect("it is far below the largest")
}

/// Waits for the end of a carrier that is told to stop: until then what still waits may go out. It is
/// done before, when nobody is left who could say something.
pub async fn last_words(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(LAST_WORDS).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: usize = QUEUE_BYTES / 2;

    fn text(n_bytes: usize) -> String {
        "x".repeat(n_bytes)
    }

    #[test]
    fn what_waits_to_go_out_has_a_limit_in_bytes() {
        let (link, mut carrier) = link(HALF);
        for n_bytes in [HALF, HALF, 1] {
            link.outlet.say(text(n_bytes));
        }
        let n_waiting = |carrier: &Carrier| carrier.outgoing.len();
        assert_eq!(n_waiting(&carrier), 2, "the last had no room");
        drop(carrier.outgoing.try_recv().unwrap());
        link.outlet.say(text(1));
        assert_eq!(n_waiting(&carrier), 2, "what went out made room");
    }

    #[test]
    fn what_waits_to_go_out_has_a_limit_in_texts() {
        let (link, carrier) = link(HALF);
        for _ in 0..=QUEUE_LENGTH {
            link.outlet.say(text(1));
        }
        assert_eq!(carrier.outgoing.len(), QUEUE_LENGTH);
    }

    #[test]
    fn what_waits_to_be_read_has_a_limit_in_bytes() {
        let (mut link, Carrier { inlet, .. }) = link(HALF);
        assert_eq!(inlet.hand_in_now(text(HALF)), Ok(()));
        assert_eq!(inlet.hand_in_now(text(HALF)), Ok(()));
        assert_eq!(inlet.hand_in_now(text(1)), Err(Refused::Full));
        drop(link.incoming.try_recv().unwrap());
        assert_eq!(
            inlet.hand_in_now(text(1)),
            Ok(()),
            "what was read made room"
        );
        drop(link);
        assert_eq!(inlet.hand_in_now(text(1)), Err(Refused::Closed));
    }

    #[tokio::test]
    async fn who_may_wait_for_room_gets_it() {
        let (mut link, Carrier { inlet, .. }) = link(HALF);
        assert!(inlet.hand_in(text(QUEUE_BYTES)).await);
        let read = async { link.incoming.recv().await.map(drop) };
        let (is_read, ()) = tokio::join!(inlet.hand_in(text(1)), async {
            read.await.unwrap();
        });
        assert!(is_read);
        assert!(matches!(
            link.incoming.try_recv(),
            Ok(Incoming::Text(text)) if &*text == "x"
        ));
    }
}
