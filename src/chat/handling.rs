//! Doing what clients ask over a socket: from a request to the service that does it.

mod joining;
mod steps;

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, UserId};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

pub(super) use steps::{InTurn, Step};

use steps::Asked;

use super::sessions::MAX_IN_FLIGHT;
use super::{
    About, Ack, Answering, Awaited, Caller, Chat, DeskRequest, Dialect, Due, Event, Handled,
    LobbyRequest, Origin, Reply, Request, Session, SocketRequest, Tag,
};
use crate::auth::{Permission, Trust};
use crate::error::{Error, Result};
use crate::store::{self, ReadOutcome, Write};

/// How the ids of made-up users begin.
pub(super) const GUEST: &str = "guest-";

/// What a request that is done at once comes to: the answer, and what others hear then.
pub(super) type Told = (Reply, Vec<Event>);

impl Chat {
    /// Does what a client asks. Requests of one socket are handled one after the other; writes may
    /// be under way at the same time, and everything else waits until they are answered. Answers that
    /// come later and have no outcome when they are `due` are the surface's to give.
    pub async fn handle(
        &self,
        session: &Arc<Session>,
        asked: SocketRequest,
        ack: Option<Ack>,
        due: Instant,
    ) -> Handled {
        let Some(dialect) = session.dialect() else {
            return Handled::refused(Error::Internal, ack);
        };
        if asked.as_guest {
            self.admit_guest(session);
        }
        let prepared = match asked.request {
            Request::Send(draft) => {
                let sender = draft.sender.clone();
                match self.speaker(session, dialect, sender.as_ref()).await {
                    Ok(caller) => self.prepare_send(&caller, *draft).await,
                    Err(Error::Forbidden(_) | Error::Unauthenticated(_)) => {
                        Err(Error::Forbidden("Not allowed to send as this user"))
                    }
                    Err(error) => Err(error),
                }
            }
            Request::MarkRead {
                conversation,
                reader,
                scope,
            } => match self.speaker(session, dialect, reader.as_ref()).await {
                Ok(caller) => self.prepare_read(&caller, conversation, scope, None).await,
                Err(error) => Err(error),
            },
            Request::MarkMessageRead { message } => {
                Box::pin(self.prepare_read_by(session, dialect, &message)).await
            }
            Request::Lobby(LobbyRequest::Say(said)) => {
                Box::pin(self.prepare_said(session, dialect, *said)).await
            }
            Request::Lobby(LobbyRequest::React(wanted)) => {
                Box::pin(self.prepare_reaction(session, dialect, wanted)).await
            }
            Request::Desk(DeskRequest::ChangeMessage { message, change }) => {
                match self.speaker(session, dialect, None).await {
                    Ok(caller) => Box::pin(self.prepare_change(&caller, &message, change)).await,
                    Err(error) => Err(error),
                }
            }
            request => {
                self.wait_for_writes(session).await;
                let asked = Asked {
                    word: asked.word,
                    echo: asked.echo,
                    ack,
                    due,
                    is_greeting: asked.is_greeting,
                };
                // Boxed: a write is done without the memory that the largest of these takes.
                return Box::pin(self.do_now(session, dialect, request, asked)).await;
            }
        };
        let prepared = prepared.and_then(|(write, about)| {
            self.limits.admit_write(&write, &about)?;
            Ok((write, about))
        });
        match prepared {
            Ok((write, about)) => {
                let asked = Asked {
                    word: asked.word,
                    echo: asked.echo,
                    ack,
                    due,
                    is_greeting: asked.is_greeting,
                };
                self.submit(session, dialect, write, about, asked).await
            }
            Err(error) => {
                self.wait_for_writes(session).await;
                Handled::refused(error, ack)
            }
        }
    }

    /// Who acts on a socket when a payload names `claimed`.
    pub(super) async fn speaker(
        &self,
        session: &Session,
        dialect: Dialect,
        claimed: Option<&UserId>,
    ) -> Result<Caller> {
        let asserted = session.asserted();
        self.caller(session.identity(), dialect, claimed, asserted.as_ref())
            .await
    }

    /// Gives a nameless socket of development mode a made-up user, who lives as long as it does.
    pub(super) fn admit_guest(&self, session: &Arc<Session>) {
        if session.identity().trust == Trust::Claimed && session.user().is_none() {
            let guest = UserId::from(format!("{GUEST}{}", Uuid::new_v4()));
            self.sessions.listen_user(session, &guest);
        }
    }

    /// Waits until every write of a socket has been answered.
    pub async fn wait_for_writes(&self, session: &Session) {
        // Holding all permits means that no write holds one. The semaphore is never closed.
        let _ = session.in_flight.acquire_many(MAX_IN_FLIGHT).await;
    }

    async fn submit(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        write: Write,
        about: About,
        asked: Asked,
    ) -> Handled {
        let Some(permit) = permit(session).await else {
            return Handled::refused(Error::Internal, asked.ack);
        };
        let answer = session.await_answer(asked.awaited(permit, false));
        let origin = Origin::Socket {
            session: Arc::clone(session),
            answer,
        };
        let tag = Tag {
            origin,
            about,
            before: self
                .ended_typing(dialect, &write)
                .or_else(|| self.ended_lobby_typing(session.id, &write)),
            dialect,
        };
        let Err((_, error)) = self.writer.submit(write, tag) else {
            return Handled::Later;
        };
        match session.settle(answer) {
            Some(Due::Now(Awaited { ack, permit, .. })) => {
                drop(permit);
                self.wait_for_writes(session).await;
                Handled::refused(error, ack)
            }
            Some(Due::Past { .. }) | None => Handled::Later,
        }
    }

