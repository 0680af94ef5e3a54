//! Delivery: what happened, told to everybody who listens, in the order in which it was committed.
//!
//! One task takes the batches that the writer finished and the events of the domain. For a write
//! it first answers the sender, then tells the others; a fan-out goes to the union of its places,
//! so no socket hears a thing twice, and is encoded once per dialect that has listeners.

mod fan_out;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::chat::{
    About, Ack, Answering, Chat, Dialect, Done, Event, Message, Origin, Outcome, Reply, Session,
    SessionId, Tag, Write,
};
use crate::error::Error;
use crate::wire::{self, Answer, Asked};

/// Events that are told after a batch before the next batch.
const EVENTS_PER_BATCH: usize = 64;

/// The delivery task.
pub struct Delivery {
    chat: Arc<Chat>,
    batches: mpsc::Receiver<Vec<Done<Tag>>>,
    events: mpsc::Receiver<Event>,
    n_delivered: u64,
    /// Answers that hold messages of a batch that is not told yet. Bounded by the requests that
    /// sockets may have under way.
    early: VecDeque<Answering>,
}

impl Delivery {
    /// Prepares the task; `batches` come from the writer, `events` from the domain.
    pub fn new(
        chat: Arc<Chat>,
        batches: mpsc::Receiver<Vec<Done<Tag>>>,
        events: mpsc::Receiver<Event>,
    ) -> Self {
        Self {
            chat,
            batches,
            events,
            n_delivered: 0,
            early: VecDeque::new(),
        }
    }

    /// Works until the writer has ended and everything it committed is delivered.
    pub async fn run(mut self) {
        loop {
            // Batches first: what is stored goes before who types and who is there. Events get
            // their turn after each batch.
            tokio::select! {
                biased;
                batch = self.batches.recv() => match batch {
                    Some(batch) => {
                        self.deliver(batch);
                        self.work_off_events();
                    }
                    None => break,
                },
                Some(event) = self.events.recv() => self.take(event),
            }
        }
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
    }

    fn work_off_events(&mut self) {
        for _ in 0..EVENTS_PER_BATCH {
            match self.events.try_recv() {
                Ok(event) => self.take(event),
                Err(_) => return,
            }
        }
    }

    fn deliver(&mut self, batch: Vec<Done<Tag>>) {
        #[cfg(feature = "planted-bugs")]
        let batch = match crate::planted::has("no_conversation_order") {
            true => batch.into_iter().rev().collect(),
            false => batch,
        };
        for done in batch {
            self.guard(|delivery| delivery.finish(done));
        }
        self.n_delivered += 1;
        let n_delivered = self.n_delivered;
        while let Some(answering) = self.early.pop_front_if(|it| it.n_before <= n_delivered) {
            self.guard(|delivery| delivery.answer_in_turn(answering));
        }
    }

    /// Tells an event, or keeps an answer until what it holds has been told to the others: else its
    /// socket would hear the same messages again.
    fn take(&mut self, event: Event) {
        match event {
            Event::Answer(answering) if answering.n_before > self.n_delivered => {
                self.early.push_back(answering);
            }
            event => self.guard(|delivery| delivery.tell(event)),
        }
    }

    /// A panic in one event must not silence all others.
    fn guard(&self, work: impl FnOnce(&Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            tracing::error!("delivering an event panicked");
        }
    }

    /// Answers the sender of a write, then tells the others.
    fn finish(&self, done: Done<Tag>) {
        let Tag {
            origin,
            about,
            before,
            dialect,
        } = done.tag;
        if let Some(event) = before {
            self.tell(event);
        }
        let outcome = done.outcome;
        match (outcome, done.write, about) {
            (
                Ok(Outcome::Message { row, duplicate }),
                _,
                About::Message {
                    sender,
                    receiver,
                    conversation,
                },
            ) => {
                let message = Message {
                    row: self.chat.shown(row),
                    sender,
                    receiver,
                    // Who was removed in the meantime hears nothing.
                    conversation: self.chat.current(&conversation),
                    duplicate,
                };
                self.finish_message(message, origin, dialect);
            }
            (Ok(Outcome::Read(outcome)), Write::Read(read), About::Read { known }) => {
                let reply = Reply::Read {
                    conversation: read.conversation.clone(),
                    message: read.message,
                    outcome,
                };
                let event = Event::Read {
                    conversation: read.conversation,
                    known: known.map(|known| self.chat.current(&known)),
                    party: read.party,
                    reader: read.reader,
                    outcome,
                    origin: asker(&origin),
                    dialect,
                };
                self.finish_as(Ok(reply), origin, dialect, Some(event));
            }
            (Err(error), ..) => self.finish_as(Err(error), origin, dialect, None),
            (Ok(_), ..) => self.finish_as(Err(Error::Internal), origin, dialect, None),
        }
    }

