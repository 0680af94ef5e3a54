//! Delivery: what happened, told to everybody who listens, in the order in which it was committed.
//!
//! One task takes the batches that the writer finished and the events of the domain. For a write
//! it first answers the sender, then tells the others; a fan-out goes to the union of its places,
//! so no socket hears a thing twice, and is encoded once per dialect that has listeners.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::chat::{
    About, Ack, Chat, Dialect, Done, Event, Joined, Message, Origin, Outcome, Receipt, Reply,
    Session, SessionId, Tag, Write,
};
use crate::error::Error;
use crate::wire::{self, Answer, Frame, WriteKind};

/// Events that are told after a batch before the next batch.
const EVENTS_PER_BATCH: usize = 64;

/// The delivery task.
pub struct Delivery {
    chat: Arc<Chat>,
    batches: mpsc::Receiver<Vec<Done<Tag>>>,
    events: mpsc::Receiver<Event>,
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
                    None => return self.work_off_events(),
                },
                Some(event) = self.events.recv() => self.guard(|delivery| delivery.tell(event)),
            }
        }
    }

    fn work_off_events(&mut self) {
        for _ in 0..EVENTS_PER_BATCH {
            match self.events.try_recv() {
                Ok(event) => self.guard(|delivery| delivery.tell(event)),
                Err(_) => return,
            }
        }
    }

    fn deliver(&self, batch: Vec<Done<Tag>>) {
        for done in batch {
            self.guard(|delivery| delivery.finish(done));
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
        if let Some(event) = &before {
            self.announce(event);
        }
        match (done.outcome, done.write, about) {
            (Ok(Outcome::Message { row, duplicate }), _, About::Message { sender, receiver }) => {
                let message = Message {
                    row: self.chat.shown(row),
                    sender,
                    receiver,
                    duplicate,
                };
                self.finish_message(message, origin, dialect);
            }
            (Ok(Outcome::Read(read)), Write::Read(write), About::Read { other }) => {
                let receipt = Receipt::Read {
                    conversation: write.conversation.clone(),
                    n_marked: read.n_marked,
                };
                self.finish_as(receipt, origin, dialect, |except, _| {
                    Some(Event::Read {
                        conversation: write.conversation,
                        reader: write.reader,
                        at: read.at,
                        other,
                        except,
                        dialect,
                    })
                });
            }
            (Err(error), write, _) => fail(error, &write, origin, dialect),
            (Ok(_), write, _) => fail(Error::Internal, &write, origin, dialect),
        }
    }

    fn finish_message(&self, message: Message, origin: Origin, dialect: Dialect) {
        let receipt = Receipt::Message(message.clone());
        self.finish_as(receipt, origin, dialect, |sender, echo| {
            if message.duplicate {
                return None;
            }
            // A front end that sent a temporary id by socket draws its own message from the
            // confirmation; one that did not draws it from the event. What is sent by REST is drawn
            // from the event, which then shows the temporary id.
            let (except, echo) = match sender {
                Some(sender) => (echo.is_some().then_some(sender), None),
                None => (None, echo),
            };
            Some(Event::Message {
                message,
                echo,
                except,
                dialect,
            })
        });
    }

    /// Answers whoever waits for a write, and tells the others: after a socket's answer, and
    /// before a REST answer. `event` gets the socket that asked and what it wants to see again.
    fn finish_as(
        &self,
        receipt: Receipt,
        origin: Origin,
        dialect: Dialect,
        event: impl FnOnce(Option<SessionId>, Option<Box<RawValue>>) -> Option<Event>,
    ) {
        let announce = |event: Option<Event>| {
            if let Some(event) = &event {
                self.announce(event);
            }
        };
        match origin {
            Origin::Socket {
                session,
                ack,
                echo,
                permit,
            } => {
                let told = wire::answer_written(dialect, echo.as_deref(), &Ok(receipt));
                answer(&session, told, ack);
                announce(event(Some(session.id), echo));
                // Only now: what the socket asks next comes after this fan-out.
                drop(permit);
            }
            Origin::Rest { reply, echo } => {
                announce(event(None, echo));
                // The caller may have hung up; what it wrote is stored all the same.
                let _ = reply.send(Ok(receipt));
            }
        }
    }

    /// Tells an event of the domain.
    fn tell(&self, event: Event) {
        match event {
            Event::Joined(joined) => self.finish_join(joined),
            // The user may have come back while this was on its way.
            Event::Offline { user } if self.chat.is_online(&user) => {}
            event => self.announce(&event),
        }
    }

    fn finish_join(&self, joined: Joined) {
        let Joined {
            session,
            user,
            came_online,
            ack,
            dialect,
            permit,
        } = joined;
        let reply = Ok(Reply::JoinedUser {
            user: user.clone(),
            online: self.chat.online_users(),
        });
        let told = wire::answer(dialect, "join_user_room", None, &reply, &session.socket_id);
        answer(&session, told, ack);
        if came_online {
            let except = session.id;
            self.announce(&Event::Online { user, except });
        }
        drop(permit);
    }

    /// Tells everybody who listens.
    fn announce(&self, event: &Event) {
        for dialect in Dialect::ALL {
            if let Some(audience) = wire::audience(dialect, event) {
                let mut frame: Option<Option<Frame>> = None;
                self.each_listener(dialect, &audience, |session| {
                    let frame = frame.get_or_insert_with(|| wire::encode(dialect, event));
                    if let Some(frame) = frame {
                        session.outbox.emit(frame.name, &frame.body);
                    }
                });
            }
        }
    }

    fn each_listener(
        &self,
        dialect: Dialect,
        audience: &wire::Audience<'_>,
        mut tell: impl FnMut(&Session),
    ) {
        let sessions = &self.chat.sessions;
        let stamp = sessions.stamp();
        let mut visit = |session: &Arc<Session>| {
            let is_excepted = Some(session.id) == audience.except
                || audience.except_user.is_some()
                    && session.user().as_ref() == audience.except_user;
            if session.hears(dialect, audience.cause) && !is_excepted && session.claim(stamp) {
                tell(session);
            }
        };
        if let Some(conversation) = audience.conversation {
            sessions.each_of_conversation(conversation, &mut visit);
        }
        if let Some(user) = audience.user {
            sessions.each_of_user(user, &mut visit);
        }
        if audience.everybody {
            sessions.each(&mut visit);
        }
    }
}

fn fail(error: Error, write: &Write, origin: Origin, dialect: Dialect) {
    match origin {
        Origin::Socket {
            session, ack, echo, ..
        } => {
            let kind = match write {
                Write::Message(_) => WriteKind::Message,
                Write::Read(_) => WriteKind::Read,
            };
            let outcome = Err((kind, error));
            answer(
                &session,
                wire::answer_written(dialect, echo.as_deref(), &outcome),
                ack,
            );
        }
        Origin::Rest { reply, .. } => {
            // The caller may have hung up.
            let _ = reply.send(Err(error));
        }
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
