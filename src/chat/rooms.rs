//! Rooms: making them, and who takes part.

use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId, UserId};

use super::changes::Reason;
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
        let room = self.reload_conversation(&room.id).await?;
        self.tell_changed(&room.id).await;
        Ok(room)
    }

    /// Ends a user's part in a room, as the user wishes: from now on no socket of theirs hears of
    /// it.
    pub async fn remove_member(&self, id: &ConversationId, user: &UserId) -> Result<bool> {
        let has_left = self.store.remove_member(id, &PartyId::from(user)).await?;
        if has_left {
            self.finish_parting(id, user, Reason::Left).await?;
        }
        Ok(has_left)
    }

    /// Makes true for live sockets what the store has: a user no longer takes part.
    pub(super) async fn finish_parting(
        &self,
        id: &ConversationId,
        user: &UserId,
        reason: Reason,
    ) -> Result<()> {
        self.reload_conversation(id).await?;
        self.sessions.unlisten_all(user, id);
        self.stop_typing_in(id, user).await;
        self.tell_parted(id, user, reason).await;
        Ok(())
    }

    /// Changes what is known about a room.
    pub async fn update_room(
        &self,
        id: &ConversationId,
        change: &RoomChange,
    ) -> Result<Arc<Conversation>> {
        check_name(change.name.as_deref().unwrap_or_default())?;
        self.store.update_room(id, change).await?;
        let room = self.reload_conversation(id).await?;
        self.tell_changed(id).await;
        Ok(room)
    }
}

fn check_name(name: &str) -> Result<()> {
    match name.chars().count() > MAX_NAME_CHARS {
        true => Err(Error::TooLarge("Name is too long")),
        false => Ok(()),
    }
}
