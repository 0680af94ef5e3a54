//! People where accounts are made first: by a call, or by a token that somebody else vouches for.

use std::sync::Arc;

use sohbet_entity::enums::{TokenType, UserRole};
use sohbet_entity::ids::UserId;
use uuid::Uuid;

use super::users::is_gallery;
use super::{Caller, Chat, CreatedToken, Dialect, NewApiToken, News, People, Profile, TokenForm};
use crate::auth::{Identity, Permission, Trust};
use crate::error::{Error, Result};
use crate::store::Fault;

/// Longest username, in characters.
const MAX_USERNAME_CHARS: usize = 128;
/// Users in one list; the newest ones count.
const MAX_USERS: u32 = 1_000;

impl Dialect {
    /// Whether its front ends begin with a call that makes them a user.
    pub fn makes_users(self) -> bool {
        self.people() == People::Registered
    }
}

impl Chat {
    /// Makes a user with a name that nobody has, and a first token.
    pub async fn sign_up(&self, username: &str) -> Result<CreatedToken> {
        if username.chars().count() > MAX_USERNAME_CHARS {
            return Err(Error::TooLarge("Username is too long"));
        }
        let id = UserId::from(Uuid::now_v7().to_string());
        let made = self.store.create_user(&id, username).await?;
        made.ok_or(Error::Conflict("Username already exists"))?;
        let oneself = Identity {
            user: Some(id.clone()),
            ..Identity::nobody(Trust::Verified)
        };
        let first = NewApiToken {
            user: id,
            token_type: TokenType::User,
            name: String::new(),
            permissions: serde_json::json!({}),
            expires_at: None,
            form: TokenForm::Jwt { email: None },
        };
        self.create_token(&oneself, first).await
    }

    /// Whether everybody may make users.
    pub fn has_open_sign_up(&self) -> bool {
        self.config.open_sign_up
    }

    /// Refuses somebody who may not make users where not everybody may.
    pub fn check_sign_up(&self, by: &Identity) -> Result<()> {
        let may = by.is_program() || by.role == Some(UserRole::Admin);
        match may && by.may(Permission::Write) {
            true => Ok(()),
            false => Err(Error::Forbidden("Forbidden")),
        }
    }

    /// The newest users who have a name, oldest first; without a caller nobody is asked.
    pub async fn list_users(&self, caller: Option<&Caller>) -> Result<Vec<Profile>> {
        if let Some(caller) = caller {
            caller.check(Permission::Read)?;
        }
        let rows = self.store.list_users(MAX_USERS).await?;
        Ok(rows.into_iter().map(Profile::from).collect())
    }

    /// Takes notice of who is behind a socket or a call. Where people are registered, what a client
    /// merely claims makes nobody; a token that was verified does, with its name and its role, and so
    /// does an API token in development mode.
    pub async fn welcome(&self, dialect: Dialect, identity: &Identity) -> Result<()> {
        let Some(user) = &identity.user else {
            return Ok(());
        };
        let is_registered = dialect.people() == People::Registered;
        if is_registered && identity.trust != Trust::Verified && identity.grant.is_none() {
            return Ok(());
        }
        // Whom a program acts for must be there already.
        if is_registered && identity.agent.is_some() {
            return Ok(());
        }
        if is_registered {
            self.register(user, identity).await?;
        }
        self.introduce(user, identity.name.as_deref()).await
    }

    async fn register(&self, user: &UserId, identity: &Identity) -> Result<()> {
        let known = self.find_profile(user).await?;
        let role = vouched_role(identity);
        let is_current =
            |known: &Profile| known.name.is_some() && role.is_none_or(|role| role == known.role);
        if known.is_some_and(|known| is_current(&known)) {
            return Ok(());
        }
        if is_gallery(user) {
            return Err(Error::InvalidPayload("Invalid user ID"));
        }
        let name = identity.name.as_deref().unwrap_or(user.as_str());
        let saved = match self.store.register_user(user, name, role).await {
            // Somebody else took the name at the same time.
            Err(Fault::Unique) => self.store.register_user(user, name, role).await,
            saved => saved,
        };
        self.forget_profile(user);
        if let Some(change) = saved? {
            self.follow_change(&change);
        }
        self.tell_nodes(News::Profile(user.clone())).await;
        Ok(())
    }

    /// The profile of a user who acts in a dialect: where people are registered, nobody comes into
    /// being by acting.
    pub(super) async fn acting_profile(
        &self,
        dialect: Dialect,
        user: &UserId,
    ) -> Result<Arc<Profile>> {
        match dialect.people() {
            People::Registered => self.known_profile(user).await,
            People::Ids | People::Roles => self.profile(user).await,
        }
    }
}

/// The role that whoever signed the token gives its user. A token of the store has its role from
/// the user, and a program has none.
fn vouched_role(identity: &Identity) -> Option<UserRole> {
    let is_of_store = identity
        .grant
        .as_ref()
        .is_some_and(|grant| grant.token.is_some());
    let is_vouched = !is_of_store && !identity.is_program();
    identity.role.filter(|_| is_vouched)
}
