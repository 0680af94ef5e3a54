//! Who stands behind a socket or a request, and what that permits.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sohbet_entity::enums::{TokenType, UserRole};
use sohbet_entity::ids::{GalleryId, UserId};

use super::{Grant, Permission, Permissions, REFUSAL, Shown};
use crate::error::{Error, Result};

/// How far an identity is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Development mode: ids are what the client claims.
    Claimed,
    /// A key verified them.
    Verified,
    /// A host application on a trusted address: it relays, and is nobody itself.
    Relay,
}

/// What the cookie of a session of the host application holds. It proves a login, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(Arc<str>);

impl SessionToken {
    /// The text, to be looked up.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SessionToken {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionToken(***)")
    }
}

/// Who stands behind a socket or a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The user; in development mode a socket may not have said yet.
    pub user: Option<UserId>,
    /// Display name, as far as the token or the client gives one.
    pub name: Option<String>,
    /// Role that a token names.
    pub role: Option<UserRole>,
    /// The same as the token words it: in one dialect it is part of who somebody is.
    pub title: Option<String>,
    /// The gallery that the caller acts for.
    pub gallery: Option<GalleryId>,
    /// How far the above is believed.
    pub trust: Trust,
    /// When the login ends that proved it; API tokens say so in `grant`.
    pub expires_at: Option<DateTime<Utc>>,
    /// When that login was made, as far as it says; older ones can be called back.
    pub issued_at: Option<DateTime<Utc>>,
    /// What was shown to the host application, if it said who this is.
    pub shown: Option<Arc<Shown>>,
    /// The session of the host application in the same database, if that said who this is.
    pub session: Option<SessionToken>,
    /// The API token that it came with.
    pub grant: Option<Arc<Grant>>,
    /// Whose the token is, where the user is another one: a program acts for them.
    pub agent: Option<UserId>,
}

impl Identity {
    /// Somebody without an id, a name or a role. How far that is believed must be said: what is
    /// claimed may do everything.
    pub const fn nobody(trust: Trust) -> Self {
        Self {
            user: None,
            name: None,
            role: None,
            title: None,
            gallery: None,
            trust,
            expires_at: None,
            issued_at: None,
            shown: None,
            session: None,
            grant: None,
            agent: None,
        }
    }

    /// This identity, as far as a token lets it act.
    pub fn with_grant(self, grant: Grant) -> Self {
        // A token that was made narrow on purpose, or for a program, does not carry the role.
        let is_whole = grant.permissions == Permissions::of_user(self.role);
        let role = match grant.token_type {
            _ if grant.permissions.has(Permission::Admin) => Some(UserRole::Admin),
            TokenType::User if is_whole => self.role,
            _ => Some(UserRole::Member),
        };
        Self {
            role,
            grant: Some(Arc::new(grant)),
            ..self
        }
    }

    /// Whether this caller may do that at all. Whether it may do it in one conversation is another
    /// question. In development mode everybody may do everything, but for what an API token says.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions().has(permission)
    }

    /// All that this caller may do; see [`Identity::may`].
    pub fn permissions(&self) -> Permissions {
        match (&self.grant, self.trust) {
            (Some(grant), _) => grant.permissions,
            (None, Trust::Claimed) => Permissions::ALL,
            (None, Trust::Verified) => Permissions::of_user(self.role),
            (None, Trust::Relay) => Permissions::default(),
        }
    }

    /// Whether a program speaks, not a person.
    pub fn is_program(&self) -> bool {
        let grant = self.grant.as_ref();
        grant.is_some_and(|grant| grant.token_type == TokenType::Client)
    }

    /// Whether this caller may say for whom it acts.
    fn may_choose(&self) -> bool {
        let may = || self.may(Permission::OnBehalfOf);
        self.is_program() && may()
    }

    /// The same caller acting for a user, if its token permits that.
    pub fn on_behalf_of(self, user: UserId) -> Result<Self> {
        match self.may_choose() {
            true => Ok(Self {
                agent: self.agent.or(self.user),
                user: Some(user),
                // The name is that of the program.
                name: None,
                role: Some(UserRole::Member),
                ..self
            }),
            false => Err(Error::Forbidden("Forbidden")),
        }
    }

    /// The user who acts when a payload names `claimed` and the socket said `asserted` before.
    ///
    /// A verified identity never changes: another id is refused. In development mode the order is
    /// payload, what this socket said before, handshake (contract/README.md, section 3).
    pub fn acting(&self, claimed: Option<&UserId>, asserted: Option<&UserId>) -> Result<UserId> {
        let own = self.user.as_ref();
        match self.trust {
            Trust::Claimed | Trust::Verified if self.may_choose() => {
                claimed.or(own).cloned().ok_or(REFUSAL)
            }
            // An API token comes before what is claimed, also in development mode.
            Trust::Claimed if self.grant.is_some() => own.cloned().ok_or(REFUSAL),
            Trust::Claimed => {
                let user = claimed.or(asserted).or(own);
                user.cloned().ok_or(Error::Unauthenticated("Unauthorized"))
            }
            Trust::Verified => match (claimed, own) {
                (_, None) => Err(REFUSAL),
                (Some(other), Some(own)) if other != own => Err(Error::Forbidden("Forbidden")),
                (_, Some(own)) => Ok(own.clone()),
            },
            Trust::Relay => Err(Error::Forbidden("Forbidden")),
        }
    }

    /// The same identity where people are an id and a role: `teacher:7`. Nobody without a role, but
    /// for an API token, which is of the whole user: `teacher:7` is its owner, or whom it acts for.
    pub fn with_role(&self) -> Self {
        if self.grant.is_some() && self.title.is_none() {
            let has_role = |user: &&UserId| {
                let parts = user.as_str().split_once(':');
                parts.is_some_and(|(role, id)| !role.is_empty() && !id.is_empty())
            };
            return Self {
                user: self.user.as_ref().filter(has_role).cloned(),
                ..self.clone()
            };
        }
        let user = self.user.as_ref().zip(self.title.as_ref());
        let user = user.map(|(user, title)| match user.as_str().split_once(':') {
            Some((role, _)) if role == title => user.clone(),
            _ => UserId::from(format!("{title}:{user}")),
        });
        Self {
            user,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::from(id)
    }

    #[test]
    fn a_verified_identity_cannot_act_for_somebody_else() {
        let me = Identity {
            user: Some(user("1")),
            ..Identity::nobody(Trust::Verified)
        };
        assert_eq!(me.acting(None, Some(&user("2"))), Ok(user("1")));
        assert_eq!(me.acting(Some(&user("1")), None), Ok(user("1")));
        assert!(me.acting(Some(&user("2")), None).is_err());
    }

    #[test]
    fn development_takes_the_payload_before_what_was_said_earlier() {
        let nobody = Identity::nobody(Trust::Claimed);
        assert_eq!(
            nobody.acting(Some(&user("3")), Some(&user("2"))),
            Ok(user("3"))
        );
        assert_eq!(nobody.acting(None, Some(&user("2"))), Ok(user("2")));
        assert!(nobody.acting(None, None).is_err());
    }
}
