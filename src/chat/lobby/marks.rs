//! What others do to a message of a room: reading it, and putting reactions on it.

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::elsewhere::Age;
use super::rooms::room_of;
use super::{LobbyEvent, Note, Reaction, WantedReaction};
use crate::auth::Permission;
use crate::chat::handling::Step;
use crate::chat::{About, Caller, Chat, Dialect, Event, Message, Reply, Session, Write};
use crate::error::{Error, Result};
use crate::store::{self, Change, ReactionRow, ReadScope};

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

    /// Makes ready for the writer that somebody puts a reaction on a message, or takes it away.
    pub(in crate::chat) async fn prepare_reaction(
        &self,
        session: &Session,
        dialect: Dialect,
        wanted: WantedReaction,
    ) -> Result<(Write, About)> {
        self.note_present(session);
        let caller = self.speaker(session, dialect, None).await?;
        let message = self.lobby_message(session, &caller, wanted.room, &wanted.message);
        let message = message.await?;
        let change = Change::React {
            emoji: wanted.emoji,
            is_added: wanted.is_added,
        };
        self.prepare_change_of(&caller, &message, change).await
    }

    /// Reactions as this dialect shows them.
    pub(in crate::chat) fn lobby_reactions(&self, rows: &[ReactionRow]) -> Vec<Reaction> {
        let reaction = |row: &ReactionRow| Reaction {
            by: self.lobby_id(&row.user_id),
            emoji: row.emoji.clone(),
        };
        rows.iter().map(reaction).collect()
    }

    /// What is shown of a user as id: that of the oldest socket, so that it stays the same for a while
    /// and is the same on all nodes, or, when there is none, that of the user.
    pub(super) fn lobby_id(&self, user: &UserId) -> String {
        let (here, elsewhere) = (self.lobby_socket(user), self.lobby.oldest_elsewhere(user));
        let oldest = here.into_iter().chain(elsewhere).min();
        oldest.map_or_else(|| user.to_string(), |(_, socket_id)| socket_id)
    }

    /// The oldest socket that a user has here. Where there are other nodes only those count that they
    /// know.
    fn lobby_socket(&self, user: &UserId) -> Option<Age> {
        let mut oldest: Option<Arc<Session>> = None;
        let age = |session: &Session| (session.connected_at, session.id);
        self.sessions.each_of_user(user, |session| {
            let is_known = !self.is_shared() || self.roster.has_named(&session.socket_id);
            let is_older = oldest.as_ref().is_none_or(|it| age(session) < age(it));
            if session.dialect() == Some(Dialect::Starter) && is_known && is_older {
                oldest = Some(Arc::clone(session));
            }
        });
        oldest.map(|session| (session.connected_at, session.socket_id.clone()))
    }
}
