//! Serving HTTP on accepted connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::Config;
use super::connection::Connection;
use super::listener::{self, Listener};
use crate::chat::Chat;
use crate::socket::Peer;

/// All connections of the server.
pub struct Connections {
    accepting: CancellationToken,
    finishing: CancellationToken,
    /// What serves HTTP, which ends where a WebSocket begins.
    tracker: TaskTracker,
    /// The connections themselves.
    open: TaskTracker,
}

impl Connections {
    /// Starts to accept and to serve.
    pub fn serve(listener: Listener, router: Router, config: &Config, chat: &Arc<Chat>) -> Self {
        let connections = Self {
            accepting: CancellationToken::new(),
            finishing: CancellationToken::new(),
            tracker: TaskTracker::new(),
            open: TaskTracker::new(),
        };
        for socket in listener.into_sockets() {
            let server = Server {
                router: router.clone(),
                chat: Arc::clone(chat),
                header_timeout: config.header_timeout,
                write_timeout: config.write_timeout,
                finishing: connections.finishing.clone(),
                tracker: connections.tracker.clone(),
                open: connections.open.clone(),
            };
            let accepting = connections.accepting.clone();
            connections
                .tracker
                .spawn(accepting.run_until_cancelled_owned(server.accept(socket)));
        }
        connections
    }

    /// Takes no new connections; the port is free from now on.
    pub fn stop_accepting(&self) {
        self.accepting.cancel();
    }

    /// Idle connections end, and the others with the answer they are working on. Long-polls and
    /// WebSockets go on until their transports are closed.
    pub async fn finish_requests(&self, limit: Duration) {
        self.finishing.cancel();
        self.tracker.close();
        // Long-polls do not end by themselves, so this is a chance, not a wait for all.
        let _ = tokio::time::timeout(limit.min(FINISH_TIME), self.tracker.wait()).await;
    }

    /// Waits for the connections whose transports were closed, so that their last words get out.
    pub async fn close(self) {
        self.open.close();
        if tokio::time::timeout(CLOSE_TIME, self.open.wait())
            .await
            .is_err()
        {
            tracing::debug!(n_connections = self.open.len(), "connections were cut");
        }
    }
}

/// Time for requests that are being answered.
const FINISH_TIME: Duration = Duration::from_millis(500);

/// Time for WebSockets to say that they end.
const CLOSE_TIME: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Server {
    router: Router,
    chat: Arc<Chat>,
    header_timeout: Duration,
    write_timeout: Duration,
    finishing: CancellationToken,
    tracker: TaskTracker,
    open: TaskTracker,
}

impl Server {
    async fn accept(self, socket: TcpListener) {
        loop {
            let (connection, peer) = {
                let limits = &self.chat.limits;
                listener::accept(&socket, self.write_timeout, limits, &self.open).await
            };
            self.tracker.spawn(self.clone().serve(connection, peer));
        }
    }

    async fn serve(self, connection: Connection, peer: Peer) {
        let (router, upgraded) = (self.router, connection.upgraded());
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            let extensions = request.extensions_mut();
            extensions.insert(ConnectInfo(peer.address));
            extensions.insert(peer.clone());
            let answered = router.clone().oneshot(request);
            let upgraded = upgraded.clone();
            async move {
                let response = answered.await.unwrap_or_else(|never| match never {});
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    upgraded.set();
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout);
        let connection = builder
            .serve_connection(TokioIo::new(connection), service)
            .with_upgrades();
        tokio::pin!(connection);
        // A connection that ends in an error was the client's: nothing to say about it here.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = self.finishing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}
