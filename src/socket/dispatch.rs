//! One dispatcher per socket. socketioxide would run every handler in a task of its own, in no
//! order; here the reader puts events into a queue as they come (`intake`), and one task works
//! through it.

mod greeting;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::value::RawValue;
use socketioxide::extract::{AckSender, Extension, SocketRef};
use socketioxide::handler::Value;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Shared;
use super::intake::{Incoming, Intake, PAUSE_BYTES, refusal, refuse, split, tell};
use super::links::Links;
use super::outbox::acknowledge;
use crate::chat::{
    Ack, Dialect, EventBudget, Handled, Reply, Session, SocketPlaces, SocketRequest, as_client,
};
use crate::error::Error;
use crate::wire::{self, Asked};

/// How long one event may take, from its arrival on, before it is answered with an error.
const EVENT_DEADLINE: Duration = Duration::from_secs(10);

/// How long a polling client may go without a poll. A stock client polls again at once.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);

/// Runs after the client was told that it is connected: events may be answered from now on.
pub(super) async fn connected(Extension(started): Extension<Arc<Notify>>) {
    started.notify_one();
}

/// What a socket was allowed when it joined.
pub(super) struct Allowed {
    /// Where it counts, as long as it lives.
    pub places: SocketPlaces,
    /// What it may send.
    pub events: Option<EventBudget>,
}

/// Fires when a socket is gone and its transport has ended.
#[derive(Clone)]
pub(super) struct Gone(pub CancellationToken);

/// Works through the events of one socket.
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    session: Arc<Session>,
    links: Arc<Links>,
    /// Boxed: a queue has room for 32 from the start, also on sockets that never say anything.
    queue: mpsc::UnboundedReceiver<Box<Incoming>>,
    n_queued: Arc<AtomicUsize>,
    started: Arc<Notify>,
    gone: CancellationToken,
    /// Held while there may be something to handle.
    busy: Option<TaskTrackerToken>,
    _places: SocketPlaces,
}

