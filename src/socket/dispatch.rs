//! One dispatcher per socket. socketioxide would run every handler in a task of its own, in no
//! order; here the reader puts events into a queue as they come, and one task works through it.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::value::RawValue;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, Extension, SocketRef};
use socketioxide::handler::{FromMessageParts, MessageHandler, Value};
use socketioxide::socket::Socket;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::links::Links;
use super::outbox::acknowledge;
use crate::chat::{Ack, Request, Session, SocketRequest};
use crate::error::Error;
use crate::wire;

/// Bytes of events that may wait for one socket's dispatcher. More than one polling body can hold,
/// since a body comes in at once.
const MAX_QUEUED_BYTES: usize = 8_000_000;
/// The connection is not read while more than that waits.
const PAUSE_BYTES: usize = 128 * 1_024;
/// What an event costs in memory besides its text, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 160;
/// How long one event may take before it is answered with an error.
const EVENT_DEADLINE: Duration = Duration::from_secs(10);

/// Runs after the client was told that it is connected: events may be answered from now on.
pub(super) async fn connected(Extension(started): Extension<Arc<Notify>>) {
    started.notify_one();
}

/// An event as it came in.
struct Incoming {
    payload: Value,
    ack: AckSender,
    wants_ack: bool,
    n_bytes: usize,
}

/// Called on the connection's reader, in wire order. It must neither block nor panic.
struct Intake {
    queue: mpsc::UnboundedSender<Incoming>,
    /// Bytes in the queue, which is bounded by them.
    n_queued: Arc<AtomicUsize>,
    shared: Arc<Shared>,
    links: Arc<Links>,
}

/// Marks [`Intake`] as a message handler.
struct ByIntake;

impl MessageHandler<LocalAdapter, ByIntake> for Intake {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, mut payload: Value, ack_id: Option<i64>) {
        let Ok(ack) = AckSender::from_message_parts(&socket, &mut payload, &ack_id);
        let n_bytes = payload.as_str().map_or(0, |text| text.len()) + EVENT_OVERHEAD_BYTES;
        let n_queued = self.n_queued.fetch_add(n_bytes, Ordering::AcqRel) + n_bytes;
        if n_queued > MAX_QUEUED_BYTES {
            let error = Error::RateLimited {
                retry_after_ms: 1_000,
            };
            return self.refuse(ack, n_bytes, &error);
        }
        if n_queued > PAUSE_BYTES {
            self.links.set_reading(false);
        }
        let incoming = Incoming {
            payload,
            ack,
            wants_ack: ack_id.is_some(),
            n_bytes,
        };
        if self.shared.is_draining.load(Ordering::Acquire) {
            return self.refuse(incoming.ack, n_bytes, &Error::busy());
        }
        if let Err(mpsc::error::SendError(incoming)) = self.queue.send(incoming) {
            self.refuse(incoming.ack, n_bytes, &Error::busy());
        }
    }
}

impl Intake {
    fn refuse(&self, ack: AckSender, n_bytes: usize, error: &Error) {
        self.n_queued.fetch_sub(n_bytes, Ordering::AcqRel);
        let body = wire::refusal(error, &error.to_string());
        acknowledge(ack, &self.links, &body);
    }
}

/// Works through the events of one socket.
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    session: Arc<Session>,
    links: Arc<Links>,
    queue: mpsc::UnboundedReceiver<Incoming>,
    n_queued: Arc<AtomicUsize>,
    started: Arc<Notify>,
    gone: CancellationToken,
}

