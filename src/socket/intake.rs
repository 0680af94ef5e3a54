//! Taking events in: on the connection's reader, in wire order, into the queue of one socket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use serde_json::value::RawValue;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::{FromMessageParts, MessageHandler, Value};
use socketioxide::socket::Socket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::links::Links;
use super::outbox::acknowledge;
use crate::chat::{EventBudget, Session, Verdict};
use crate::error::Error;
use crate::wire::{self, Answer, Asked};

/// Bytes of events that may wait for one socket's dispatcher: several polling bodies of ordinary
/// events, which come in at once.
const MAX_QUEUED_BYTES: usize = 8_000_000;
/// The connection is not read while more than that waits.
pub(super) const PAUSE_BYTES: usize = 128 * 1_024;
/// What an event costs in memory besides its text, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 160;

/// An event as it came in.
pub(super) struct Incoming {
    pub payload: Value,
    pub ack: AckSender,
    pub wants_ack: bool,
    pub n_bytes: usize,
    pub came_at: Instant,
    /// Why it is not done, where its client could not be told at once.
    pub refused: Option<Error>,
}

/// Called on the connection's reader, in wire order. It must neither block nor panic.
pub(super) struct Intake {
    pub queue: mpsc::UnboundedSender<Box<Incoming>>,
    /// Bytes in the queue, which is bounded by them.
    pub n_queued: Arc<AtomicUsize>,
    pub shared: Arc<Shared>,
    /// Weak, because the session holds the socket, and the socket this.
    pub session: Weak<Session>,
    pub links: Arc<Links>,
    /// Fires when the client has left the namespace: what it sends after that is nobody's.
    pub gone: CancellationToken,
    /// What the socket may still send, if that is limited.
    pub budget: Option<EventBudget>,
}

/// Marks [`Intake`] as a message handler.
pub(super) struct ByIntake;

impl MessageHandler<LocalAdapter, ByIntake> for Intake {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, mut payload: Value, ack_id: Option<i64>) {
        if self.gone.is_cancelled() {
            return;
        }
        let Ok(ack) = AckSender::from_message_parts(&socket, &mut payload, &ack_id);
        let n_bytes = payload.as_str().map_or(0, |text| text.len()) + EVENT_OVERHEAD_BYTES;
        let mut incoming = Incoming {
            payload,
            ack,
            wants_ack: ack_id.is_some(),
            n_bytes,
            came_at: Instant::now(),
            refused: None,
        };
        if self.shared.is_draining.load(Ordering::Acquire) {
            return self.refuse(incoming, Error::busy());
        }
        match self.budget.as_ref().map(|budget| budget.judge(n_bytes)) {
            None | Some(Verdict::Accepted) => {}
            // Events are not sent before CONNECT is answered, and a client may be that fast.
            Some(Verdict::Refused(error)) if !socket.connected() => incoming.refused = Some(error),
            Some(Verdict::Refused(error)) => return self.refuse(incoming, error),
            Some(Verdict::Flooding) => {
                tracing::info!("a client goes on with what was refused, its connection is reset");
                return self.links.kill();
            }
        }
        let n_queued = self.n_queued.load(Ordering::Acquire) + n_bytes;
        if n_queued > MAX_QUEUED_BYTES {
            let retry_after_ms = 1_000;
            return self.refuse(incoming, Error::RateLimited { retry_after_ms });
        }
        self.n_queued.fetch_add(n_bytes, Ordering::AcqRel);
        if n_queued > PAUSE_BYTES {
            self.links.pause_reading();
        }
        if let Err(mpsc::error::SendError(incoming)) = self.queue.send(Box::new(incoming)) {
            self.refuse(*incoming, Error::busy());
        }
    }
}

impl Intake {
    /// Answers at once, in the words of the dialect.
    fn refuse(&self, incoming: Incoming, error: Error) {
        let Some(session) = self.session.upgrade() else {
            return;
        };
        refuse(&session, &self.links, incoming, error);
    }
}

/// Tells a client that what it asked is not done.
pub(super) fn refuse(session: &Session, links: &Links, incoming: Incoming, error: Error) {
    let answer = refusal(session, &incoming.payload, error);
    tell(session, &answer);
    if let Some(body) = answer.ack.filter(|_| incoming.wants_ack) {
        acknowledge(incoming.ack, links, &body);
    }
}

/// What a client hears when an event could not be handled at all.
pub(super) fn refusal(session: &Session, payload: &Value, error: Error) -> Answer {
    let plain = |error: &Error| Answer {
        events: Vec::new(),
        ack: Some(wire::refusal(error, &error.to_string())),
    };
    let (Some(dialect), Some((event, arguments))) = (session.dialect(), split(payload)) else {
        return plain(&error);
    };
    let vocabulary = wire::vocabulary(dialect);
    let echo = vocabulary.echo(&event, &arguments);
    let asked = Asked {
        word: &event,
        echo: echo.as_deref(),
        session,
        wants_ack: true,
    };
    vocabulary.answer(&asked, &Err(error))
}

pub(super) fn tell(session: &Session, answer: &Answer) {
    for frame in &answer.events {
        session.outbox.emit(frame.name, &frame.body);
    }
}

/// Splits `["event", argument, ...]`. No word takes binary data, and its place holders must not
/// pass for it: an event that has any loses its arguments.
pub(super) fn split(payload: &Value) -> Option<(String, Vec<&RawValue>)> {
    let Value::Str(text, attachments) = payload else {
        return None;
    };
    let mut parts: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    if parts.is_empty() {
        return None;
    }
    let event = serde_json::from_str(parts.remove(0).get()).ok()?;
    if attachments.is_some() {
        parts.clear();
    }
    Some((event, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_split_into_its_name_and_its_arguments() {
        let payload = Value::Str(r#"["typing",{"a":1},2]"#.into(), None);
        let (event, arguments) = split(&payload).unwrap();
        assert_eq!((event.as_str(), arguments.len()), ("typing", 2));
        for text in ["[]", "{}", "[1]", "[\"x\"", ""] {
            assert!(split(&Value::Str(text.into(), None)).is_none(), "{text}");
        }
    }
}
