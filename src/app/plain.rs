//! Plain WebSockets in front of all routes: they open on any path that is not the Socket.IO one.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::plain::{Config, PlainSockets};
use crate::socket;

/// The section of `plain`: both kinds of sockets have the same limits.
pub fn config(socket: &socket::Config) -> Config {
    Config {
        socket_path: socket.path.clone(),
        ping_interval: socket.ping_interval,
        ping_timeout: socket.ping_timeout,
        max_frame_bytes: socket.max_payload_bytes,
        outbound_frames: socket.outbound_packets,
        outbound_bytes: socket.outbound_bytes,
        dialect: socket.dialect,
    }
}

/// Upgrades a request that wants to become a plain WebSocket; all others go on to the routes.
pub async fn upgrade_or_pass(
    State(sockets): State<PlainSockets>,
    request: Request,
    next: Next,
) -> Response {
    match sockets.wants(&request) {
        true => sockets.upgrade(request.into_parts().0).await.map(Body::new),
        false => next.run(request).await,
    }
}