    fn finish_message(&self, message: Message, origin: Origin, dialect: Dialect) {
        let has_got_it = !message.duplicate && self.note_delivered(&message);
        let n_reached = match wire::vocabulary(dialect).counts_receivers() {
            true => self.n_reached(&message).max(usize::from(has_got_it)),
            false => 0,
        };
        let reply = Reply::Sent {
            n_reached,
            message: message.clone(),
        };
        let echo = match &origin {
            Origin::Socket { echo, .. } | Origin::Rest { echo, .. } => echo.clone(),
        };
        let event = (!message.duplicate).then(|| Event::Message {
            message,
            echo,
            origin: asker(&origin),
            dialect,
        });
        self.finish_as(Ok(reply), origin, dialect, event);
    }

    /// Notes where a message needs not wait for its receiver, who is about to be told; looked at once,
    /// so that the answer to its sender says the same. Returns whether there is such a place.
    fn note_delivered(&self, message: &Message) -> bool {
        let sessions = &self.chat.sessions;
        let lets_wait = |dialect: &Dialect| {
            wire::vocabulary(*dialect).lets_messages_wait()
                && sessions.has_listeners(*dialect, *dialect)
        };
        let waiting = Dialect::ALL.into_iter().filter(lets_wait);
        let noted = waiting.filter(|dialect| self.chat.note_delivered(message, *dialect));
        noted.count() > 0
    }

    /// Users whom a message reaches now.
    fn n_reached(&self, message: &Message) -> usize {
        let is_connected = |user| usize::from(self.chat.sessions.is_connected(user));
        match (&message.receiver, message.conversation.room()) {
            (Some(receiver), _) => is_connected(&receiver.id),
            (None, Some(room)) => room.members.keys().map(is_connected).sum(),
            (None, None) => 0,
        }
    }

    /// Answers whoever waits for a write, and tells the others: after a socket's answer, and
    /// before a REST answer.
    fn finish_as(
        &self,
        outcome: Result<Reply, Error>,
        origin: Origin,
        dialect: Dialect,
        event: Option<Event>,
    ) {
        match origin {
            Origin::Socket {
                session,
                word,
                ack,
                echo,
                permit,
            } => {
                let asked = Asked {
                    word,
                    echo: echo.as_deref(),
                    session: &session,
                };
                let told = wire::vocabulary(dialect).answer(&asked, &outcome);
                #[cfg(feature = "planted-bugs")]
                let ack = ack.map(crate::planted::late_ack);
                answer(&session, told, ack);
                if let Some(event) = &event {
                    self.announce(event);
                }
                // Only now: what the socket asks next comes after this fan-out.
                drop(permit);
            }
            Origin::Rest { reply, .. } => {
                if let Some(event) = &event {
                    self.announce(event);
                }
                // The caller may have hung up; what it wrote is stored all the same.
                let _ = reply.send(outcome);
            }
        }
    }

    /// Tells an event of the domain.
    fn tell(&self, event: Event) {
        match event {
            Event::Answer(answering) => self.answer_in_turn(answering),
            // Who is there is read now, so that it fits what was told before.
            Event::Lobby(event) => self.announce(&Event::Lobby(self.chat.complete(event))),
            // The user may have come back while this was on its way.
            Event::Presence {
                dialect,
                ref user,
                is_online: false,
                ..
            } if self.chat.is_online(dialect, user) => {}
            event => self.announce(&event),
        }
    }

    fn answer_in_turn(&self, answering: Answering) {
        let Answering {
            session,
            word,
            echo,
            mut reply,
            ack,
            dialect,
            replay,
            told,
            then,
            permit,
            ..
        } = answering;
        if let Reply::JoinedUser { online, .. } = &mut reply
            && session.may_hear()
        {
            *online = self.chat.online_users(dialect);
        }
        let asked = Asked {
            word,
            echo: echo.as_deref(),
            session: &session,
        };
        let vocabulary = wire::vocabulary(dialect);
        answer(&session, vocabulary.answer(&asked, &Ok(reply)), ack);
        // A socket that is gone was told nothing, whoever else is there.
        let is_gone = session.viewer().is_none();
        for message in replay.into_iter().filter(|_| !is_gone) {
            self.chat.note_delivered(&message, dialect);
            let event = Event::Message {
                message,
                echo: None,
                origin: None,
                dialect,
            };
            if let Some(frame) = vocabulary.encode(&event, &session) {
                session.outbox.emit(frame.name, &frame.body);
            }
        }
        session.release(&told);
        for event in then {
            self.tell(event);
        }
        drop(permit);
    }
}

/// The socket that waits for a write, if it is one.
fn asker(origin: &Origin) -> Option<SessionId> {
    match origin {
        Origin::Socket { session, .. } => Some(session.id),
        Origin::Rest { asker, .. } => *asker,
    }
}

fn answer(session: &Session, answer: Answer, ack: Option<Ack>) {
    for frame in &answer.events {
        session.outbox.emit(frame.name, &frame.body);
    }
    if let Some(ack) = ack {
        ack(&answer.ack);
    }
}
