//! Who does something: a user, and the organisation that the user acts for.

use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::{GalleryId, PartyId, UserId};

use super::{Chat, Conversation, Dialect};
use crate::auth::{Identity, Permission, Permissions, Trust};
use crate::error::{Error, Result};
use crate::store::Parties;

/// Who does one thing. Made once per request, from the identity of its socket or call and from the
/// ids in it; what a caller may do is asked of this alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The user who acts.
    pub user: UserId,
    /// The gallery that the user acts for.
    pub gallery: Option<GalleryId>,
    /// What the user may do on the whole server.
    pub role: UserRole,
    /// How far the above is believed.
    pub trust: Trust,
    /// What the caller may do at all.
    pub permissions: Permissions,
    /// Whether a program speaks, not a person.
    pub is_program: bool,
    /// The dialect in which it is asked for.
    pub dialect: Dialect,
}

/// In whose name somebody looks at conversations: that of a user, and in the rooms of dealers that
/// of the gallery that the user acts for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// The user.
    pub user: UserId,
    /// The gallery.
    pub gallery: Option<GalleryId>,
}

impl Viewer {
    /// The parties whose conversations are the viewer's.
    pub fn parties(&self) -> Parties {
        Parties {
            user: PartyId::from(&self.user),
            gallery: self.gallery.as_ref().map(PartyId::from),
        }
    }

    /// The party that would take part in a conversation.
    pub fn party_in(&self, conversation: &Conversation) -> PartyId {
        let is_dealer_room = conversation.galleries().is_some();
        let gallery = self.gallery.as_ref().filter(|_| is_dealer_room);
        gallery.map_or_else(|| PartyId::from(&self.user), PartyId::from)
    }
}

impl Caller {
    /// Somebody who looks without being anybody: sees everything where development mode hides
    /// nothing, and nothing elsewhere.
    pub fn visitor(identity: &Identity, dialect: Dialect) -> Self {
        Self {
            user: UserId::from(""),
            gallery: None,
            role: UserRole::Member,
            trust: identity.trust,
            permissions: identity.permissions(),
            is_program: identity.is_program(),
            dialect,
        }
    }

    /// Refuses what the caller's token does not permit.
    pub fn check(&self, permission: Permission) -> Result<()> {
        match self.permissions.has(permission) {
            true => Ok(()),
            false => Err(Error::Forbidden("Forbidden")),
        }
    }

    /// The party that takes part in a dealer room: the gallery the caller acts for, if there is one.
    pub fn gallery_party(&self) -> Option<PartyId> {
        self.gallery.as_ref().map(PartyId::from)
    }

    /// In whose name the caller looks at conversations.
    pub fn viewer(&self) -> Viewer {
        Viewer {
            user: self.user.clone(),
            gallery: self.gallery.clone(),
        }
    }

    /// Whether an administrator of the server speaks.
    pub fn is_admin(&self) -> bool {
        self.role == UserRole::Admin
    }
}

impl Chat {
    /// Who acts when a payload names `claimed` and the socket said `asserted` before.
    pub async fn caller(
        &self,
        identity: &Identity,
        dialect: Dialect,
        claimed: Option<&UserId>,
        asserted: Option<&UserId>,
    ) -> Result<Caller> {
        let user = identity.acting(claimed, asserted)?;
        let profile = self.acting_profile(dialect, &user).await?;
        // What a token says of its own user holds for nobody else.
        let is_own = identity.user.as_ref() == Some(&user);
        let gallery = identity.gallery.clone().filter(|_| is_own);
        let role = match identity.role.filter(|_| is_own) {
            Some(role) => role,
            // A program acts for an administrator as well, but not as one.
            None if identity.is_program() => UserRole::Member,
            None => profile.role,
        };
        Ok(Caller {
            gallery: gallery.or_else(|| profile.gallery.clone()),
            role,
            trust: identity.trust,
            permissions: identity.permissions(),
            // Who acts for a user sees what that user sees.
            is_program: identity.is_program() && is_own && identity.agent.is_none(),
            dialect,
            user,
        })
    }
}
