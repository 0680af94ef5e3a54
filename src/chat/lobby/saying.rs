//! Saying something: to everybody in the lobby or in a room, or to one socket.

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, UserId};

use super::{Note, Said, Whom};
use crate::auth::{Identity, Trust};
use crate::chat::{
    About, Caller, Channel, Chat, ClientId, ConversationHint, Dialect, Draft, Session, Target,
    Write,
};
use crate::error::Result;

/// The name of a socket that has not said one.
const NO_NAME: &str = "Anonymous";

impl Chat {
    /// Checks what somebody says and makes it ready for the writer.
    pub(in crate::chat) async fn prepare_said(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        said: Said,
    ) -> Result<(Write, About)> {
        self.note_present(session);
        let caller = self.speaker(session, dialect, None).await?;
        let client_id = said.client_id.as_ref();
        let (target, to) = self.target_of(session, &caller, said.to, client_id).await?;
        let note = Note {
            sender: self.lobby_name(session, &caller.user).await?.to_string(),
            sender_id: session.socket_id.clone(),
            to,
            passed: said.passed,
            ..Note::default()
        };
        let draft = Draft {
            content: said.text,
            metadata: Some(note.write(None)),
            client_id: said.client_id,
            ..Draft::new(target, Channel::Socket)
        };
        self.prepare_send(&caller, draft).await
    }

    /// The conversation, and the socket that a private message is for.
    async fn target_of(
        &self,
        session: &Session,
        caller: &Caller,
        whom: Whom,
        client_id: Option<&ClientId>,
    ) -> Result<(Target, Option<String>)> {
        let conversation = match whom {
            Whom::Socket(id) => return self.one_socket(caller, id, client_id).await,
            Whom::All { room } => match (session.room(), room) {
                (None, named) => match self.sent_before(caller, named, client_id).await? {
                    Some(room) => return Ok((Target::Conversation(room), None)),
                    None => self.lobby_conversation().await?,
                },
                (Some(own), named) => {
                    let room = named.unwrap_or(own);
                    self.lobby_room(caller, &room).await?.0
                }
            },
        };
        Ok((Target::Conversation(conversation.id.clone()), None))
    }

    /// The room that was named, if the caller has sent this there: a client that comes back may repeat
    /// what was not answered before it enters its room again.
    async fn sent_before(
        &self,
        caller: &Caller,
        room: Option<ConversationId>,
        client_id: Option<&ClientId>,
    ) -> Result<Option<ConversationId>> {
        let (Some(room), Some(ClientId::Explicit(client_id))) = (room, client_id) else {
            return Ok(None);
        };
        let is_sent = self.has_sent(caller, &room, client_id).await?;
        Ok(is_sent.then_some(room))
    }

    /// Who is behind a socket. What is said to a socket that is not there is kept by who said it, unless
    /// it was said to that socket before.
    async fn one_socket(
        &self,
        caller: &Caller,
        id: String,
        client_id: Option<&ClientId>,
    ) -> Result<(Target, Option<String>)> {
        let found = self.sessions.find(&id);
        let found = found.filter(|session| session.dialect() == Some(caller.dialect));
        let user = found.and_then(|session| {
            self.admit_guest(&session);
            session.user()
        });
        let user = user.or_else(|| self.lobby.user_elsewhere(&id));
        if user.is_none()
            && let Some(sent) = self.sent_to_socket(caller, &id, client_id).await?
        {
            return Ok((Target::Conversation(sent), Some(id)));
        }
        if let Some(user) = &user {
            // A guest who has said nothing yet is mentioned for the first time.
            self.profile(user).await?;
        }
        let to = user.as_ref().map(|_| id);
        let target = Target::User {
            receiver: user.unwrap_or_else(|| caller.user.clone()),
            conversation: ConversationHint::None,
        };
        Ok((target, to))
    }

    /// What others call a socket.
    pub(super) async fn lobby_name(&self, session: &Session, user: &UserId) -> Result<Arc<str>> {
        if let Some(person) = self.lobby.person(session.id) {
            return Ok(Arc::clone(&person.name));
        }
        let identity = session.identity();
        match says_own_name(identity) {
            true => Ok(identity.name.as_deref().unwrap_or(NO_NAME).into()),
            false => self.proven_name(identity, user).await,
        }
    }

    /// The name that a token gives, or that is known of its user.
    pub(super) async fn proven_name(&self, identity: &Identity, user: &UserId) -> Result<Arc<str>> {
        let profile = self.profile(user).await?;
        let name = identity.name.as_deref().or(profile.name.as_deref());
        Ok(name.unwrap_or(user.as_str()).into())
    }
}

/// Whether somebody is called what the client says; otherwise a token says it.
pub(super) fn says_own_name(identity: &Identity) -> bool {
    identity.trust == Trust::Claimed && identity.grant.is_none()
}
