//! Rooms: making them, and who takes part.

use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId, UserId};

use super::{Chat, Conversation};
use crate::error::{Error, Result};
use crate::store::{NewRoom, RoomChange};

/// Users who may take part in one room.
const MAX_MEMBERS: usize = 10_000;
/// Longest name of a room, in characters.
pub const MAX_NAME_CHARS: usize = 255;

impl Chat {
    /// Makes a room, unless there is one with that id or that key; says whether this call did.
    pub async fn create_room(&self, new: NewRoom) -> Result<(Arc<Conversation>, bool)> {
        if new.name.chars().count() > MAX_NAME_CHARS {
            return Err(Error::TooLarge("Name is too long"));
        }
        if new.members.len() > MAX_MEMBERS {
            return Err(Error::TooLarge("Too many participants"));
        }
        let made = self.store.create_room(&new).await?;
        let (id, is_new) = made.ok_or(Error::Conflict("This id is taken"))?;
        let room = self.find_conversation(&id).await?;
        Ok((room.ok_or(Error::Internal)?, is_new))
    }

    /// Lets a user take part, or gives who takes part already another role.
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
        self.store.save_members(&room.id, &members).await?;
        self.reload_conversation(&room.id).await
    }

    /// Ends a user's part in a room: from now on no socket of theirs hears of it.
    pub async fn remove_member(&self, id: &ConversationId, user: &UserId) -> Result<bool> {
        let has_left = self.store.remove_member(id, &PartyId::from(user)).await?;
        self.reload_conversation(id).await?;
        self.sessions.unlisten_all(user, id);
        Ok(has_left)
    }

    /// Changes what is known about a room.
    pub async fn update_room(
        &self,
        id: &ConversationId,
        change: &RoomChange,
    ) -> Result<Arc<Conversation>> {
        self.store.update_room(id, change).await?;
        self.reload_conversation(id).await
    }
}
