//! One socket: reading and writing side by side in one task, so that neither waits for the other.

mod frames;
mod writing;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::admission::Admitted;
use super::outbox::{self, Queue, Switch};
use super::{DIALECT, Shared};
use crate::chat::{EventBudget, Session, SocketPlaces};
use frames::Frames;
use writing::Writing;

/// How long a client that was sent away has to take the news, and then again to close, before its connection is cut.
const FAREWELL_TIME: Duration = Duration::from_millis(200);
/// Kept ready for each client to read into, and to write from: most frames are short.
const BUFFER_BYTES: usize = 4 * 1_024;

/// The frames of a client, as its connection carries them.
type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// An open socket.
pub(super) struct Connection {
    shared: Arc<Shared>,
    session: Arc<Session>,
    stream: Stream,
    queue: Queue,
    switch: Switch,
    budget: Option<EventBudget>,
    /// Held while there may be something to handle.
    busy: TaskTrackerToken,
    _places: SocketPlaces,
}

impl Connection {
    /// Opens the session of a client that was admitted.
    pub async fn open(
        shared: Arc<Shared>,
        upgraded: Upgraded,
        admitted: Admitted,
        busy: TaskTrackerToken,
    ) -> Self {
        let max_bytes = Some(shared.config.max_frame_bytes);
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(max_bytes)
            .max_frame_size(max_bytes);
        let io = TokioIo::new(upgraded);
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let switch = Switch::default();
        let config = &shared.config;
        let (frames, bytes) = (config.outbound_frames, config.outbound_bytes);
        let (outbox, queue) = outbox::channel(frames, bytes, switch.clone());
        let user = admitted.identity.user.as_ref();
        let budget = shared.chat.limits.events(&admitted.client, user);
        let sessions = &shared.chat.sessions;
        let id = uuid::Uuid::new_v4().to_string();
        let session = sessions.open(id, admitted.identity, Some(DIALECT), Box::new(outbox));
        tracing::debug!(
            user.id = session.identity().user.as_ref().map(|user| user.as_str()),
            "plain socket admitted"
        );
        Self {
            shared,
            session,
            stream,
            queue,
            switch,
            budget,
            busy,
            _places: admitted.places,
        }
    }

    /// Serves the client until one of the two sides ends it.
    pub async fn run(self) {
        let (sink, stream) = self.stream.split();
        let (ending, vitals) = (Ending::default(), Vitals::new());
        let reading = Frames {
            shared: &self.shared,
            session: &self.session,
            ending: &ending,
            vitals: &vitals,
            budget: self.budget,
        };
        let writing = Writing {
            shared: &self.shared,
            switch: &self.switch,
            ending: &ending,
            vitals: &vitals,
            sink,
            queue: self.queue,
        };
        let (stream, sink) = tokio::join!(reading.read(stream, self.busy), writing.write());
        self.shared.chat.forget(&self.session).await;
        if ending.wait().await.is_told()
            && let Ok(stream) = stream.reunite(sink)
        {
            linger(stream).await;
        }
        tracing::debug!("plain socket gone");
    }
}

/// Lets a close frame arrive: a connection that is cut while the client still sends takes it back.
async fn linger(stream: Stream) {
    let mut io = stream.into_inner();
    let end = async {
        io.shutdown().await?;
        let mut unread = vec![0; BUFFER_BYTES];
        while io.read(&mut unread).await? > 0 {}
        std::io::Result::Ok(())
    };
    // However it ends, the client has had its time.
    let _ = tokio::time::timeout(FAREWELL_TIME, end).await;
}

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The connection is lost, or to be reset.
    Cut,
    /// The client says goodbye.
    ByClient,
    /// The client is told this code.
    Told(CloseCode),
}

impl End {
    fn is_told(self) -> bool {
        matches!(self, Self::Told(_))
    }
}

/// The one end of a socket: whoever comes first says why.
#[derive(Default)]
struct Ending {
    why: OnceLock<End>,
    has_come: CancellationToken,
}

impl Ending {
    fn set(&self, end: End) {
        // A later reason changes nothing any more.
        let _ = self.why.set(end);
        self.has_come.cancel();
    }

    async fn wait(&self) -> End {
        self.has_come.cancelled().await;
        self.why.get().copied().unwrap_or(End::Cut)
    }
}

/// When the client was heard last.
struct Vitals {
    began: Instant,
    heard_after_ms: AtomicU64,
    /// Nobody listens at the moment, so that nothing can be heard.
    is_deaf: AtomicBool,
}

impl Vitals {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            heard_after_ms: AtomicU64::new(0),
            is_deaf: AtomicBool::new(false),
        }
    }

    /// Something came from the client.
    fn hear(&self) {
        let after_ms = self.began.elapsed().as_millis() as u64;
        self.heard_after_ms.store(after_ms, Ordering::Relaxed);
    }

    fn set_deaf(&self, is_deaf: bool) {
        self.is_deaf.store(is_deaf, Ordering::Relaxed);
    }

    /// Whether the client has said nothing since then, although it could.
    fn is_silent_since(&self, then: Instant) -> bool {
        let heard_after_ms = self.heard_after_ms.load(Ordering::Relaxed);
        let heard_at = self.began + Duration::from_millis(heard_after_ms + 1);
        heard_at < then && !self.is_deaf.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_is_silent_when_it_could_speak_and_does_not() {
        let vitals = Vitals::new();
        tokio::time::advance(Duration::from_secs(1)).await;
        let pinged_at = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(vitals.is_silent_since(pinged_at));
        vitals.set_deaf(true);
        assert!(!vitals.is_silent_since(pinged_at));
        vitals.set_deaf(false);
        vitals.hear();
        assert!(!vitals.is_silent_since(pinged_at));
    }

    #[tokio::test]
    async fn the_first_reason_to_end_is_the_one() {
        let ending = Ending::default();
        ending.set(End::Told(CloseCode::Policy));
        ending.set(End::Cut);
        assert_eq!(ending.wait().await, End::Told(CloseCode::Policy));
    }
}