impl Dispatcher {
    /// Registers the intake on a socket and starts its dispatcher. Must run before CONNECT is
    /// answered.
    pub(super) fn start(
        shared: &Arc<Shared>,
        socket: &SocketRef,
        session: Arc<Session>,
        links: Arc<Links>,
        allowed: Allowed,
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
            busy: Some(shared.busy.token()),
            _places: allowed.places,
        };
        socket.on_fallback(Intake {
            queue,
            n_queued: Arc::clone(&dispatcher.n_queued),
            shared: Arc::clone(shared),
            session: Arc::downgrade(&dispatcher.session),
            links,
            gone: dispatcher.gone.clone(),
            budget: allowed.events,
        });
        // Nothing here can fail or panic: a disconnect handler that does leaks the socket.
        let gone = dispatcher.gone.clone();
        socket.on_disconnect(move || {
            gone.cancel();
            std::future::ready(())
        });
        socket.extensions.insert(Arc::clone(&dispatcher.started));
        socket.extensions.insert(Gone(dispatcher.gone.clone()));
        shared.session_ids.keep(&dispatcher.session.socket_id);
        // It ends with its socket, and `Sockets::drain` waits for what it has to do.
        let links = Arc::clone(&dispatcher.links);
        tokio::spawn(as_client(&links.client, dispatcher.run()));
    }

    async fn run(mut self) {
        let work = AssertUnwindSafe(self.work()).catch_unwind();
        if work.await.is_err() {
            tracing::error!("a dispatcher panicked");
            self.session.outbox.close();
        }
        self.busy = None;
        // A server that stops has nothing more to handle, but this socket still listens.
        self.is_gone().await;
        Box::pin(self.shared.chat.forget(&self.session)).await;
        self.shared.session_ids.end(&self.session.socket_id);
        tracing::debug!("socket gone");
    }

    async fn work(&mut self) {
        if self.is_connected().await {
            // Boxed, as is the work on an event: else every idle socket would hold the memory that
            // the largest of all requests takes.
            Box::pin(self.greet()).await;
            self.work_off().await;
            let written = self.shared.chat.wait_for_writes(&self.session);
            let answer_overdue = || self.answer_overdue();
            self.session
                .answering_overdue(written, answer_overdue)
                .await;
        } else {
            self.gone.cancel();
        }
    }

    /// Waits until the socket is gone: disconnected, killed, or closed with the server.
    fn is_gone(&self) -> impl Future<Output = ()> + use<> {
        let (gone, links) = (self.gone.clone(), Arc::clone(&self.links));
        let shared = Arc::clone(&self.shared);
        async move {
            tokio::select! {
                () = gone.cancelled() => {}
                () = links.killed() => {}
                () = links.abandoned(POLL_TIMEOUT) => {
                    tracing::info!("a client does not poll, its session ends");
                    links.kill();
                }
                () = shared.closed.cancelled() => {}
            }
        }
    }

    /// Waits until the client was told that it is connected; `false` when that never happens.
    async fn is_connected(&self) -> bool {
        tokio::select! {
            () = self.started.notified() => true,
            () = self.is_gone() => false,
            () = tokio::time::sleep(self.shared.config.connect_timeout) => false,
        }
    }

    async fn work_off(&mut self) {
        // As a stream it is only looked at when something happened to it, and not after each event.
        let mut end = FuturesUnordered::from_iter([self.is_over()]);
        let overdue = tokio::time::sleep(EVENT_DEADLINE);
        tokio::pin!(overdue);
        let mut is_set = false;
        loop {
            if let Some(due) = self.session.next_due()
                && (!is_set || due < overdue.deadline())
            {
                overdue.as_mut().reset(due);
                is_set = true;
            }
            tokio::select! {
                biased;
                incoming = self.queue.recv() => match incoming {
                    // Who was thrown out may not do any more what it asked for before.
                    Some(_) if self.session.has_lost_rights() => {}
                    Some(incoming) => self.take(incoming).await,
                    None => return,
                },
                // What was due then is probably answered by now; the next that is due is waited for then.
                () = &mut overdue, if is_set => {
                    is_set = false;
                    self.answer_overdue();
                }
                // What came in before is still handled: a client may send and leave.
                Some(()) = end.next() => self.queue.close(),
            }
        }
    }

    /// Waits until nothing more is to be taken in: the socket is gone, or the server stops.
    fn is_over(&self) -> impl Future<Output = ()> + use<> {
        let (gone, shared) = (self.is_gone(), Arc::clone(&self.shared));
        async move {
            tokio::select! {
                () = gone => {}
                () = shared.drain.cancelled() => {}
            }
        }
    }

    async fn take(&mut self, mut incoming: Box<Incoming>) {
        let n_bytes = incoming.n_bytes;
        match incoming.refused.take() {
            Some(error) => refuse(&self.session, &self.links, *incoming, error),
            None => self.do_or_answer(incoming).await,
        }
        let n_queued = self.n_queued.fetch_sub(n_bytes, Ordering::AcqRel);
        if n_queued - n_bytes <= PAUSE_BYTES / 2 {
            self.links.resume();
        }
    }

    /// Does what a client asks, or says why it could not be done.
    async fn do_or_answer(&mut self, incoming: Box<Incoming>) {
        let ack = Some(incoming.ack).filter(|_| incoming.wants_ack);
        let slot: AckSlot = ack.map(|ack| Arc::new(Mutex::new(Some(ack))));
        let due = incoming.came_at + EVENT_DEADLINE;
        let n_awaited = self.session.n_awaited();
        let work = Box::pin(async {
            // A client that does not read what it asked for is not answered more.
            self.links.wait_for_reader().await;
            self.dispatch(&incoming.payload, &slot, due).await;
        });
        let answer_overdue = || self.answer_overdue();
        let guarded = guard(work, due);
        let worked = self.session.answering_overdue(guarded, answer_overdue);
        if let Err(error) = worked.await {
            // The answer that events waited for does not come any more.
            self.session.let_go();
            // What was asked before is answered before.
            self.answer_overdue();
            if self.session.n_awaited() == n_awaited {
                let answer = refusal(&self.session, &incoming.payload, error);
                tell(&self.session, &answer);
                if let (Some(slot), Some(body)) = (&slot, &answer.ack) {
                    answer_once(slot, &self.links, body);
                }
            }
        }
    }

    /// Tells the client to ask again where nobody knows what becomes of what it asked.
    fn answer_overdue(&self) {
        let Some(dialect) = self.session.dialect() else {
            return;
        };
        for awaited in self.session.take_overdue() {
            if awaited.is_greeting {
                // What it has missed is part of the greeting.
                return self.shared.chat.turn_away(&self.session);
            }
            if awaited.is_waited_for {
                self.session.let_go();
            }
            let (echo, ack) = (awaited.echo.as_deref(), awaited.ack);
            self.tell(dialect, awaited.word, echo, &Err(Error::busy()), ack);
        }
    }

    async fn dispatch(&self, payload: &Value, slot: &AckSlot, due: Instant) {
        let ack = self.ack(slot);
        let Some((event, arguments)) = split(payload) else {
            let error = Error::InvalidPayload("Invalid payload");
            return give(ack, Some(&wire::refusal(&error, &error.to_string())));
        };
        let Some(dialect) = self.dialect(&event, &arguments, due).await else {
            let error = Error::unknown_event(&event);
            return give(ack, Some(&wire::refusal(&error, &error.to_string())));
        };
        let vocabulary = wire::vocabulary(dialect);
        match vocabulary.parse(&event, &arguments, &self.session) {
            Ok(asked) => self.handle(dialect, asked, ack, due).await,
            Err(error) => {
                // Answers stay in order: a refusal waits for the writes before it.
                self.shared.chat.wait_for_writes(&self.session).await;
                let echo = vocabulary.echo(&event, &arguments);
                self.tell(dialect, &event, echo.as_deref(), &Err(error), ack);
            }
        }
    }

    /// The dialect of the socket, which this event may decide.
    async fn dialect(&self, event: &str, arguments: &[&RawValue], due: Instant) -> Option<Dialect> {
        if let Some(dialect) = self.session.dialect() {
            return Some(dialect);
        }
        let dialect = wire::infer(event, arguments)?;
        self.shared.chat.sessions.decide(&self.session, dialect);
        Box::pin(self.begin(dialect, false, due)).await;
        Some(dialect)
    }

    async fn handle(&self, dialect: Dialect, asked: SocketRequest, ack: Option<Ack>, due: Instant) {
        let (word, echo) = (asked.word, asked.echo.clone());
        let chat = &self.shared.chat;
        let handled = chat.handle(&self.session, asked, ack, due).await;
        let Handled::Now { outcome, ack, then } = handled else {
            return;
        };
        if let Err(error @ (Error::Internal | Error::Unavailable { .. })) = &outcome {
            tracing::warn!(event.name = word, error.code = error.code(), "event failed");
        }
        self.tell(dialect, word, echo.as_deref(), &outcome, ack);
        for event in then {
            chat.publish(event).await;
        }
    }

    fn tell(
        &self,
        dialect: Dialect,
        word: &str,
        echo: Option<&RawValue>,
        outcome: &Result<Reply, Error>,
        ack: Option<Ack>,
    ) {
        let asked = Asked {
            word,
            echo,
            session: &self.session,
            wants_ack: ack.is_some(),
        };
        let answer = wire::vocabulary(dialect).answer(&asked, outcome);
        tell(&self.session, &answer);
        give(ack, answer.ack.as_deref());
    }

    /// The acknowledgement as a function that can be called once, by whoever answers.
    fn ack(&self, slot: &AckSlot) -> Option<Ack> {
        let (slot, links) = (Arc::clone(slot.as_ref()?), Arc::clone(&self.links));
        Some(Box::new(move |body| answer_once(&slot, &links, body)))
    }
}

