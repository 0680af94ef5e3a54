//! What a client can ask for over a socket, whatever its dialect calls it.

use std::sync::Arc;

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use super::sessions::MAX_IN_FLIGHT;
use super::{About, Ack, Chat, Draft, Event, Origin, Session, Tag};
use crate::error::{Error, Result};
use crate::store::{self, Write};

/// One thing that a client asks for.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Listen for a user.
    JoinUser {
        /// Who the payload says it is.
        user: UserId,
    },
    /// Stop listening for the user.
    LeaveUser,
    /// Listen to a conversation.
    JoinConversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Stop listening to a conversation.
    LeaveConversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Send a message.
    Send(Box<Draft>),
    /// Show that somebody types, or stopped.
    SetTyping {
        /// Where.
        conversation: ConversationId,
        /// Who, according to the payload.
        user: Option<UserId>,
        /// Whether they do.
        is_typing: bool,
    },
    /// Mark everything in a conversation read.
    MarkRead {
        /// Which.
        conversation: ConversationId,
        /// Who read it, according to the payload.
        reader: UserId,
    },
    /// Let a message be heard that the host application stored itself.
    RelayMessage {
        /// Where.
        conversation: ConversationId,
        /// Who receives it.
        receiver: Option<UserId>,
        /// The message, word for word.
        message: RelayedMessage,
    },
    /// Let it be heard that the host application marked a conversation read.
    RelayRead {
        /// Which.
        conversation: ConversationId,
        /// Who read it.
        reader: UserId,
    },
}

/// JSON text that is passed on as it is.
#[derive(Debug)]
pub struct RelayedMessage(pub Box<RawValue>);

impl PartialEq for RelayedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// A request with what its client needs to recognise the answer.
pub struct SocketRequest {
    /// What is asked.
    pub request: Request,
    /// What the client wants to see again in a confirmation.
    pub echo: Option<Box<RawValue>>,
}

/// The answer to a request that is done at once.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// It listens for the user now.
    JoinedUser {
        /// Whom.
        user: UserId,
        /// Everybody who is online, in order of coming online.
        online: Vec<UserId>,
    },
    /// It listens to the conversation, or no longer.
    Conversation(ConversationId),
    /// Done; there is nothing to say about it.
    Done,
}

/// What became of a request.
pub enum Handled {
    /// It is done, or refused; the acknowledgement is still to be given.
    Now(Result<Reply>, Option<Ack>),
    /// The writer has it. Delivery answers, acknowledgement included.
    Later,
}

impl Chat {
    /// Does what a client asks. Requests of one socket are handled one after the other; writes may
    /// be under way at the same time, and everything else waits until they are answered.
    pub async fn handle(
        &self,
        session: &Arc<Session>,
        asked: SocketRequest,
        ack: Option<Ack>,
    ) -> Handled {
        let prepared = match asked.request {
            Request::Send(draft) => self.prepare_socket_send(session, *draft).await,
            Request::MarkRead {
                conversation,
                reader,
            } => {
                self.prepare_read(
                    &session.identity,
                    conversation,
                    Some(&reader),
                    session.asserted().as_ref(),
                )
                .await
            }
            request => {
                self.wait_for_writes(session).await;
                return Handled::Now(self.do_now(session, request).await, ack);
            }
        };
        match prepared {
            Ok((write, about)) => self.submit(session, write, about, asked.echo, ack).await,
            Err(error) => {
                self.wait_for_writes(session).await;
                Handled::Now(Err(error), ack)
            }
        }
    }

    /// Waits until every write of a socket has been answered.
    pub async fn wait_for_writes(&self, session: &Session) {
        // Holding all permits means that no write holds one. The semaphore is never closed.
        let _ = session.in_flight.acquire_many(MAX_IN_FLIGHT).await;
    }

    async fn prepare_socket_send(
        &self,
        session: &Arc<Session>,
        draft: Draft,
    ) -> Result<(Write, About)> {
        let asserted = session.asserted();
        let (write, about, conversation) = self
            .prepare_send(&session.identity, asserted.as_ref(), draft)
            .await?;
        if let About::Message { sender, .. } = &about {
            self.stop_typing_of(&conversation.id, &sender.id).await;
        }
        Ok((write, about))
    }

