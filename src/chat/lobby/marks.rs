//! What others do to a message of a room: reading it, and putting reactions on it.

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, MessageId, UserId};

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
