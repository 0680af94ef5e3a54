//! The way to one client, through socketioxide's queue.

use std::sync::Arc;

use serde_json::value::RawValue;
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError};

use super::links::Links;
use crate::chat::Outbox;

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
            self.check(self.socket.emit(event, &(body,)));
        }
    }

    fn close(&self) {
        self.links.kill();
    }
}

/// Answers an event; an answer that finds no room closes the client like any other packet does.
pub fn acknowledge(ack: socketioxide::extract::AckSender, links: &Links, body: &RawValue) {
    if let Err(SendError::Socket(SocketError::InternalChannelFull)) = ack.send(&(body,)) {
        tracing::info!("a client is too slow, its connection is reset");
        links.kill();
    }
}
