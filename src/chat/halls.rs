//! Halls: the rooms of people, as opposed to those of dealers. Which there are, who takes part, and
//! what is said in all of them.

mod newest;

use std::collections::HashMap;
use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId, UserId};
use uuid::Uuid;

use super::roles::Act;
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

    /// Makes a room whose first member the caller is, and its administrator. Nobody owns it: its
    /// members let each other in.
    pub async fn make_hall(&self, caller: &Caller, name: &str) -> Result<RoomRow> {
        caller.check(Permission::Write)?;
        let id = ConversationId::from(Uuid::now_v7().to_string());
        let new = NewRoom {
            members: vec![(PartyId::from(&caller.user), ParticipantRole::Admin)],
            ..NewRoom::of_people(id, name)
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
            _ => Err(Error::NO_ROOM),
        }
    }

    /// Lets a user take part, if the caller's role permits it; into an open room everybody comes
    /// alone. Without a caller nobody is asked.
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
                found
                    .check_act(by, Act::Add(ParticipantRole::Member))
                    .map_err(without_reason)?;
            }
        }
        self.known_profile(user).await?;
        if !found.has_member(user) {
            self.add_member(&found, user, ParticipantRole::Member)
                .await?;
        }
        Ok(())
    }

    /// Ends a user's part. Everybody may leave; a caller whose role permits it sends others away.
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
        self.known_profile(user).await?;
        let ended = self.end_part(by, &found, user, Error::NO_USER).await;
        ended.map_err(without_reason)
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
        self.dress_in_rooms(rows).await
    }

    /// The newest messages that the caller wrote in rooms of people, newest first.
    pub async fn list_written(&self, caller: &Caller) -> Result<Vec<HallMessage>> {
        caller.check(Permission::Read)?;
        let rows = self.store.list_written(&caller.user, MAX_MESSAGES).await?;
        self.dress_in_rooms(rows).await
    }

    async fn dress_in_rooms(&self, rows: Vec<MessageRow>) -> Result<Vec<HallMessage>> {
        let mut ids: Vec<&ConversationId> = rows.iter().map(|row| &row.conversation_id).collect();
        ids.sort();
        ids.dedup();
        let rooms = self.store.find_rooms(&ids).await?.into_iter();
        let rooms: HashMap<_, _> = rooms
            .map(|room| (room.conversation_id.clone(), Arc::new(room)))
            .collect();
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(conversation) = self.find_conversation(&row.conversation_id).await? {
                found.push((conversation, row));
            }
        }
        let in_room = |message: Message| {
            let room = Arc::clone(rooms.get(&message.conversation.id)?);
            Some(HallMessage { message, room })
        };
        let messages = self.dress_all(found).await?;
        Ok(messages.into_iter().filter_map(in_room).collect())
    }

    /// The room of people behind an id.
    async fn find_hall(&self, id: &ConversationId) -> Result<Arc<Conversation>> {
        let is_hall =
            |found: &Arc<Conversation>| found.room().is_some_and(|room| room.galleries.is_none());
        let found = self.find_conversation(id).await?;
        found.filter(is_hall).ok_or(Error::NO_ROOM)
    }

    async fn find_hall_row(&self, id: &ConversationId) -> Result<RoomRow> {
        let rows = self.store.find_rooms(&[id]).await?;
        rows.into_iter().next().ok_or(Error::NO_ROOM)
    }
}

/// Front ends of these rooms know one text for what is not permitted.
fn without_reason(error: Error) -> Error {
    match error {
        Error::Forbidden(_) => FORBIDDEN,
        other => other,
    }
}

fn check_admits(room: &Conversation, caller: &Caller) -> Result<()> {
    match room.admits(caller) {
        true => Ok(()),
        false => Err(FORBIDDEN),
    }
}
