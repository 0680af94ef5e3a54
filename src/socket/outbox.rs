//! The way to one client, through socketioxide's queue.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::value::RawValue;
use socketioxide::extract::SocketRef;
use socketioxide::{BroadcastError, SendError, SocketError, TransportType};

use super::links::Links;
use super::slow::Slow;
use crate::chat::{Broadcast, Outbox, Reach};

/// What is around the name and the body of an event: `42["` and `",` and `]`.
const EVENT_BYTES: usize = 7;
/// What is around the body of an answer, at least: `43` and `[` and `]`; its number is not known here.
const ANSWER_BYTES: usize = 4;
/// How long a client that is thrown out has to hear of it, also one that is just moving to a WebSocket.
const FAREWELL_TIME: Duration = Duration::from_millis(700);
/// How long it has if its connection takes nothing.
const STUCK_FAREWELL_TIME: Duration = Duration::from_millis(300);

/// Sends to one socket until it misses a packet; then the connection is reset, because a client
/// must not hear of later events when it missed one.
pub struct SocketOutbox {
    socket: SocketRef,
    /// Where it is alone.
    room: String,
    links: Arc<Links>,
    slow: Slow,
}

impl SocketOutbox {
    pub fn new(socket: SocketRef, links: Arc<Links>, slow: Slow) -> Self {
        let room = socket.id.to_string();
        socket.join(room.clone());
        Self {
            socket,
            room,
            links,
            slow,
        }
    }

    /// Counts an event, and closes the client if more waits for it than may. Whether it is to get it.
    fn admit(&self, event: &str, body: &RawValue) -> bool {
        if !self.links.takes_more() {
            return false;
        }
        let n_bytes = EVENT_BYTES + event.len() + body.get().len();
        let has_room = self.links.note_sent(n_bytes);
        if !has_room {
            self.slow.close(&self.links);
        }
        has_room
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
        if self.admit(event, body) {
            self.check(self.socket.emit(event, &(body,)));
        }
    }

    fn join(&self, event: &str, body: &RawValue, broadcast: &mut Broadcast) {
        if self.links.is_borrowed {
            // How much waits for it is not counted.
            return self.emit(event, body);
        }
        // To whom the namespace is not confirmed yet, nothing may be said.
        if self.socket.connected() && self.admit(event, body) {
            broadcast.add(&self.room, || Room(self.socket.clone()));
        }
    }

    fn is_open(&self) -> bool {
        self.links.takes_more() && self.socket.connected()
    }

    fn close(&self) {
        self.links.kill();
        if self.links.is_borrowed {
            // The one way left; a full queue ends with the next missed ping.
            let _ = self.socket.clone().disconnect();
        }
    }

    fn is_behind(&self) -> bool {
        self.links.is_stuck() || self.links.is_slow()
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
        // It ends by itself.
        tokio::spawn(end_in_time(Arc::clone(&self.links)));
    }
}

/// Ends a session that is told so, when the packet has had its time to arrive.
async fn end_in_time(links: Arc<Links>) {
    tokio::time::sleep(STUCK_FAREWELL_TIME).await;
    if !links.is_stuck() {
        tokio::time::sleep(FAREWELL_TIME - STUCK_FAREWELL_TIME).await;
    }
    links.kill();
}

/// The way to many sockets at once: the event is written once, and they share it.
struct Room(SocketRef);

impl Reach for Room {
    fn emit(&self, event: &str, body: &RawValue, rooms: Vec<String>) {
        if rooms.len() == 1 {
            // It is this socket's own.
            return self.emit_alone(event, body);
        }
        // On one node nothing has to be waited for.
        let body = (body,);
        let emitting = self.0.within(rooms).emit(event, &body);
        match emitting.now_or_never() {
            Some(Ok(())) => {}
            Some(Err(BroadcastError::Socket(errors))) => {
                let is_full = |error: &_| matches!(error, SocketError::InternalChannelFull);
                if errors.iter().any(is_full) {
                    self.close_slow();
                }
            }
            failed => tracing::error!(?failed, "an event could not be written"),
        }
    }
}

impl Room {
    fn emit_alone(&self, event: &str, body: &RawValue) {
        match self.0.emit(event, &(body,)) {
            Ok(()) | Err(SendError::Socket(SocketError::Closed)) => {}
            Err(error) => {
                tracing::error!(%error, "a queue was full before its time, or an event could not be written");
                // It must not hear of later events when it missed one.
                if let Some(links) = self.0.req_parts().extensions.get::<Arc<Links>>() {
                    links.kill();
                }
            }
        }
    }

    /// Some queue was full, against all counts, and nobody says whose: clients must not hear of later
    /// events when they missed one, and those that are slow come back.
    fn close_slow(&self) {
        tracing::error!("a queue was full before its time");
        let others = self.0.broadcast().sockets();
        for socket in others.iter().chain([&self.0]) {
            let links = socket.req_parts().extensions.get::<Arc<Links>>();
            if let Some(links) = links.filter(|links| links.is_slow()) {
                links.kill();
            }
        }
    }
}

/// Answers an event; an answer that finds no room closes the client like any other packet does.
pub fn acknowledge(ack: socketioxide::extract::AckSender, links: &Links, body: &RawValue) {
    // An answer was asked for; that more waits than may shows with the next event.
    let _ = links.note_sent(ANSWER_BYTES + body.get().len());
    if let Err(SendError::Socket(SocketError::InternalChannelFull)) = ack.send(&(body,)) {
        tracing::info!("a client is too slow, its connection is reset");
        links.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::chat::{Backlog, Client};
    use crate::socket::links::Peer;

    #[tokio::test(start_paused = true)]
    async fn who_is_thrown_out_has_time_to_hear_of_it_unless_stuck() {
        for is_stuck in [false, true] {
            let peer = Peer::new(([127, 0, 0, 1], 1).into());
            peer.is_stuck.store(is_stuck, Ordering::Relaxed);
            let backlog = Backlog::new(10, 1_000);
            let links = Links::new(Some(peer), Client::unlimited(), None, true, backlog);
            let links = Arc::new(links);
            tokio::spawn(end_in_time(Arc::clone(&links)));
            tokio::time::sleep(STUCK_FAREWELL_TIME * 2).await;
            assert_eq!(links.is_killed(), is_stuck);
            tokio::time::sleep(FAREWELL_TIME).await;
            assert!(links.is_killed());
        }
    }
}
