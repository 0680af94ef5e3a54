//! Making conversations, and managing who takes part in rooms.

use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId, UserId};
use uuid::Uuid;

use super::RoomDraft;
use crate::auth::Permission;
use crate::chat::roles::Act;
use crate::chat::rooms::KEEPS_OWNER;
use crate::chat::users::is_gallery;
use crate::chat::{Caller, Chat, Conversation, ConversationView, ParticipantView};
use crate::error::{Error, Result};
use crate::store::{NewRoom, Pair, Parting, RoomChange};

const NO_PARTICIPANT: Error = Error::NotFound("Participant not found");

impl Chat {
    /// The direct conversation with a user, and whether it was made just now.
    pub(super) async fn open_pair(
        &self,
        caller: &Caller,
        other: UserId,
    ) -> Result<(ConversationView, bool)> {
        caller.check(Permission::Write)?;
        let pair = Pair::new(caller.user.clone(), other);
        let (conversation, is_new) = self.pair_conversation(pair, None, false).await?;
        Ok((self.view(caller, &conversation).await?, is_new))
    }

    /// Makes a room that the caller owns, or finds the one that the caller made under that key.
    pub(super) async fn make_room(
        &self,
        caller: &Caller,
        draft: RoomDraft,
    ) -> Result<ConversationView> {
        caller.check(Permission::Write)?;
        let mut members = vec![(PartyId::from(&caller.user), ParticipantRole::Owner)];
        for user in &draft.users {
            let party = self.party_of(user).await?;
            if members.iter().all(|(known, _)| *known != party) {
                members.push((party, ParticipantRole::Member));
            }
        }
        let id = ConversationId::from(Uuid::now_v7().to_string());
        let new = NewRoom {
            description: draft.description,
            is_open: draft.is_open,
            dedup_key: draft.key.map(|key| scoped_key(&caller.user, &key)),
            members,
            ..NewRoom::of_people(id, draft.name)
        };
        let (room, _) = self.create_room(new).await?;
        if !room.admits(caller) {
            // The caller made it once, and has left since.
            return Err(Error::Conflict("This key is taken"));
        }
        self.view(caller, &room).await
    }

    /// The party of a user who may be let in.
    async fn party_of(&self, user: &UserId) -> Result<PartyId> {
        let party = PartyId::from(user);
        if is_gallery(user) {
            return Err(Error::InvalidPayload("Invalid user ID"));
        }
        if !self.config.allow_unknown_users {
            self.known_profile(user).await?;
        }
        Ok(party)
    }

    /// Changes what is known about a room.
    pub(super) async fn change_room(
        &self,
        caller: &Caller,
        id: &ConversationId,
        change: RoomChange,
    ) -> Result<ConversationView> {
        let room = self.manage(caller, id, None, |_| Ok(Act::Update)).await?;
        if change != RoomChange::default() {
            self.update_room(&room.id, &change).await?;
        }
        self.view(caller, &room).await
    }

    /// Lets a user take part. Who takes part already keeps the role.
    pub(super) async fn add_participant(
        &self,
        caller: &Caller,
        id: &ConversationId,
        user: &UserId,
        role: Option<ParticipantRole>,
    ) -> Result<ParticipantView> {
        let wanted = role.unwrap_or(ParticipantRole::Member);
        let act = |_| Ok(Act::Add(wanted));
        let room = self.manage(caller, id, Some(user), act).await?;
        self.party_of(user).await?;
        match role_in(&room, user) {
            None => {
                self.add_member(&room, user, wanted).await?;
            }
            Some(own) if role.is_some_and(|role| role != own) => {
                return Err(Error::Conflict("Takes part already, in another role"));
            }
            Some(_) => {}
        }
        self.participant(id, user).await
    }

    /// Ends the part of a user: the caller leaves, or shows somebody out.
    pub(super) async fn remove_participant(
        &self,
        caller: &Caller,
        id: &ConversationId,
        user: &UserId,
    ) -> Result<()> {
        let room = self.enter_about(caller, id, Some(user)).await?;
        room.managed()?;
        self.end_part(Some(caller), &room, user, NO_PARTICIPANT)
            .await
    }

    /// Gives a participant another role.
    pub(super) async fn set_role(
        &self,
        caller: &Caller,
        id: &ConversationId,
        user: &UserId,
        to: ParticipantRole,
    ) -> Result<ParticipantView> {
        let is_oneself = *user == caller.user;
        let act = |role: Option<ParticipantRole>| match role {
            Some(_) if is_oneself => Ok(Act::Become(to)),
            Some(from) => Ok(Act::Promote { from, to }),
            None => Err(NO_PARTICIPANT),
        };
        let room = self.manage(caller, id, Some(user), act).await?;
        if role_in(&room, user) != Some(to) {
            let mut change = self.conversations.change(id);
            match self.store.change_role(id, &PartyId::from(user), to).await? {
                Parting::Done => {
                    change.note_stored(None);
                    self.tell_changed(id).await;
                    change.end();
                }
                Parting::Absent => return Err(NO_PARTICIPANT),
                Parting::LastOwner => {
                    change.end();
                    return Err(Error::Forbidden(KEEPS_OWNER));
                }
            }
        }
        self.participant(id, user).await
    }

    /// The room, if the caller may do that in it. `act` says what it is from the role that `user`
    /// has now.
    async fn manage(
        &self,
        caller: &Caller,
        id: &ConversationId,
        user: Option<&UserId>,
        act: impl FnOnce(Option<ParticipantRole>) -> Result<Act>,
    ) -> Result<Arc<Conversation>> {
        let room = self.enter_about(caller, id, user).await?;
        let role = user.and_then(|user| role_in(&room, user));
        room.check_act(caller, act(role)?)?;
        Ok(room)
    }

    /// The room, to change something about a user. Who is not known to take part may have been let in
    /// on another node just now.
    async fn enter_about(
        &self,
        caller: &Caller,
        id: &ConversationId,
        user: Option<&UserId>,
    ) -> Result<Arc<Conversation>> {
        let room = self.enter(caller, id).await?;
        caller.check(Permission::Write)?;
        if user.is_none_or(|user| room.has_member(user)) {
            return Ok(room);
        }
        Ok(self.renewed(&room).await?.unwrap_or(room))
    }

    async fn participant(&self, id: &ConversationId, user: &UserId) -> Result<ParticipantView> {
        let found = self
            .store
            .find_participant(id, &PartyId::from(user))
            .await?;
        found
            .map(|row| self.show_participant(row))
            .ok_or(NO_PARTICIPANT)
    }
}

fn role_in(room: &Conversation, user: &UserId) -> Option<ParticipantRole> {
    room.room()?.members.get(user).copied()
}

/// A key that no other user can have, whatever the id and the key look like.
fn scoped_key(user: &UserId, key: &str) -> String {
    let n_chars = user.as_str().chars().count();
    format!("user:{n_chars}:{user}:{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_users_own() {
        let key = |user: &str, key| scoped_key(&UserId::from(user), key);
        assert_eq!(key("a", "k"), key("a", "k"));
        assert_ne!(key("a", "k"), key("b", "k"));
        assert_ne!(key("a", "b:c"), key("a:b", "c"));
    }
}
