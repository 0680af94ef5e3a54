//! Reading: one frame after the other, each handled before the next is read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{DIALECT, End, Ending, Shared, Stream, Vitals};
use crate::chat::{Handled, Session, SocketRequest};
use crate::error::Error;
use crate::wire::chatsphere::frames;
use crate::wire::{self, Asked};

/// How long one frame may take before it is answered with an error.
const FRAME_DEADLINE: Duration = Duration::from_secs(10);

/// The reading side of a socket.
pub(super) struct Frames<'a> {
    pub shared: &'a Shared,
    pub session: &'a Arc<Session>,
    pub ending: &'a Ending,
    pub vitals: &'a Vitals,
}

impl Frames<'_> {
    /// Reads until the socket ends. A frame that was begun is finished.
    pub async fn read(
        self,
        mut stream: SplitStream<Stream>,
        busy: TaskTrackerToken,
    ) -> SplitStream<Stream> {
        loop {
            let frame = tokio::select! {
                biased;
                () = self.ending.has_come.cancelled() => break,
                () = self.shared.drain.cancelled() => break,
                frame = stream.next() => frame,
            };
            self.vitals.hear();
            match frame {
                Some(Ok(Message::Text(text))) => {
                    // What the client says meanwhile waits in its connection.
                    self.vitals.set_deaf(true);
                    self.take(text.as_str()).await;
                    self.vitals.set_deaf(false);
                    self.vitals.hear();
                }
                Some(Ok(Message::Close(_))) => self.ending.set(End::ByClient),
                // Binary frames mean nothing, and pings are answered below.
                Some(Ok(_)) => {}
                Some(Err(error)) => self.ending.set(end_after(&error)),
                None => self.ending.set(End::Cut),
            }
        }
        self.vitals.set_deaf(true);
        self.shared.chat.wait_for_writes(self.session).await;
        drop(busy);
        // A server that stops takes no more frames, but this socket still listens.
        self.ending.has_come.cancelled().await;
        stream
    }

    async fn take(&self, text: &str) {
        let Some((word, frame)) = frames::read(text) else {
            return;
        };
        let work = AssertUnwindSafe(self.dispatch(&word, frame)).catch_unwind();
        let error = match tokio::time::timeout(FRAME_DEADLINE, work).await {
            Ok(Ok(())) => return,
            Ok(Err(_)) => {
                tracing::error!("handling a frame panicked");
                Error::Internal
            }
            Err(_) => {
                tracing::warn!("handling a frame took too long");
                Error::busy()
            }
        };
        // The answer that events waited for does not come any more.
        self.session.release(&[]);
        self.tell(&word, &Err(error));
    }

    async fn dispatch(&self, word: &str, frame: &RawValue) {
        match wire::vocabulary(DIALECT).parse(word, &[frame], self.session) {
            Ok(asked) => self.handle(asked).await,
            Err(error) => {
                // Answers stay in order: a refusal waits for the writes before it.
                self.shared.chat.wait_for_writes(self.session).await;
                self.tell(word, &Err(error));
            }
        }
    }

    async fn handle(&self, asked: SocketRequest) {
        let (word, chat) = (asked.word, &self.shared.chat);
        let handled = chat.handle(self.session, asked, None).await;
        let Handled::Now { outcome, then, .. } = handled else {
            return;
        };
        if let Err(error @ (Error::Internal | Error::Unavailable { .. })) = &outcome {
            tracing::warn!(event.name = word, error.code = error.code(), "frame failed");
        }
        self.tell(word, &outcome);
        for event in then {
            chat.publish(event).await;
        }
    }

    fn tell(&self, word: &str, outcome: &crate::error::Result<crate::chat::Reply>) {
        let asked = Asked {
            word,
            echo: None,
            session: self.session,
        };
        let answer = wire::vocabulary(DIALECT).answer(&asked, outcome);
        for frame in &answer.events {
            self.session.outbox.emit(frame.name, &frame.body);
        }
    }
}

/// What a client is told that breaks the rules (RFC 6455, section 7.4.1).
fn end_after(error: &tungstenite::Error) -> End {
    match error {
        tungstenite::Error::Capacity(_) => End::Told(CloseCode::Size),
        tungstenite::Error::Utf8(_) => End::Told(CloseCode::Invalid),
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Cut,
        tungstenite::Error::Protocol(_) => End::Told(CloseCode::Protocol),
        _ => End::Cut,
    }
}
