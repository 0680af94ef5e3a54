//! Groups that people join by their id.

use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId};

use super::handling::Step;
use super::{Caller, Chat, Dialect, LOBBY, Reply, Session};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::NewRoom;

/// What a socket asks about groups.
#[derive(Debug, PartialEq)]
pub enum GroupRequest {
    /// Take part; a group that does not exist is made.
    Join {
        /// Which.
        group: ConversationId,
    },
    /// Take part no longer.
    Leave {
        /// Which.
        group: ConversationId,
    },
}

const NOT_FOUND: Error = Error::NotFound("Group not found");

impl Chat {
    pub(super) async fn do_group(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        request: GroupRequest,
    ) -> Result<Step> {
        let caller = self.speaker(session, dialect, None).await?;
        caller.check(Permission::Write)?;
        let group = match request {
            GroupRequest::Join { group } => {
                self.join_group(&caller, &group).await?;
                group
            }
            GroupRequest::Leave { group } => {
                self.leave_group(&caller, &group).await?;
                group
            }
        };
        Ok(Step::Told(Reply::Conversation(group), Vec::new()))
    }

    /// Whoever names a group that does not exist makes it, open for everybody who knows its id.
    async fn join_group(&self, caller: &Caller, id: &ConversationId) -> Result<()> {
        let found = match self.find_conversation(id).await? {
            Some(found) => found,
            // Nobody is its administrator.
            None if id.as_str() == LOBBY => return Err(NOT_FOUND),
            None => {
                let administrator = (PartyId::from(&caller.user), ParticipantRole::Admin);
                let new = NewRoom {
                    is_open: true,
                    members: vec![administrator],
                    ..NewRoom::of_people(id.clone(), "")
                };
                self.create_room(new).await?.0
            }
        };
        if found.has_member(&caller.user) && found.room().is_some() {
            return Ok(());
        }
        match found.room() {
            Some(room) if room.is_open && room.galleries.is_none() => {
                let role = ParticipantRole::Member;
                self.add_member(&found, &caller.user, role).await?;
                Ok(())
            }
            _ => Err(NOT_FOUND),
        }
    }

    async fn leave_group(&self, caller: &Caller, id: &ConversationId) -> Result<()> {
        let found = self.find_conversation(id).await?.ok_or(NOT_FOUND)?;
        self.end_part(Some(caller), &found, &caller.user, NOT_FOUND)
            .await
    }
}
