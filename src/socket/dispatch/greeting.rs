//! What a socket hears first. It is told in time, or the socket is closed: it could not ask for it again.

use tokio::time::{Instant, timeout_at};

use super::{Dispatcher, EVENT_DEADLINE};
use crate::chat::{Dialect, SocketRequest};
use crate::socket::handshake;
use crate::wire::{self, Opening};

impl Dispatcher {
    /// Greets a user who is known from the handshake.
    pub(super) async fn greet(&self) {
        let due = Instant::now() + EVENT_DEADLINE;
        let greet = async {
            let has_moved =
                timeout_at(due, handshake::has_moved(&self.shared, &self.session)).await;
            if has_moved.unwrap_or(true) {
                // It comes back as who its user is now.
                self.session.outbox.close();
            } else if let Some(dialect) = self.session.dialect() {
                self.begin(dialect, true, due).await;
            }
        };
        tokio::select! {
            biased;
            () = greet => {}
            () = self.has_left() => {}
        }
    }

    /// Waits until the socket is gone and has nothing to be handled, so that nobody needs the greeting.
    async fn has_left(&self) {
        self.is_gone().await;
        if !self.queue.is_empty() {
            // What it asked for goes on from there, as ever.
            std::future::pending().await
        }
    }

    /// Takes notice of a user who is known from the handshake, and does what a dialect does for
    /// every socket of it.
    pub(super) async fn begin(&self, dialect: Dialect, at_handshake: bool, due: Instant) {
        let begun = timeout_at(due, self.begin_now(dialect, at_handshake, due)).await;
        if begun.is_err() {
            self.shared.chat.turn_away(&self.session);
        }
    }

    async fn begin_now(&self, dialect: Dialect, at_handshake: bool, due: Instant) {
        let (session, chat) = (&self.session, &self.shared.chat);
        if let Err(error) = chat.welcome(dialect, session.identity()).await {
            tracing::warn!(error.code = error.code(), "a user could not be greeted");
            // It comes back, and is greeted then.
            return session.outbox.close();
        }
        let since = session.take_opening();
        let opening = Opening {
            at_handshake,
            since: since.as_deref(),
        };
        let greeting = wire::vocabulary(dialect).greeting(session, opening);
        if let Some(asked) = greeting {
            let asked = SocketRequest {
                is_greeting: true,
                ..asked
            };
            self.handle(dialect, asked, None, due).await;
        }
    }
}