/// Whatever happens to the work on an event, its client gets an answer: a panic and work that takes
/// too long become errors.
async fn guard(work: impl Future<Output = ()>, due: Instant) -> Result<(), Error> {
    if due <= Instant::now() {
        // Its client is about to give it up, so it must not be done any more.
        return Err(Error::busy());
    }
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout_at(due, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => {
            tracing::error!("handling an event panicked");
            Err(Error::Internal)
        }
        Err(_) => {
            tracing::warn!("handling an event took too long");
            Err(Error::busy())
        }
    }
}

/// Holds the acknowledgement, if one is asked for, until somebody gives it.
type AckSlot = Option<Arc<Mutex<Option<AckSender>>>>;

fn answer_once(slot: &Mutex<Option<AckSender>>, links: &Links, body: &RawValue) {
    let ack = slot.lock().ok().and_then(|mut ack| ack.take());
    if let Some(ack) = ack {
        acknowledge(ack, links, body);
    }
}

fn give(ack: Option<Ack>, body: Option<&RawValue>) {
    if let (Some(ack), Some(body)) = (ack, body) {
        ack(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn panics_and_stuck_work_become_errors() {
        let due = Instant::now() + EVENT_DEADLINE;
        assert_eq!(guard(async {}, due).await, Ok(()));
        let panicking = async { panic!("a bug") };
        assert_eq!(guard(panicking, due).await, Err(Error::Internal));
        let stuck = std::future::pending();
        assert_eq!(guard(stuck, due).await, Err(Error::busy()));
        let late = async { panic!("it is done all the same") };
        assert_eq!(guard(late, due).await, Err(Error::busy()));
    }
}
