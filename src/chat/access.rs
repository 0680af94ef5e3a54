//! May this caller do that here? One place decides.

use std::net::IpAddr;
use std::sync::Arc;

use sohbet_entity::ids::ConversationId;

use super::dialects::{Access, Feature};
use super::{Caller, Chat, Conversation, Kind, Listening, Session};
use crate::auth::{Identity, Permission, Trust};
use crate::error::{Error, Result};

impl Conversation {
    /// Whether the caller takes part: one of the two users, a member of the room, somebody who acts
    /// for one of the two galleries. Administrators and programs with a client token may enter the
    /// rooms of people, but neither direct conversations nor those of galleries. Where people have no
    /// accounts, nobody is a member of anything, and who names an open room is in it.
    pub fn admits(&self, caller: &Caller) -> bool {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::has("skip_member_check") {
            return true;
        }
        match &self.kind {
            Kind::Pair(pair) => pair.contains(&caller.user),
            Kind::Room(room) => match &room.galleries {
                Some(galleries) => {
                    let own = caller.gallery.as_ref();
                    own.is_some_and(|gallery| galleries.contains(gallery))
                }
                None => {
                    let is_member = room.members.contains_key(&caller.user);
                    let walks_in = room.is_open && caller.dialect.has(Feature::OpenDoors);
                    is_member || walks_in || caller.is_admin() || caller.is_program
                }
            },
        }
    }
}

impl Chat {
    /// The conversation to read in, if the caller takes part in it; for everybody else it does not
    /// exist.
    pub async fn enter(&self, caller: &Caller, id: &ConversationId) -> Result<Arc<Conversation>> {
        self.enter_to(Permission::Read, caller, id).await
    }

    /// As [`Chat::enter`], to do what that permission is for.
    pub(super) async fn enter_to(
        &self,
        permission: Permission,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Arc<Conversation>> {
        caller.check(permission)?;
        match self.find_conversation(id).await? {
            Some(found) if found.admits(caller) => Ok(found),
            Some(found) => match self.renewed(&found).await? {
                Some(now) if now.admits(caller) => Ok(now),
                _ => Err(Error::NO_CONVERSATION),
            },
            None => Err(Error::NO_CONVERSATION),
        }
    }

    /// Lets a caller near a conversation to listen and to read: whoever takes part, and in development
    /// mode everybody where the dialect comes from a server that checked nothing. Returns the
    /// conversation if it exists.
    pub async fn approach(
        &self,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Option<Arc<Conversation>>> {
        self.approach_to(Permission::Read, caller, id).await
    }

    /// As [`Chat::approach`], to do what that permission is for.
    pub(super) async fn approach_to(
        &self,
        permission: Permission,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Option<Arc<Conversation>>> {
        if is_trusting(caller) {
            caller.check(permission)?;
            return self.find_conversation(id).await;
        }
        self.enter_to(permission, caller, id).await.map(Some)
    }

    /// Lets a socket listen to a conversation that its caller has entered. Who was removed in between
    /// would go on listening, so the answer of a moment ago is checked again.
    pub(super) fn listen_as(
        &self,
        session: &Arc<Session>,
        caller: &Caller,
        known: &Arc<Conversation>,
    ) -> Result<()> {
        let member = session.user().filter(|user| known.has_member(user));
        let access = member.map_or(Listening::Guest, Listening::Member);
        self.sessions.listen(session, &known.id, access)?;
        if !is_trusting(caller) && !self.current(known).admits(caller) {
            self.sessions.unlisten(session, &known.id);
            return Err(Error::NO_CONVERSATION);
        }
        Ok(())
    }

    /// Whether a peer may relay events without an identity.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.config
            .trusted_addresses
            .contains(&address.to_canonical())
    }

    /// Lets a caller relay events that it stored elsewhere: a program, or a host application on a
    /// trusted address. A user is neither; in development mode everybody may.
    pub(super) fn check_relay(&self, identity: &Identity) -> Result<()> {
        let may = identity.trust == Trust::Relay
            || identity.may(Permission::Emit)
            || identity.is_program();
        match may {
            true => Ok(()),
            false => Err(Error::Forbidden("Forbidden")),
        }
    }
}

/// Whether a caller is believed and let in as the server was that the dialect comes from.
pub(super) fn is_trusting(caller: &Caller) -> bool {
    caller.trust == Trust::Claimed && caller.dialect.access() == Access::Open
}

/// The value of a cookie in a `Cookie` header.
pub fn cookie<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    let mut cookies = cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='));
    let (_, value) = cookies.find(|(key, _)| *key == name)?;
    (!value.is_empty()).then_some(value)
}
