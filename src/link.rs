//! A way to the other nodes: texts go out and come in, each at most once and in no promised order
//! between nodes. Who carries them (`delivery::redis`, `store::notices`) holds the [`Carrier`]; who
//! has something to say holds the [`Link`].

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Texts that may wait to go out, or to be read. What does not fit going out is dropped: whoever
/// misses it finds out from the database.
const QUEUE_LENGTH: usize = 4_096;

/// How long what was said last may take to go out when a node stops.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The end of those who have something to say.
pub struct Link {
    /// Where texts go out.
    pub outgoing: mpsc::Sender<String>,
    /// What comes in.
    pub incoming: mpsc::Receiver<Incoming>,
    /// Longest text that is carried, in bytes.
    pub max_bytes: usize,
}

/// The end of who carries texts.
pub struct Carrier {
    /// Texts to carry to every node, this one included.
    pub outgoing: mpsc::Receiver<String>,
    /// Where texts are handed in that came.
    pub incoming: mpsc::Sender<Incoming>,
}

/// What comes in over a link.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text; those of this node come back too.
    Text(String),
    /// From now on texts come in. What was said before is lost.
    Restored,
    /// Nothing comes in for a while.
    Broken,
}

/// A link for texts of at most `max_bytes`.
pub fn link(max_bytes: usize) -> (Link, Carrier) {
    let (outgoing, to_carry) = mpsc::channel(QUEUE_LENGTH);
    let (carried, incoming) = mpsc::channel(QUEUE_LENGTH);
    let link = Link {
        outgoing,
        incoming,
        max_bytes,
    };
    let carrier = Carrier {
        outgoing: to_carry,
        incoming: carried,
    };
    (link, carrier)
}

/// Waits for the end of a carrier that is told to stop: until then what still waits may go out. It is
/// done before, when nobody is left who could say something.
pub async fn last_words(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(LAST_WORDS).await;
}
