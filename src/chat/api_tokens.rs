//! API tokens: making, listing and ending them, and who may.

mod live;
mod lookups;

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::Value;
use sohbet_entity::enums::{TokenType, UserRole};
use sohbet_entity::ids::{ApiTokenId, UserId};

use super::{Chat, accounts};
use crate::auth::{ApiClaims, Auth, Grant, Identity, Permission, Permissions, Secret};
use crate::error::{Error, Result};
use crate::store::{self, ApiTokenRow, Proof, Store, TokenFilter, UserRow};
use live::Uses;
pub(super) use live::known_token;
use lookups::Lookups;

/// Tokens in one page of a list, at most.
const MAX_PAGE: u32 = 100;
/// Valid tokens that one user can have.
const MAX_LIVE_TOKENS: i64 = 1_000;
/// Longest name of a token, in characters.
const MAX_NAME_CHARS: usize = 120;
/// A token that lives longer is a mistake in the unit.
const MAX_LIFETIME: TimeDelta = TimeDelta::days(10 * 366);
/// How long a token of a user lives when nobody says how long.
const USER_LIFETIME: TimeDelta = TimeDelta::days(30);
/// How long a token of a program lives when nobody says how long.
const CLIENT_LIFETIME: TimeDelta = TimeDelta::days(365);

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// Whose it will be; the user must exist.
    pub user: UserId,
    /// Whether it speaks for that user or for a program.
    pub token_type: TokenType,
    /// What its owner calls it.
    pub name: String,
    /// What it permits, as the client wrote it (see [`Permissions::parse`]).
    pub permissions: Value,
    /// When it ends, if it does. A JWT always does.
    pub expires_at: Option<DateTime<Utc>>,
    /// What its text looks like.
    pub form: TokenForm,
}