    async fn submit(
        &self,
        session: &Arc<Session>,
        write: Write,
        about: About,
        echo: Option<Box<RawValue>>,
        ack: Option<Ack>,
    ) -> Handled {
        let (Some(dialect), Ok(permit)) = (
            session.dialect(),
            Arc::clone(&session.in_flight).acquire_owned().await,
        ) else {
            return Handled::Now(Err(Error::Internal), ack);
        };
        let origin = Origin::Socket {
            session: Arc::clone(session),
            ack,
            echo,
            permit,
        };
        let tag = Tag {
            origin,
            about,
            dialect,
        };
        match self.writer.submit(write, tag) {
            Ok(()) => Handled::Later,
            Err((tag, error)) => match tag.origin {
                Origin::Socket { ack, .. } => Handled::Now(Err(error), ack),
                Origin::Rest { .. } => Handled::Now(Err(error), None),
            },
        }
    }

    async fn do_now(&self, session: &Arc<Session>, request: Request) -> Result<Reply> {
        match request {
            Request::JoinUser { user } => self.join_user(session, user).await,
            Request::LeaveUser => {
                if let Some(user) = self.sessions.unlisten_user(session) {
                    self.presence.leave(&user);
                }
                Ok(Reply::Done)
            }
            Request::JoinConversation { conversation } => {
                self.check_access(&session.identity, &conversation).await?;
                self.sessions.listen(session, &conversation)?;
                Ok(Reply::Conversation(conversation))
            }
            Request::LeaveConversation { conversation } => {
                self.stop_typing_by(session.id, Some(&conversation)).await;
                self.sessions.unlisten(session, &conversation);
                Ok(Reply::Conversation(conversation))
            }
            Request::SetTyping {
                conversation,
                user,
                is_typing,
            } => {
                let asserted = session.asserted();
                let user = session.identity.acting(user.as_ref(), asserted.as_ref())?;
                self.check_access(&session.identity, &conversation).await?;
                self.set_typing(session.id, conversation, user, is_typing)
                    .await;
                Ok(Reply::Done)
            }
            Request::RelayMessage { .. } | Request::RelayRead { .. } => {
                self.check_relay(&session.identity)?;
                self.relay(session, request).await
            }
            Request::Send(_) | Request::MarkRead { .. } => Err(Error::Internal),
        }
    }

    async fn join_user(&self, session: &Arc<Session>, user: UserId) -> Result<Reply> {
        let asserted = session.asserted();
        let user = session
            .identity
            .acting(Some(&user), asserted.as_ref())
            .map_err(|_| Error::Forbidden("Authentication error"))?;
        self.introduce(&user, session.identity.name.as_deref())
            .await?;
        // Arrive before leaving, so that a second call for the same user is no coming and going.
        let arrival = self.presence.arrive(&user);
        if let Some(earlier) = self.sessions.listen_user(session, &user) {
            self.presence.leave(&earlier);
        }
        if arrival.came_online {
            let event = Event::Online {
                user: user.clone(),
                except: session.id,
            };
            self.publish(event).await;
        }
        let online = arrival.online;
        Ok(Reply::JoinedUser { user, online })
    }

    async fn relay(&self, session: &Arc<Session>, request: Request) -> Result<Reply> {
        let dialect = session.dialect().ok_or(Error::Internal)?;
        match request {
            Request::RelayMessage {
                conversation,
                receiver,
                message,
            } => {
                let event = Event::Relayed {
                    conversation,
                    receiver,
                    message: message.0,
                };
                self.publish(event).await;
            }
            Request::RelayRead {
                conversation,
                reader,
            } => {
                let found = self.find_conversation(&conversation).await?;
                let other = found.and_then(|found| found.other(&reader).cloned());
                let event = Event::Read {
                    conversation,
                    reader,
                    at: store::now(),
                    other,
                    except: None,
                    dialect,
                };
                self.publish(event).await;
            }
            _ => return Err(Error::Internal),
        }
        Ok(Reply::Done)
    }

    /// Undoes everything that a socket had asked for, when it is gone.
    pub async fn forget(&self, session: &Arc<Session>) {
        self.stop_typing_by(session.id, None).await;
        let listened_for = self.sessions.close(session);
        if let Some(user) = listened_for
            && session.dialect().is_some()
        {
            self.presence.leave(&user);
        }
    }
}
