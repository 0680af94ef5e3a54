//! Halls: the rooms of people, as opposed to those of dealers. Which there are, who takes part, and
//! what is said in all of them.

mod newest;

use std::collections::HashMap;
use std::sync::Arc;

use sohbet_entity::enums::{ParticipantRole, RoomType, UserRole};
use sohbet_entity::ids::{ConversationId, PartyId, UserId};
use uuid::Uuid;

use super::changes::Reason;
use super::roles::{Act, may};
use super::{Caller, Chat, Conversation, LOBBY, Message, Profile, Room};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{MessageRow, NewRoom, RoomRow, RoomSummary};

/// Rooms in one list; the newest ones count.
const MAX_ROOMS: u32 = 1_000;
/// Messages in one list over many rooms; the newest ones count.
const MAX_MESSAGES: u32 = 1_000;
/// Users that a room names.
const MAX_NAMED: u32 = 1_000;

const NOT_FOUND: Error = Error::NotFound("Room not found");
const FORBIDDEN: Error = Error::Forbidden("Forbidden");

/// A message of a list over many rooms.
#[derive(Debug)]
pub struct HallMessage {
    /// The message.
    pub message: Message,
    /// The room that it is in.
    pub room: Arc<RoomRow>,
}

impl Chat {
    /// Rooms of people, oldest first: those of the caller; for administrators and programs all.
    pub async fn list_halls(&self, caller: &Caller) -> Result<Vec<RoomSummary>> {
        caller.check(Permission::Read)?;
        let own = PartyId::from(&caller.user);
        let sees_all = caller.is_admin() || caller.is_program;
        let party = (!sees_all).then_some(&own);
        let mut halls = self.store.list_halls(party, MAX_ROOMS).await?;
        // The chat of people without accounts is nobody's room.
        halls.retain(|hall| hall.id.as_str() != LOBBY);
        Ok(halls)
    }

    /// Makes a room whose first member the caller is.
    pub async fn make_hall(&self, caller: &Caller, name: &str) -> Result<RoomRow> {
        caller.check(Permission::Write)?;
        let new = NewRoom {
            id: ConversationId::from(Uuid::now_v7().to_string()),
            name: name.to_owned(),
            description: None,
            room_type: RoomType::Group,
            offer_id: None,
            vehicle_id: None,
            galleries: None,
            is_open: false,
            dedup_key: None,
            members: vec![(PartyId::from(&caller.user), ParticipantRole::Owner)],
        };
        let (made, _) = self.create_room(new).await?;
        self.find_hall_row(&made.id).await
    }

    /// A room and who takes part in it, in order of joining; for a caller who may enter it, or for
    /// nobody in particular where everybody may.
    pub async fn show_hall(
        &self,
        caller: Option<&Caller>,
        id: &ConversationId,
    ) -> Result<(RoomRow, Vec<Profile>)> {
        let found = self.find_hall(id).await?;
        if let Some(caller) = caller {
            caller.check(Permission::Read)?;
            check_admits(&found, caller)?;
        }
        let members = self.store.list_members(id, MAX_NAMED).await?;
        let members = members.into_iter().map(Profile::from).collect();
        Ok((self.find_hall_row(id).await?, members))
    }

    /// The room behind an id, for a caller who may enter it to do what that permission is for.
    pub async fn enter_hall(
        &self,
        permission: Permission,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Arc<Conversation>> {
        match self.enter_to(permission, caller, id).await? {
            found if found.room().is_some() => Ok(found),
            _ => Err(NOT_FOUND),
        }
    }

    /// Lets a user take part. Who may enter the room lets others in, and into an open one everybody
    /// comes alone; without a caller nobody is asked.
    pub async fn let_into_hall(
        &self,
        by: Option<&Caller>,
        id: &ConversationId,
        user: &UserId,
    ) -> Result<()> {
        let found = self.find_hall(id).await?;
        if let Some(by) = by {
            by.check(Permission::Write)?;
            let is_open = found.room().is_some_and(|room| room.is_open);
            if !is_open || by.user != *user {
                check_admits(&found, by)?;
            }
        }
        self.known_profile(user).await?;
        if !found.has_member(user) {
            self.add_member(&found, user, ParticipantRole::Member)
                .await?;
        }
        Ok(())
    }

    /// Ends a user's part. Everybody may leave; a member sends away who has a lower standing, and
    /// administrators and programs everybody.
    pub async fn send_from_hall(
        &self,
        by: Option<&Caller>,
        id: &ConversationId,
        user: &UserId,
    ) -> Result<()> {
        let found = self.find_hall(id).await?;
        if let Some(by) = by {
            by.check(Permission::Write)?;
            if by.user != *user {
                check_admits(&found, by)?;
            }
        }
        let profile = self.known_profile(user).await?;
        let room = found.room().filter(|_| found.has_member(user));
        let room = room.ok_or(Error::NotFound("User not found"))?;
        if by.is_some_and(|by| !may_send_away(by, room, &profile)) {
            return Err(FORBIDDEN);
        }
        let is_oneself = by.is_none_or(|by| by.user == *user);
        let reason = match is_oneself {
            true => Reason::Left,
            false => Reason::Removed,
        };
        // Whoever made the room is a member like others here: it may end up without an owner.
        self.store.remove_member(id, &PartyId::from(user)).await?;
        self.finish_parting(id, user, reason).await
    }

    /// An open room takes in whoever comes; programs look on without taking part.
    pub(super) async fn take_in(&self, caller: &Caller, id: &ConversationId) -> Result<()> {
        let is_able = caller.permissions.has(Permission::Write) && !caller.is_program;
        let Some(found) = self.find_conversation(id).await?.filter(|_| is_able) else {
            return Ok(());
        };
        let takes_in = |room: &Room| room.is_open && room.is_active && room.galleries.is_none();
        if found.room().is_some_and(takes_in) && !found.has_member(&caller.user) {
            self.add_member(&found, &caller.user, ParticipantRole::Member)
                .await?;
        }
        Ok(())
    }

    /// The newest messages of all rooms of people, newest first; for programs only.
    pub async fn list_hall_messages(&self, caller: &Caller) -> Result<Vec<HallMessage>> {
        caller.check(Permission::Read)?;
        if !caller.is_program {
            return Err(Error::Forbidden(
                "Only client tokens can access all messages",
            ));
        }
        let rows = self.newest_hall_messages(MAX_MESSAGES).await?;
        self.dress_all(rows).await
    }

    /// The newest messages that the caller wrote in rooms of people, newest first.
    pub async fn list_written(&self, caller: &Caller) -> Result<Vec<HallMessage>> {
        caller.check(Permission::Read)?;
        let rows = self.store.list_written(&caller.user, MAX_MESSAGES).await?;
        self.dress_all(rows).await
    }

    async fn dress_all(&self, rows: Vec<MessageRow>) -> Result<Vec<HallMessage>> {
        let mut ids: Vec<&ConversationId> = rows.iter().map(|row| &row.conversation_id).collect();
        ids.sort();
        ids.dedup();
        let rooms = self.store.find_rooms(&ids).await?.into_iter();
        let rooms: HashMap<_, _> = rooms
            .map(|room| (room.conversation_id.clone(), Arc::new(room)))
            .collect();
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let found = self.find_conversation(&row.conversation_id).await?;
            if let Some((found, room)) = found.zip(rooms.get(&row.conversation_id)) {
                messages.push(HallMessage {
                    message: self.dress(&found, row).await?,
                    room: Arc::clone(room),
                });
            }
        }
        Ok(messages)
    }