/// What the text of a new token looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenForm {
    /// `sbt_` and random digits.
    Opaque,
    /// A JWT with the claims that chatsphere front ends read.
    Jwt {
        /// Address of whoever runs the program, in client tokens.
        email: Option<String>,
    },
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiToken {
    /// Its id, which is no secret.
    pub id: ApiTokenId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Whether it speaks for its owner or for a program.
    pub token_type: TokenType,
    /// What can be shown of its text.
    pub prefix: String,
    /// What it permits, as the client wrote it.
    pub permissions: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<ApiTokenRow> for ApiToken {
    fn from(row: ApiTokenRow) -> Self {
        Self {
            id: row.id,
            user: row.user_id,
            name: row.name,
            token_type: row.token_type,
            prefix: row.prefix,
            permissions: row.permissions,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// A token that was just made.
#[derive(Debug)]
pub struct CreatedToken {
    /// Its text: nobody can show it again.
    pub secret: Secret,
    /// What lists will show of it.
    pub token: ApiToken,
    /// Its owner.
    pub owner: UserRow,
}

/// The end of a token that is made now by somebody who does not say when it ends.
pub fn usual_end(token_type: TokenType) -> DateTime<Utc> {
    store::now()
        + match token_type {
            TokenType::User => USER_LIFETIME,
            TokenType::Client => CLIENT_LIFETIME,
        }
}

/// All tokens of the store, for whoever may do everything. [`Chat`] asks who may.
pub struct ApiTokens {
    store: Arc<Store>,
    lookups: Lookups,
    uses: Uses,
}

impl ApiTokens {
    /// The tokens of a store.
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            lookups: Lookups::new(),
            uses: Uses::default(),
        }
    }

    /// Makes a token for a user who exists.
    pub async fn create(&self, auth: &Auth, new: NewApiToken) -> Result<CreatedToken> {
        Permissions::parse(&new.permissions, new.token_type)?;
        let new = checked(new)?;
        let owner = self.owner(&new.user).await?;
        self.save(auth, new, owner, &Proof::Nothing).await
    }

    /// `new` was checked, and may be made for `owner` by whom that proves.
    async fn save(
        &self,
        auth: &Auth,
        new: NewApiToken,
        owner: UserRow,
        by: &Proof,
    ) -> Result<CreatedToken> {
        let secret = secret(auth, &new, &owner)?;
        let row = ApiTokenRow {
            id: ApiTokenId::from(uuid::Uuid::now_v7().to_string()),
            user_id: new.user,
            name: new.name,
            token_type: new.token_type,
            token_hash: secret.hash().as_str().to_owned(),
            prefix: secret.prefix(),
            permissions: new.permissions,
            created_at: store::now(),
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let saved = self.store.save_api_token(&row, MAX_LIVE_TOKENS, by);
        if !saved.await? {
            return Err(Error::TooLarge("Too many tokens"));
        }
        Ok(CreatedToken {
            secret,
            token: row.into(),
            owner,
        })
    }

    /// At most `limit` tokens, newest first, and no more than 100.
    pub async fn list(&self, filter: &TokenFilter, limit: u32) -> Result<Vec<ApiToken>> {
        let limit = limit.clamp(1, MAX_PAGE);
        let rows = self.store.list_api_tokens(filter, limit).await?;
        Ok(rows.into_iter().map(ApiToken::from).collect())
    }

    /// Ends a token; `false` when it has been ended before.
    pub async fn revoke(&self, id: &ApiTokenId) -> Result<bool> {
        let row = self.find(id).await?;
        self.end(&row).await
    }

    async fn end(&self, row: &ApiTokenRow) -> Result<bool> {
        let has_changed = self.store.revoke_api_token(&row.id).await?;
        self.lookups.forget(&row.token_hash);
        Ok(has_changed)
    }

    async fn find(&self, id: &ApiTokenId) -> Result<ApiTokenRow> {
        let found = self.store.find_api_token(id).await?;
        found.ok_or(Error::NotFound("Token not found"))
    }

    async fn owner(&self, id: &UserId) -> Result<UserRow> {
        match self.store.find_user(id).await? {
            Some(owner) if owner.disabled => Err(Error::Forbidden("User is disabled")),
            Some(owner) => Ok(owner),
            None => Err(Error::NO_USER),
        }
    }
}

impl Chat {
    /// Makes a token. Users make tokens for themselves, client tokens that act for users make
    /// them for users, administrators make all; a client token that administers makes those that may
    /// no more than itself.
    pub async fn create_token(&self, by: &Identity, new: NewApiToken) -> Result<CreatedToken> {
        let permissions = Permissions::parse(&new.permissions, new.token_type)?;
        let new = checked(new)?;
        let may_all = self.is_free_to(by, Permission::Write)?;
        // What a program could make beyond what it has would outlive it.
        let is_free = may_all && (self.auth.is_development() || !by.is_program());
        if !is_free {
            check_new(by, &new, permissions)?;
        }
        let owner = self.tokens.owner(&new.user).await?;
        if !is_free && by.is_program() {
            check_owner(by, new.token_type, permissions, owner.role)?;
        }
        let by = accounts::proof(by);
        self.tokens.save(&self.auth, new, owner, &by).await
    }

    /// A page of tokens, newest first: one's own, and for whoever manages others, theirs.
    pub async fn list_tokens(
        &self,
        by: &Identity,
        filter: &TokenFilter,
        limit: u32,
    ) -> Result<Vec<ApiToken>> {
        if !self.is_free_to(by, Permission::Read)? {
            let user = filter.user.as_ref().ok_or(Error::Forbidden("Forbidden"))?;
            check_manages(by, user)?;
        }
        self.tokens.list(filter, limit).await
    }

    /// Ends a token and closes its sockets; `false` when it has been ended before.
    pub async fn revoke_token(&self, by: &Identity, id: &ApiTokenId) -> Result<bool> {
        let is_free = self.is_free_to(by, Permission::Write)?;
        let row = self.tokens.find(id).await?;
        if !is_free {
            check_manages(by, &row.user_id)?;
        }
        let has_changed = self.tokens.end(&row).await?;
        self.cut_token(id);
        Ok(has_changed)
    }

    /// Whether a caller may do everything with tokens, which needs no further look. A caller whom
    /// `permission` is not given may do nothing.
    fn is_free_to(&self, by: &Identity, permission: Permission) -> Result<bool> {
        if self.auth.is_development() || by.may(Permission::Admin) {
            return Ok(true);
        }
        match by.may(permission) {
            true => Ok(false),
            false => Err(Error::Forbidden("Forbidden")),
        }
    }
}

/// Lets nobody make a token that can do more than the maker. An administrator who is no program is not asked.
fn check_new(by: &Identity, new: &NewApiToken, permissions: Permissions) -> Result<()> {
    let administers = by.may(Permission::Admin);
    // To have a token of somebody else is to act for them.
    if !(administers && by.user.as_ref() == Some(&new.user)) {
        check_manages(by, &new.user)?;
    }
    let is_within = |grant: &Arc<Grant>| permissions.is_within(grant.permissions);
    let is_within = by.grant.as_ref().is_none_or(is_within);
    match new.token_type {
        TokenType::User if is_within => Ok(()),
        TokenType::Client if is_within && administers => Ok(()),
        _ => Err(Error::Forbidden("Forbidden")),
    }
}

/// Lets no program make a token that can do more than itself because of whose it is: a whole one of an
/// administrator is one more administrator.
fn check_owner(
    by: &Identity,
    token_type: TokenType,
    permissions: Permissions,
    owner: UserRole,
) -> Result<()> {
    let granted = permissions.granted(token_type, Some(owner));
    let may = owner != UserRole::Admin || by.may(Permission::Admin);
    match may && granted.is_within(by.permissions()) {
        true => Ok(()),
        false => Err(Error::Forbidden("Forbidden")),
    }
}

/// Lets users near their own tokens, and programs that act for users near all.
fn check_manages(by: &Identity, user: &UserId) -> Result<()> {
    let may = match by.is_program() {
        true => by.may(Permission::OnBehalfOf),
        false => by.user.as_ref() == Some(user),
    };
    match may {
        true => Ok(()),
        false => Err(Error::Forbidden("Forbidden")),
    }
}

/// Refuses names and ends that no token can have, and gives the usual end to a token without one.
fn checked(mut new: NewApiToken) -> Result<NewApiToken> {
    if new.name.contains('\0') || new.name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::InvalidPayload("Invalid name"));
    }
    let end = new.expires_at.unwrap_or_else(|| usual_end(new.token_type));
    let end = match new.form {
        TokenForm::Opaque => end.trunc_subsecs(6),
        // A JWT says its end in seconds.
        TokenForm::Jwt { .. } => end.trunc_subsecs(0),
    };
    let now = store::now();
    if end <= now || end > now + MAX_LIFETIME {
        return Err(Error::InvalidPayload("Invalid expiry"));
    }
    new.expires_at = Some(end);
    Ok(new)
}

fn secret(auth: &Auth, new: &NewApiToken, owner: &UserRow) -> Result<Secret> {
    match (&new.form, new.expires_at) {
        (TokenForm::Jwt { email }, Some(expires_at)) => auth.sign_api_token(&ApiClaims {
            user: &owner.id,
            username: owner.username.as_deref().unwrap_or(owner.id.as_str()),
            role: owner.role,
            email: email.as_deref(),
            token_type: new.token_type,
            expires_at,
        }),
        _ => Secret::opaque(),
    }
}

#[cfg(test)]
mod tests;
