//! Doing what clients ask over a socket: from a request to the service that does it.

use std::sync::Arc;

use serde_json::value::RawValue;
use sohbet_entity::ids::UserId;
use tokio::sync::OwnedSemaphorePermit;

use super::sessions::MAX_IN_FLIGHT;
use super::{
    About, Ack, Chat, Event, Handled, Joined, Origin, Reply, Request, Session, SocketRequest, Tag,
};
use crate::error::{Error, Result};
use crate::store::{self, Write};

impl Chat {
    /// Does what a client asks. Requests of one socket are handled one after the other; writes may
    /// be under way at the same time, and everything else waits until they are answered.
    pub async fn handle(
        &self,
        session: &Arc<Session>,
        asked: SocketRequest,
        ack: Option<Ack>,
    ) -> Handled {
        let asserted = session.asserted();
        let (identity, asserted) = (&session.identity, asserted.as_ref());
        let prepared = match asked.request {
            Request::Send(draft) => self.prepare_send(identity, asserted, *draft).await,
            Request::MarkRead {
                conversation,
                reader,
            } => {
                self.prepare_read(identity, conversation, Some(&reader), asserted)
                    .await
            }
            Request::JoinUser { user } => {
                self.wait_for_writes(session).await;
                return self.join_user(session, user, ack).await;
            }
            request => {
                self.wait_for_writes(session).await;
                let (outcome, then) = match self.do_now(session, request).await {
                    Ok((reply, then)) => (Ok(reply), then),
                    Err(error) => (Err(error), None),
                };
                return Handled::Now { outcome, ack, then };
            }
        };
        match prepared {
            Ok((write, about)) => self.submit(session, write, about, asked.echo, ack).await,
            Err(error) => {
                self.wait_for_writes(session).await;
                Handled::refused(error, ack)
            }
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
        write: Write,
        about: About,
        echo: Option<Box<RawValue>>,
        ack: Option<Ack>,
    ) -> Handled {
        let (Some(dialect), Some(permit)) = (session.dialect(), permit(session).await) else {
            return Handled::refused(Error::Internal, ack);
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
            before: self.ended_typing(&write),
            dialect,
        };
        let Err((tag, error)) = self.writer.submit(write, tag) else {
            return Handled::Later;
        };
        match tag.origin {
            Origin::Socket { ack, permit, .. } => {
                drop(permit);
                self.wait_for_writes(session).await;
                Handled::refused(error, ack)
            }
            Origin::Rest { .. } => Handled::refused(error, None),
        }
    }

    async fn do_now(
        &self,
        session: &Arc<Session>,
        request: Request,
    ) -> Result<(Reply, Option<Event>)> {
        match request {
            Request::LeaveUser => {
                if let Some(user) = self.sessions.unlisten_user(session) {
                    self.presence.leave(&user);
                }
                Ok((Reply::Done, None))
            }
            Request::JoinConversation { conversation } => {
                self.check_access(&session.identity, &conversation).await?;
                self.sessions.listen(session, &conversation)?;
                Ok((Reply::Conversation(conversation), None))
            }
            Request::LeaveConversation { conversation } => {
                self.stop_typing_by(session.id, Some(&conversation)).await;
                self.sessions.unlisten(session, &conversation);
                Ok((Reply::Conversation(conversation), None))
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
                Ok((Reply::Done, None))
            }
            Request::RelayMessage { .. } | Request::RelayRead { .. } => {
                self.check_relay(&session.identity)?;
                let event = self.relayed(session, request).await?;
                Ok((Reply::Done, Some(event)))
            }
            Request::JoinUser { .. } | Request::Send(_) | Request::MarkRead { .. } => {
                Err(Error::Internal)
            }
        }
    }

    /// Listens for a user. Delivery answers, so that the list of who is online fits the events
    /// around it.
    async fn join_user(&self, session: &Arc<Session>, user: UserId, ack: Option<Ack>) -> Handled {
        let asserted = session.asserted();
        let acting = session.identity.acting(Some(&user), asserted.as_ref());
        let Ok(user) = acting else {
            return Handled::refused(Error::Forbidden("Authentication error"), ack);
        };
        if let Err(error) = self.introduce(&user, None).await {
            return Handled::refused(error, ack);
        }
        let (Some(dialect), Some(permit)) = (session.dialect(), permit(session).await) else {
            return Handled::refused(Error::Internal, ack);
        };
        // Arrive before leaving, so that a second call for the same user is no coming and going.
        let came_online = self.presence.arrive(&user);
        if let Some(earlier) = self.sessions.listen_user(session, &user) {
            self.presence.leave(&earlier);
        }
        self.publish(Event::Joined(Joined {
            session: Arc::clone(session),
            user,
            came_online,
            ack,
            dialect,
            permit,
        }))
        .await;
        Handled::Later
    }

    async fn relayed(&self, session: &Session, request: Request) -> Result<Event> {
        match request {
            Request::RelayMessage {
                conversation,
                receiver,
                message,
            } => Ok(Event::Relayed {
                conversation,
                receiver,
                message: message.0,
            }),
            Request::RelayRead {
                conversation,
                reader,
            } => {
                let found = self.find_conversation(&conversation).await?;
                Ok(Event::Read {
                    other: found.and_then(|found| found.other(&reader).cloned()),
                    conversation,
                    reader,
                    at: store::now(),
                    except: None,
                    dialect: session.dialect().ok_or(Error::Internal)?,
                })
            }
            _ => Err(Error::Internal),
        }
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

/// A place among the requests of a socket that are under way.
async fn permit(session: &Session) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&session.in_flight).acquire_owned().await.ok()
}
