//! The way to one client, through socketioxide's queue.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError, TransportType};

use super::links::Links;
use crate::chat::Outbox;

/// How long a client that is thrown out has to hear of it.
const FAREWELL_TIME: Duration = Duration::from_millis(500);

/// Sends to one socket until it misses a packet; then the connection is reset, because a client
/// must not hear of later events when it missed one.
pub struct SocketOutbox {
    socket: SocketRef,
    links: Arc<Links>,
}

impl SocketOutbox {
    pub fn new(socket: SocketRef, links: Arc<Links>) -> Self {
        Self { socket, links }
    }

    /// Closes the client if more waits for it than may.
    fn count(&self, n_bytes: usize) {
        if !self.links.note_sent(n_bytes) {
            tracing::info!("too much waits for a client, its connection is reset");
            self.close();
        }
    }

    fn check(&self, sent: Result<(), SendError>) {
        match sent {
            Ok(()) | Err(SendError::Socket(SocketError::Closed)) => {}
            Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                tracing::info!("a client is too slow, its connection is reset");
                self.close();
            }
            Err(SendError::Serialize(_)) => {
                tracing::error!("an event could not be written");
                self.close();
            }
        }
    }
}

impl Outbox for SocketOutbox {
    fn emit(&self, event: &str, body: &RawValue) {
        if !self.links.is_killed() {
            self.count(event.len() + body.get().len());
            self.check(self.socket.emit(event, &(body,)));
        }
    }

    fn close(&self) {
        self.links.kill();
        if self.links.is_borrowed {
            // The one way left; a full queue ends with the next missed ping.
            let _ = self.socket.clone().disconnect();
        }
    }

    /// How full the queue is, only the engine knows; it fills when the connection takes nothing. A
    /// client that polls is not known to be behind.
    fn is_behind(&self) -> bool {
        self.links.is_stuck()
    }

    fn transport(&self) -> &'static str {
        match self.socket.transport_type() {
            TransportType::Websocket => "websocket",
            TransportType::Polling => "polling",
        }
    }

    fn expel(&self) {
        if self.socket.clone().disconnect().is_err() {
            return self.links.kill();
        }
        let links = Arc::clone(&self.links);
        // It ends by itself: the packet gets a moment to arrive, a stuck client gets no more.
        tokio::spawn(async move {
            tokio::time::sleep(FAREWELL_TIME).await;
            links.kill();
        });
    }
}

/// Answers an event; an answer that finds no room closes the client like any other packet does.
pub fn acknowledge(ack: socketioxide::extract::AckSender, links: &Links, body: &RawValue) {
    // An answer was asked for; that more waits than may shows with the next event.
    let _ = links.note_sent(body.get().len());
    if let Err(SendError::Socket(SocketError::InternalChannelFull)) = ack.send(&(body,)) {
        tracing::info!("a client is too slow, its connection is reset");
        links.kill();
    }
}