impl Dispatcher {
    /// Registers the intake on a socket and starts its dispatcher. Must run before CONNECT is
    /// answered.
    pub(super) fn start(
        shared: &Arc<Shared>,
        socket: &SocketRef,
        session: Arc<Session>,
        links: Arc<Links>,
    ) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let dispatcher = Self {
            shared: Arc::clone(shared),
            session,
            links: Arc::clone(&links),
            queue: receiver,
            n_queued: Arc::default(),
            started: Arc::default(),
            gone: CancellationToken::new(),
        };
        socket.on_fallback(Intake {
            queue,
            n_queued: Arc::clone(&dispatcher.n_queued),
            shared: Arc::clone(shared),
            links,
        });
        // Nothing here can fail or panic: a disconnect handler that does leaks the socket.
        let gone = dispatcher.gone.clone();
        socket.on_disconnect(move || {
            gone.cancel();
            std::future::ready(())
        });
        socket.extensions.insert(Arc::clone(&dispatcher.started));
        shared.links.keep(&dispatcher.session.socket_id);
        shared.dispatchers.spawn(dispatcher.run());
    }

    async fn run(mut self) {
        if self.is_connected().await {
            self.greet().await;
            self.work().await;
        }
        self.shared.chat.forget(&self.session).await;
        self.shared.links.end(&self.session.socket_id);
        tracing::debug!("socket gone");
    }

    /// Waits until the client was told that it is connected; `false` when that never happens.
    async fn is_connected(&self) -> bool {
        tokio::select! {
            () = self.started.notified() => true,
            () = self.gone.cancelled() => false,
            () = tokio::time::sleep(self.shared.config.connect_timeout) => false,
        }
    }

    /// A dialect that is fixed at the handshake greets a user who is known from it.
    async fn greet(&mut self) {
        let (Some(_), Some(user)) = (self.session.dialect(), self.session.identity.user.clone())
        else {
            return;
        };
        let asked = SocketRequest {
            request: Request::JoinUser { user },
            echo: None,
        };
        self.handle("join_user_room", asked, None).await;
    }

    async fn work(&mut self) {
        loop {
            tokio::select! {
                biased;
                incoming = self.queue.recv() => match incoming {
                    Some(incoming) => self.take(incoming).await,
                    None => return,
                },
                // What came in before is still handled: a client may send and leave.
                () = self.gone.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                () = self.shared.drain.cancelled(), if !self.queue.is_closed() => self.queue.close(),
            }
        }
    }

    async fn take(&mut self, incoming: Incoming) {
        let ack = Arc::new(Mutex::new(incoming.wants_ack.then_some(incoming.ack)));
        let work = self.dispatch(&incoming.payload, &ack);
        let guarded = AssertUnwindSafe(work).catch_unwind();
        let error = match tokio::time::timeout(EVENT_DEADLINE, guarded).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => {
                tracing::error!("handling an event panicked");
                Some(Error::Internal)
            }
            Err(_) => {
                tracing::warn!("handling an event took too long");
                Some(Error::busy())
            }
        };
        if let Some(error) = error {
            let body = wire::refusal(&error, &error.to_string());
            answer_once(&ack, &self.links, &body);
        }
        let n_queued = self.n_queued.fetch_sub(incoming.n_bytes, Ordering::AcqRel);
        if n_queued - incoming.n_bytes <= PAUSE_BYTES / 2 {
            self.links.set_reading(true);
        }
    }

    async fn dispatch(&self, payload: &Value, slot: &AckSlot) {
        let ack = self.ack(slot);
        let Some((event, mut arguments)) = payload.as_str().and_then(|text| split(text)) else {
            let error = Error::InvalidPayload("Invalid payload");
            return give(ack, &wire::refusal(&error, &error.to_string()));
        };
        let dialect = match self.session.dialect() {
            Some(dialect) => dialect,
            None => match wire::infer(&event, &arguments) {
                Some(dialect) => {
                    self.shared.chat.sessions.decide(&self.session, dialect);
                    dialect
                }
                None => {
                    let error = Error::unknown_event(&event);
                    return give(ack, &wire::refusal(&error, &error.to_string()));
                }
            },
        };
        if matches!(payload, Value::Str(_, Some(_))) {
            // No word takes binary data, and its place holders must not pass for it.
            arguments.clear();
        }
        match wire::parse(dialect, &event, &arguments) {
            Ok(asked) => self.handle(&event, asked, ack).await,
            Err(refused) => {
                self.session_is_idle().await;
                let answer = wire::answer(
                    dialect,
                    &event,
                    refused.echo.as_deref(),
                    &Err(refused.error),
                    &self.session.socket_id,
                );
                self.tell(answer, ack);
            }
        }
    }

    async fn handle(&self, event: &str, asked: SocketRequest, ack: Option<Ack>) {
        use crate::chat::Handled;
        let Some(dialect) = self.session.dialect() else {
            return;
        };
        let echo = asked.echo.clone();
        match self.shared.chat.handle(&self.session, asked, ack).await {
            Handled::Later => {}
            Handled::Now(outcome, ack) => {
                if let Err(error @ (Error::Internal | Error::Unavailable { .. })) = &outcome {
                    tracing::warn!(
                        event.name = event,
                        error.code = error.code(),
                        "event failed"
                    );
                }
                let socket_id = &self.session.socket_id;
                let answer = wire::answer(dialect, event, echo.as_deref(), &outcome, socket_id);
                self.tell(answer, ack);
            }
        }
    }

    /// Answers stay in order: a refusal waits for the writes before it.
    async fn session_is_idle(&self) {
        self.shared.chat.wait_for_writes(&self.session).await;
    }

    fn tell(&self, answer: wire::Answer, ack: Option<Ack>) {
        for frame in &answer.events {
            self.session.outbox.emit(frame.name, &frame.body);
        }
        give(ack, &answer.ack);
    }

    /// The acknowledgement as a function that can be called once, by whoever answers.
    fn ack(&self, slot: &AckSlot) -> Option<Ack> {
        let wants_ack = slot.lock().is_ok_and(|ack| ack.is_some());
        let (slot, links) = (Arc::clone(slot), Arc::clone(&self.links));
        wants_ack.then(|| -> Ack { Box::new(move |body| answer_once(&slot, &links, body)) })
    }
}

/// Holds the acknowledgement until somebody gives it.
type AckSlot = Arc<Mutex<Option<AckSender>>>;

fn answer_once(slot: &AckSlot, links: &Links, body: &RawValue) {
    let ack = slot.lock().ok().and_then(|mut ack| ack.take());
    if let Some(ack) = ack {
        acknowledge(ack, links, body);
    }
}

fn give(ack: Option<Ack>, body: &RawValue) {
    if let Some(ack) = ack {
        ack(body);
    }
}

/// Splits `["event", argument, ...]`.
fn split(text: &str) -> Option<(String, Vec<&RawValue>)> {
    let mut parts: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    if parts.is_empty() {
        return None;
    }
    let event = serde_json::from_str(parts.remove(0).get()).ok()?;
    Some((event, parts))
}