    async fn do_now(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        request: Request,
        asked: Asked,
    ) -> Handled {
        let done = match request {
            Request::JoinUser {
                user,
                name,
                wants_waiting,
            } => {
                let joined = self.join_user(session, dialect, user, name, wants_waiting);
                // What waits belongs to the answer, and is not asked for again.
                let asked = Asked {
                    is_greeting: asked.is_greeting || wants_waiting,
                    ..asked
                };
                return self.answer_in_turn(session, joined.await, asked).await;
            }
            Request::OpenConversation {
                conversation,
                user,
                n_messages,
                spelling,
            } => {
                let opened = self
                    .open_conversation(
                        session,
                        dialect,
                        conversation,
                        user.as_ref(),
                        n_messages,
                        spelling,
                    )
                    .await;
                return self.answer_in_turn(session, opened, asked).await;
            }
            Request::Group(request) => {
                let step = self.do_group(session, dialect, request).await;
                return self.take_step(session, step, asked).await;
            }
            Request::Lobby(request) => {
                let step = self.do_lobby(session, dialect, request).await;
                return self.take_step(session, step, asked).await;
            }
            Request::Desk(request) => {
                let step = self.do_desk(session, dialect, request).await;
                return self.take_step(session, step, asked).await;
            }
            Request::LeaveUser => {
                self.stop_listening(session);
                Ok((Reply::Done, Vec::new()))
            }
            Request::JoinConversation { conversation } => {
                self.join_conversation(session, dialect, conversation).await
            }
            Request::LeaveConversation { conversation } => {
                self.stop_typing_by(session.id, Some(&conversation)).await;
                self.sessions.unlisten(session, &conversation);
                session.leave_room(&conversation);
                Ok((Reply::Conversation(conversation), Vec::new()))
            }
            Request::SetTyping {
                conversation,
                user,
                is_typing,
            } => match self.speaker(session, dialect, user.as_ref()).await {
                Ok(caller) => {
                    self.type_in(session, &caller, conversation, is_typing)
                        .await
                }
                Err(error) => Err(error),
            },
            Request::RelayMessage { .. } | Request::RelayRead { .. } => {
                self.relay(session, dialect, request).await
            }
            Request::Send(_) | Request::MarkRead { .. } | Request::MarkMessageRead { .. } => {
                Err(Error::Internal)
            }
        };
        let step = done.map(|(reply, then)| Step::Told(reply, then));
        self.take_step(session, step, asked).await
    }

    async fn take_step(&self, session: &Arc<Session>, step: Result<Step>, asked: Asked) -> Handled {
        match step {
            Ok(Step::Told(reply, then)) => Handled::Now {
                outcome: Ok(reply),
                ack: asked.ack,
                then,
            },
            Ok(Step::InTurn(done)) => self.answer_in_turn(session, Ok(*done), asked).await,
            Err(error) => self.answer_in_turn(session, Err(error), asked).await,
        }
    }

    /// Lets delivery give an answer, in its place among what others do.
    pub(super) async fn answer_in_turn(
        &self,
        session: &Arc<Session>,
        done: Result<InTurn>,
        asked: Asked,
    ) -> Handled {
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                session.let_go();
                return Handled::refused(error, asked.ack);
            }
        };
        let (Some(dialect), Some(permit)) = (session.dialect(), permit(session).await) else {
            session.let_go();
            return Handled::refused(Error::Internal, asked.ack);
        };
        let answer = session.await_answer(asked.awaited(permit, true));
        let has_messages = !done.told.is_empty() || !done.replay.is_empty();
        self.publish(Event::Answer(Answering {
            session: Arc::clone(session),
            answer,
            reply: done.reply,
            dialect,
            replay: done.replay,
            told: done.told,
            then: done.then,
            n_before: if has_messages {
                self.writer.n_begun()
            } else {
                0
            },
        }))
        .await;
        Handled::Later
    }

    async fn type_in(
        &self,
        session: &Session,
        caller: &Caller,
        conversation: ConversationId,
        is_typing: bool,
    ) -> Result<Told> {
        self.approach_to(Permission::Write, caller, &conversation)
            .await?;
        self.set_typing(session.id, caller, conversation, is_typing)
            .await;
        Ok((Reply::Done, Vec::new()))
    }

    async fn relay(&self, session: &Session, dialect: Dialect, request: Request) -> Result<Told> {
        self.check_relay(session.identity())?;
        let event = match request {
            Request::RelayMessage {
                conversation,
                receiver,
                message,
            } => Event::Relayed {
                conversation,
                receiver,
                message: message.0,
            },
            Request::RelayRead {
                conversation,
                reader,
            } => Event::Read {
                known: self.find_conversation(&conversation).await?,
                conversation,
                party: (&reader).into(),
                reader,
                outcome: ReadOutcome {
                    n_marked: 0,
                    has_moved: false,
                    up_to: 0,
                    at: store::now(),
                },
                origin: None,
                dialect,
            },
            _ => return Err(Error::Internal),
        };
        Ok((Reply::Done, vec![event]))
    }

    /// Undoes everything that a socket had asked for, when it is gone.
    pub async fn forget(&self, session: &Arc<Session>) {
        self.stop_typing_by(session.id, None).await;
        if self.is_shared() {
            self.note_what_was_told_to(session).await;
        }
        self.stop_listening(session);
        self.sessions.close(session);
        self.leave_lobby(session).await;
    }
}

/// A place among the requests of a socket that are under way.
async fn permit(session: &Session) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&session.in_flight).acquire_owned().await.ok()
}
