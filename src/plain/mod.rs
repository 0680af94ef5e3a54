//! The plain WebSocket surface: JSON frames without Socket.IO, on the port and the paths of
//! everything else. It speaks one dialect, the one that was made for it.
//!
//! One task per socket reads a frame only when the one before is handled, so a flooding client
//! feels TCP, and writes from a bounded queue; a client that cannot take more is closed.

mod admission;
mod connection;
mod outbox;
mod upgrades;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addresses::ClientAddress;
use crate::chat::{Chat, Dialect, as_client};
use crate::headers::{accept_websocket, query};
use admission::Admitted;
use connection::Connection;

/// What these sockets speak.
const DIALECT: Dialect = Dialect::Chatsphere;

/// How plain WebSockets behave.
#[derive(Debug, Clone)]
pub struct Config {
    /// Path of the Socket.IO endpoint, which has WebSockets of its own.
    pub socket_path: String,
    /// Time between two pings.
    pub ping_interval: Duration,
    /// Time for the pong, and for one write.
    pub ping_timeout: Duration,
    /// Largest frame and message.
    pub max_frame_bytes: usize,
    /// Frames that may wait for a client; one more and the client is closed.
    pub outbound_frames: usize,
    /// Bytes that may wait for a client, and one frame more.
    pub outbound_bytes: usize,
    /// The dialect of the whole server; `None` lets each socket decide.
    pub dialect: Option<Dialect>,
}

/// What all sockets share.
struct Shared {
    chat: Arc<Chat>,
    config: Config,
    /// Sockets, until their connections have ended.
    connections: TaskTracker,
    /// Sockets that may have something to handle.
    busy: TaskTracker,
    /// Fires when no new frames are taken.
    drain: CancellationToken,
    /// Fires when clients are sent away.
    closed: CancellationToken,
}

/// All plain WebSockets.
#[derive(Clone)]
pub struct PlainSockets {
    shared: Arc<Shared>,
}

/// What an upgrade is answered with.
pub type Body = Full<Bytes>;

impl PlainSockets {
    /// Prepares the surface.
    pub fn new(config: Config, chat: Arc<Chat>) -> Self {
        Self {
            shared: Arc::new(Shared {
                chat,
                config,
                connections: TaskTracker::new(),
                busy: TaskTracker::new(),
                drain: CancellationToken::new(),
                closed: CancellationToken::new(),
            }),
        }
    }

    /// Whether a request wants to become a plain WebSocket. Where the whole server speaks another
    /// dialect there are none, unless the request names this one.
    pub fn wants<B>(&self, request: &Request<B>) -> bool {
        let config = &self.shared.config;
        let path = config.socket_path.trim_end_matches('/');
        let rest = request.uri().path().strip_prefix(path);
        let is_socket_io = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_named = query(request.uri(), "dialect").is_some();
        let speaks = is_named || config.dialect.is_none_or(|dialect| dialect == DIALECT);
        !is_socket_io && speaks && upgrades::is_upgrade(request)
    }

    /// Answers a request that [`PlainSockets::wants`] to become a WebSocket, and serves it.
    pub async fn upgrade(&self, mut request: Parts) -> Response<Body> {
        let upgrade = request.extensions.remove::<OnUpgrade>();
        let accepted = accept_websocket(&request.headers).zip(upgrade);
        let Some((response, upgrade)) = accepted else {
            return upgrades::refuse(http::StatusCode::BAD_REQUEST, "Bad request");
        };
        let address = request.extensions.get::<ClientAddress>();
        let client = self.shared.chat.limits.client(address.map(|it| it.0));
        match admission::admit_in_time(&self.shared, &request, client).await {
            Ok(admitted) => {
                self.serve(upgrade, admitted);
                response.map(|()| Body::default())
            }
            Err(refusal) => refusal.into_response(),
        }
    }

    fn serve(&self, upgrade: OnUpgrade, admitted: Admitted) {
        let shared = Arc::clone(&self.shared);
        let busy = shared.busy.token();
        // It ends with its socket; `PlainSockets::drain` and `close` wait for it.
        self.shared.connections.spawn(async move {
            // A client that is gone before the upgrade is complete was never there.
            if let Ok(upgraded) = upgrade.await {
                let client = admitted.client.clone();
                let connection = Connection::open(shared, upgraded, admitted, busy).await;
                as_client(&client, Box::pin(connection.run())).await;
            }
        });
    }

    /// Takes no new frames, and waits until those that came before are handled and their writes
    /// answered. The sockets still hear what others do.
    pub async fn drain(&self, limit: Duration) {
        self.shared.drain.cancel();
        self.shared.busy.close();
        let waited = tokio::time::timeout(limit, self.shared.busy.wait());
        if waited.await.is_err() {
            tracing::warn!("some plain sockets still had frames to handle");
        }
    }

    /// Closes all sockets with a code that makes their clients come back.
    pub async fn close(&self, limit: Duration) {
        self.shared.closed.cancel();
        self.shared.connections.close();
        let waited = tokio::time::timeout(limit, self.shared.connections.wait());
        if waited.await.is_err() {
            tracing::warn!("some plain sockets did not close in time");
        }
    }
}
