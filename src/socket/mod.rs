//! The Socket.IO surface: one socketioxide service with the defaults of the Node server, a
//! handshake in the connect middleware, and one dispatcher per socket.

mod dispatch;
mod handshake;
mod intake;
mod links;
mod moving;
mod outbox;
mod paced;
mod probe;
mod read_gate;
mod session_ids;
mod slow;
mod translation;

pub use links::Peer;
pub use read_gate::ReadGate;

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use socketioxide::extract::{HttpExtension, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::{ParserConfig, SocketIo};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::chat::{Chat, Dialect};
use dispatch::Gone;
use handshake::{Handshake, Refusal};
use links::Links;
use session_ids::SessionIds;
use slow::Slow;

/// Binary attachments of a packet, as many as the Node server takes. No event has any, but one that
/// does must be answered, not cut off.
const MAX_ATTACHMENTS: usize = 10;
/// Time for a packet's binary attachments.
const ATTACHMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read from a WebSocket at a time, at most. Each keeps that much room as long as it lives; several
/// ordinary events fit in.
const READ_BUFFER_BYTES: usize = 2 * 1_024;

/// Room in the queue of a client for packets that are not counted: pings, and the first answer.
const UNCOUNTED_PACKETS: usize = 1_024;

/// How the Socket.IO server behaves; the defaults are those of the Node server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Path of the endpoint, with slashes at both ends.
    pub path: String,
    /// Time between two pings.
    pub ping_interval: Duration,
    /// Time for the pong.
    pub ping_timeout: Duration,
    /// Time to join the namespace after connecting.
    pub connect_timeout: Duration,
    /// Largest payload: polling body, WebSocket message and WebSocket frame alike.
    pub max_payload_bytes: usize,
    /// Packets that may wait for a client; one more and the client is closed.
    pub outbound_packets: usize,
    /// Bytes that may wait for a client, and one packet more.
    pub outbound_bytes: usize,
    /// The dialect of every socket; `None` lets each socket decide.
    pub dialect: Option<Dialect>,
}

/// What all sockets share.
pub(crate) struct Shared {
    chat: Arc<Chat>,
    config: Config,
    session_ids: Arc<SessionIds>,
    slow: Slow,
    /// Dispatchers that may have something to handle.
    busy: TaskTracker,
    /// Set when the server no longer takes new events.
    is_draining: AtomicBool,
    drain: CancellationToken,
    /// Fires when all transports are closed: the library then tells no socket that it is gone.
    closed: CancellationToken,
}

/// The running Socket.IO server.
pub struct Sockets {
    io: SocketIo,
    shared: Arc<Shared>,
}

impl Sockets {
    /// Builds the server and its HTTP service, in which polling clients use secret session ids.
    pub fn new<B>(config: Config, chat: Arc<Chat>) -> (Self, impl Endpoint<B>)
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + Debug + 'static,
        B::Error: Debug,
    {
        let session_ids = Arc::new(SessionIds::new(config.connect_timeout));
        let (service, io) = SocketIo::builder()
            .req_path(config.path.trim_end_matches('/').to_owned())
            .ping_interval(config.ping_interval)
            .ping_timeout(config.ping_timeout)
            .connect_timeout(config.connect_timeout)
            .max_payload(config.max_payload_bytes as u64)
            .ws_max_message_size(config.max_payload_bytes)
            .ws_max_frame_size(config.max_payload_bytes)
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .max_buffer_size(config.outbound_packets + UNCOUNTED_PACKETS)
            .with_parser(
                ParserConfig::common()
                    .max_incoming_binaries(MAX_ATTACHMENTS)
                    .max_incoming_binary_buf_size(config.max_payload_bytes)
                    .packet_completion_timeout(ATTACHMENT_TIMEOUT),
            )
            .build_svc();
        let shared = Arc::new(Shared {
            chat,
            config,
            session_ids,
            slow: Slow::start(),
            busy: TaskTracker::new(),
            is_draining: AtomicBool::new(false),
            drain: CancellationToken::new(),
            closed: CancellationToken::new(),
        });
        register(&io, &shared);
        let service = translation::Translate::new(service, &shared);
        (Self { io, shared }, service)
    }

    /// Takes no new events, and waits until those that came before are handled and their writes
    /// answered. The sockets still hear what others do.
    pub async fn drain(&self, limit: Duration) {
        self.shared.is_draining.store(true, Ordering::Release);
        self.shared.drain.cancel();
        self.shared.busy.close();
        if tokio::time::timeout(limit, self.shared.busy.wait())
            .await
            .is_err()
        {
            tracing::warn!("some sockets still had events to handle");
        }
    }

    /// Closes all transports, so that clients see `transport close` and come back by themselves.
    pub async fn close(self, limit: Duration) {
        let part = limit / 2;
        let hung_up = tokio::time::timeout(part, self.hang_up()).await;
        let closed = tokio::time::timeout(part, self.io.close()).await;
        if hung_up.and(closed).is_err() {
            tracing::warn!("some sockets did not close in time");
        }
        self.shared.closed.cancel();
    }

    /// Ends all WebSockets with a close frame, like the Node server. The engine would send a packet
    /// `close` first, after which python-socketio stays away for good.
    async fn hang_up(&self) {
        let mut leaving = Vec::new();
        for socket in self.io.sockets() {
            let links = socket.req_parts().extensions.get::<Arc<Links>>();
            if links.is_some_and(|links| links.hang_up()) {
                leaving.extend(socket.extensions.get::<Gone>());
            }
        }
        for Gone(gone) in leaving {
            gone.cancelled().await;
        }
    }
}

/// The HTTP service of the Socket.IO endpoint.
pub trait Endpoint<B>:
    Service<Request<B>, Response = Response<translation::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<B, S> Endpoint<B> for S where
    S: Service<
            Request<B>,
            Response = Response<translation::Body>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

fn register(io: &SocketIo, shared: &Arc<Shared>) {
    let admit = {
        let shared = Arc::clone(shared);
        async move |socket: SocketRef,
                    TryData(auth): TryData<Handshake>,
                    HttpExtension(links): HttpExtension<Arc<Links>>|
                    -> Result<(), Refusal> {
            handshake::admit(&shared, socket, auth.unwrap_or_default(), links).await
        }
    };
    io.ns("/", dispatch::connected.with(admit));
}
