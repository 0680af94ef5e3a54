//! What others do to a message of a room: reading it, and putting reactions on it.

use std::collections::HashMap;
use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::rooms::room_of;
use super::{LobbyEvent, Note, Reaction};
use crate::auth::Permission;
use crate::chat::handling::Step;
use crate::chat::{Caller, Chat, Dialect, Event, Message, Reply, Session};
use crate::error::{Error, Result};
use crate::store::{self, ReadScope};

/// Most reactions to one message.
const MAX_REACTIONS: usize = 1_000;

impl Chat {
    /// A message of the room that a request names, or of the socket's own.
    pub(super) async fn lobby_message(
        &self,
        session: &Session,
        caller: &Caller,
        room: Option<ConversationId>,
        id: &MessageId,
    ) -> Result<Message> {
        let room = room_of(session, room);
        let room = self.find_lobby_room(caller, &room).await?;
        let (room, row) = room
            .zip(self.find_message(id).await?)
            .ok_or(Error::NO_MESSAGE)?;
        if row.conversation_id != room.id || row.deleted_at.is_some() {
            return Err(Error::NO_MESSAGE);
        }
        self.dress(&room, row).await
    }

    /// Lets the author know that somebody has read a message. Who takes part in the room has read it
    /// in every dialect.
    pub(super) async fn mark_lobby_message(
        &self,
        session: &Session,
        caller: &Caller,
        room: Option<ConversationId>,
        id: &MessageId,
    ) -> Result<Step> {
        caller.check(Permission::Write)?;
        let message = self.lobby_message(session, caller, room, id).await?;
        let author = &message.row.sender_id;
        if *author == caller.user {
            return Ok(Step::Told(Reply::Done, Vec::new()));
        }
        let conversation = &message.conversation;
        if conversation.has_member(&caller.user) {
            let scope = ReadScope::One(message.row.seq);
            self.mark_read(caller, conversation.id.clone(), scope)
                .await?;
        }
        let add = |metadata| Note::add_reader(metadata, &caller.user, store::now());
        let is_new = self.store.change_metadata(id, add).await?;
        let read = LobbyEvent::Read {
            author: author.clone(),
            message: id.clone(),
            reader: self.lobby_name(session, &caller.user).await?,
        };
        let told = is_new.then(|| Event::Lobby(read));
        Ok(Step::Told(Reply::Done, told.into_iter().collect()))
    }

    /// Puts a reaction on a message, or takes it away. Nobody is told of what changes nothing.
    pub(super) async fn react(
        &self,
        caller: &Caller,
        message: &Message,
        emoji: String,
        is_added: bool,
    ) -> Result<Option<Event>> {
        caller.check(Permission::Write)?;
        let id = &message.row.id;
        let n_reactions = self.reactions_of(&[id]).await?.get(id).map_or(0, Vec::len);
        if is_added && n_reactions >= MAX_REACTIONS {
            return Err(Error::TooLarge("Too many reactions"));
        }
        let changed = self
            .store
            .change_reaction(id, &caller.user, &emoji, is_added);
        if !changed.await? {
            return Ok(None);
        }
        self.tell_message_changed(id).await;
        let mut reactions = self.reactions_of(&[id]).await?;
        Ok(Some(Event::Lobby(LobbyEvent::Reacted {
            room: message.row.conversation_id.clone(),
            message: id.clone(),
            reactions: reactions.remove(id).unwrap_or_default(),
            emoji,
        })))
    }

    /// The reactions to messages, equal ones together.
    pub(super) async fn reactions_of(
        &self,
        messages: &[&MessageId],
    ) -> Result<HashMap<MessageId, Vec<Reaction>>> {
        let mut reactions: HashMap<MessageId, Vec<Reaction>> = HashMap::new();
        let rows = self.store.list_reactions(messages, MAX_REACTIONS as u32);
        for row in rows.await? {
            let reaction = Reaction {
                by: self.lobby_id(&row.user_id),
                emoji: row.emoji,
            };
            let of_message = reactions.entry(row.message_id).or_default();
            of_message.push(reaction);
        }
        Ok(reactions)
    }

    /// What is shown of a user as id: that of the oldest socket here, so that it stays the same for
    /// a while, or, when there is none, that of the user.
    pub(super) fn lobby_id(&self, user: &UserId) -> String {
        let socket = self.lobby_socket(user);
        socket.map_or_else(|| user.to_string(), |session| session.socket_id.clone())
    }

    fn lobby_socket(&self, user: &UserId) -> Option<Arc<Session>> {
        let mut oldest: Option<Arc<Session>> = None;
        self.sessions.each_of_user(user, |session| {
            let is_older = oldest.as_ref().is_none_or(|oldest| session.id < oldest.id);
            if session.dialect() == Some(Dialect::Starter) && is_older {
                oldest = Some(Arc::clone(session));
            }
        });
        oldest
    }
}
