//! Rooms: making them, and who takes part.

use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId, UserId};

use super::changes::Reason;
use super::conversations::Change;
use super::roles::{Act, standing};
use super::{Caller, Chat, Conversation};
use crate::error::{Error, Result};
use crate::store::{NewRoom, Parting, RoomChange};

/// Users who may take part in one room.
const MAX_MEMBERS: usize = 10_000;
/// Longest name of a room, in characters.
pub const MAX_NAME_CHARS: usize = 255;
/// Why the last owner of a room with others in it stays one.
pub const KEEPS_OWNER: &str = "A room keeps an owner";

impl Chat {
    /// Makes a room, unless there is one with that id or that key; says whether this call did.
    pub async fn create_room(&self, new: NewRoom) -> Result<(Arc<Conversation>, bool)> {
        check_name(&new.name)?;
        if new.members.len() > MAX_MEMBERS {
            return Err(Error::TooLarge("Too many participants"));
        }
        let made = self.store.create_room(&new).await?;
        let (id, is_new) = made.ok_or(Error::Conflict("This id is taken"))?;
        let room = self.find_conversation(&id).await?;
        if is_new {
            self.tell_changed(&id).await;
        }
        Ok((room.ok_or(Error::Internal)?, is_new))
    }

    /// Lets a user take part in this role. Who takes part already keeps the own one.
    pub async fn add_member(
        &self,
        room: &Conversation,
        user: &UserId,
        role: ParticipantRole,
    ) -> Result<Arc<Conversation>> {
        let n_members = room.room().map_or(0, |room| room.members.len());
        if n_members >= MAX_MEMBERS && !room.has_member(user) {
            return Err(Error::TooLarge("Too many participants"));
        }
        self.introduce(user, None).await?;
        let members = [(PartyId::from(user), role)];
        let mut change = self.conversations.change(&room.id);
        self.store.save_members(&room.id, &members).await?;
        change.note_stored(None);
        let now = self.read_conversation(&room.id).await?;
        self.tell_changed(&room.id).await;
        change.end();
        Ok(now)
    }

    /// Ends a user's part in a room of people: the user leaves, or is sent away by somebody of a
    /// higher standing; without a caller nobody is asked. A room with others in it keeps its last
    /// owner. `absent` says that the user does not take part.
    pub(super) async fn end_part(
        &self,
        by: Option<&Caller>,
        room: &Conversation,
        user: &UserId,
        absent: Error,
    ) -> Result<()> {
        let role = room.room().and_then(|room| room.members.get(user).copied());
        let Some(role) = role else {
            return Err(absent);
        };
        let other = by.filter(|by| by.user != *user);
        let reason = match other {
            Some(_) => Reason::Removed,
            None => Reason::Left,
        };
        if let Some(by) = other {
            let on_server = self.known_profile(user).await?.role;
            let standing = standing(Some(role), on_server).unwrap_or(role);
            room.check_act(by, Act::Remove(standing))?;
        }
        let change = self.conversations.change(&room.id);
        match self.store.end_part(&room.id, &PartyId::from(user)).await? {
            Parting::Done => {
                self.finish_parting(change, user, reason).await;
                Ok(())
            }
            // Another try went through, and its answer was lost.
            Parting::Absent => {
                self.finish_parting(change, user, reason).await;
                Err(absent)
            }
            Parting::LastOwner => {
                change.end();
                Err(Error::Forbidden(KEEPS_OWNER))
            }
        }
    }

    /// The sockets of a user who no longer takes part listen there no more, and nobody sees them type.
    pub(super) async fn silence_in(&self, id: &ConversationId, user: &UserId) {
        self.sessions.unlisten_all(user, id);
        self.stop_typing_in(id, user).await;
    }

    /// Nothing more is told to a user who no longer takes part. What is still to be told here is told to those
    /// of the room as it is now; if that cannot be read, whoever needs it next reads it.
    pub(super) async fn part(
        &self,
        id: &ConversationId,
        user: &UserId,
    ) -> Result<Arc<Conversation>> {
        self.sessions.unlisten_all(user, id);
        let read = self.read_conversation(id).await;
        // A socket of theirs may have begun to listen by what was read before.
        self.silence_in(id, user).await;
        read
    }

    /// Makes true for live sockets what the store has: a user no longer takes part.
    async fn finish_parting(&self, mut change: Change<'_>, user: &UserId, reason: Reason) {
        change.note_stored(Some(user));
        let id = change.id();
        let read = self.part(id, user).await;
        self.tell_parted(id, user, reason).await;
        if read.is_ok() {
            change.end();
        }
    }

    /// Changes what is known about a room.
    pub async fn update_room(
        &self,
        id: &ConversationId,
        change: &RoomChange,
    ) -> Result<Arc<Conversation>> {
        check_name(change.name.as_deref().unwrap_or_default())?;
        let mut telling = self.conversations.change(id);
        self.store.update_room(id, change).await?;
        telling.note_stored(None);
        let now = self.read_conversation(id).await?;
        self.tell_changed(id).await;
        telling.end();
        Ok(now)
    }
}

fn check_name(name: &str) -> Result<()> {
    match name.chars().count() > MAX_NAME_CHARS {
        true => Err(Error::TooLarge("Name is too long")),
        false => Ok(()),
    }
}
