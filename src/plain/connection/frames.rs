//! Reading: one frame after the other, each handled before the next is read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{DIALECT, End, Ending, Shared, Stream, Vitals};
use crate::chat::{EventBudget, Handled, Reply, Session, SocketRequest, Verdict};
use crate::error::{Error, Result};
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
    /// What the client may still send, if that is limited.
    pub budget: Option<EventBudget>,
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
                () = self.session.overdue() => {
                    self.answer_overdue();
                    continue;
                }
            };
            self.vitals.hear();
            match frame {
                // Who was thrown out may not do any more what it asked for before.
                Some(Ok(_)) if self.session.has_lost_rights() => {}
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
        let written = self.shared.chat.wait_for_writes(self.session);
        let answer_overdue = || self.answer_overdue();
        self.session
            .answering_overdue(written, answer_overdue)
            .await;
        drop(busy);
        // A server that stops takes no more frames, but this socket still listens.
        self.ending.has_come.cancelled().await;
        stream
    }

    async fn take(&self, text: &str) {
        let verdict = self.budget.as_ref().map(|budget| budget.judge(text.len()));
        if verdict == Some(Verdict::Flooding) {
            tracing::info!("a client goes on with what was refused, it is sent away");
            return self.ending.set(End::Told(CloseCode::Policy));
        }
        let Some((word, frame)) = frames::read(text) else {
            return;
        };
        if let Some(Verdict::Refused(error)) = verdict {
            return self.tell(&word, None, &Err(error));
        }
        let n_awaited = self.session.n_awaited();
        let due = Instant::now() + FRAME_DEADLINE;
        let work = AssertUnwindSafe(Box::pin(self.dispatch(&word, frame, due))).catch_unwind();
        let work = tokio::time::timeout_at(due, work);
        let answer_overdue = || self.answer_overdue();
        let worked = self.session.answering_overdue(work, answer_overdue);
        let error = match worked.await {
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
        self.session.let_go();
        // What was asked before is answered before.
        self.answer_overdue();
        if self.session.n_awaited() == n_awaited {
            self.tell(&word, None, &Err(error));
        }
    }

    /// Tells the client to ask again where nobody knows what becomes of what it asked.
    fn answer_overdue(&self) {
        for awaited in self.session.take_overdue() {
            if awaited.is_waited_for {
                self.session.let_go();
            }
            let echo = awaited.echo.as_deref();
            self.tell(awaited.word, echo, &Err(Error::busy()));
        }
    }

    async fn dispatch(&self, word: &str, frame: &RawValue, due: Instant) {
        match wire::vocabulary(DIALECT).parse(word, &[frame], self.session) {
            Ok(asked) => self.handle(asked, due).await,
            Err(error) => {
                // Answers stay in order: a refusal waits for the writes before it.
                self.shared.chat.wait_for_writes(self.session).await;
                self.tell(word, None, &Err(error));
            }
        }
    }

    async fn handle(&self, asked: SocketRequest, due: Instant) {
        let (word, chat) = (asked.word, &self.shared.chat);
        let handled = chat.handle(self.session, asked, None, due).await;
        let Handled::Now { outcome, then, .. } = handled else {
            return;
        };
        if let Err(error @ (Error::Internal | Error::Unavailable { .. })) = &outcome {
            tracing::warn!(event.name = word, error.code = error.code(), "frame failed");
        }
        self.tell(word, None, &outcome);
        for event in then {
            chat.publish(event).await;
        }
    }

    fn tell(&self, word: &str, echo: Option<&RawValue>, outcome: &Result<Reply>) {
        let asked = Asked {
            word,
            echo,
            session: self.session,
            wants_ack: false,
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