    /// The room of people behind an id.
    async fn find_hall(&self, id: &ConversationId) -> Result<Arc<Conversation>> {
        let is_hall =
            |found: &Arc<Conversation>| found.room().is_some_and(|room| room.galleries.is_none());
        let found = self.find_conversation(id).await?;
        found.filter(is_hall).ok_or(NOT_FOUND)
    }

    async fn find_hall_row(&self, id: &ConversationId) -> Result<RoomRow> {
        let rows = self.store.find_rooms(&[id]).await?;
        rows.into_iter().next().ok_or(NOT_FOUND)
    }
}

fn check_admits(room: &Conversation, caller: &Caller) -> Result<()> {
    match room.admits(caller) {
        true => Ok(()),
        false => Err(FORBIDDEN),
    }
}

fn may_send_away(by: &Caller, room: &Room, user: &Profile) -> bool {
    let standing = |user: &UserId, on_server| standing(room.members.get(user).copied(), on_server);
    let other = standing(&user.id, user.role);
    by.user == user.id
        || by.is_program
        || by.is_admin()
        || may(standing(&by.user, by.role), Act::Remove(other))
}

/// What somebody is in a room: by the role there, or by the one on the whole server.
fn standing(here: Option<ParticipantRole>, on_server: UserRole) -> ParticipantRole {
    let here = here.unwrap_or(ParticipantRole::Member);
    match (here, on_server) {
        (_, UserRole::Admin) => ParticipantRole::Owner,
        (ParticipantRole::Member, UserRole::Moderator) => ParticipantRole::Moderator,
        _ => here,
    }
}

#[cfg(test)]
mod tests {
    use super::ParticipantRole::{Member, Owner};
    use super::*;
    use crate::auth::{Identity, Trust};
    use crate::chat::Dialect;

    /// A room of `owner` with a few members.
    fn room() -> Room {
        let members = ["owner", "u", "v", "mod", "root"];
        let role = |user| if user == "owner" { Owner } else { Member };
        Room {
            room_type: RoomType::Group,
            name: String::new(),
            description: None,
            is_open: false,
            is_active: true,
            galleries: None,
            members: members.map(|user| (user.into(), role(user))).into(),
        }
    }

    fn role(user: &str) -> UserRole {
        match user {
            "root" => UserRole::Admin,
            "mod" => UserRole::Moderator,
            _ => UserRole::Member,
        }
    }

    fn may_send(by: &str, user: &str) -> bool {
        let by = Caller {
            user: by.into(),
            role: role(by),
            ..Caller::visitor(&Identity::nobody(Trust::Claimed), Dialect::Chatsphere)
        };
        let user = Profile {
            id: user.into(),
            name: None,
            username: None,
            avatar_url: None,
            role: role(user),
            gallery: None,
        };
        may_send_away(&by, &room(), &user)
    }

    #[test]
    fn everybody_leaves_and_only_a_higher_standing_sends_away() {
        for user in ["owner", "u", "mod", "root"] {
            assert!(may_send(user, user), "{user}");
        }
        for (by, user) in [
            ("owner", "u"),
            ("owner", "mod"),
            ("mod", "u"),
            ("root", "owner"),
        ] {
            assert!(may_send(by, user), "{by} {user}");
            assert!(!may_send(user, by), "{user} {by}");
        }
        for (by, user) in [("u", "v"), ("owner", "root"), ("mod", "root")] {
            assert!(!may_send(by, user), "{by} {user}");
        }
    }
}
