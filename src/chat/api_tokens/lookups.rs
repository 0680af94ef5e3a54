//! From the text of a token to the identity behind it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use sohbet_entity::enums::TokenType;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::ApiTokens;
use crate::auth::{
    Candidate, Credentials, Grant, GrantOwner, Identity, Permissions, REFUSAL, Trust,
};
use crate::chat::Chat;
use crate::error::{Error, Result};
use crate::store::{self, Account, OwnedToken};

/// How long what the store said about a token is believed: a token that another process revokes
/// is refused after that time.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Tokens of which is remembered what the store said.
const REMEMBERED_TOKENS: usize = 10_000;

/// What the store said lately, by hash.
pub struct Lookups {
    slots: Cache<String, Arc<Mutex<Option<Found>>>>,
}

/// What the store said about one token.
struct Found {
    answer: Result<Option<Identity>>,
    last_used_at: Option<DateTime<Utc>>,
    believed_until: Instant,
    answered_at: Instant,
}

impl Lookups {
    pub fn new() -> Self {
        Self {
            slots: Cache::new(REMEMBERED_TOKENS),
        }
    }

    /// Makes the next caller ask the store.
    pub fn forget(&self, hash: &str) {
        self.slots.remove(hash);
    }

    /// Makes everybody ask the store.
    pub fn forget_all(&self) {
        self.slots.clear();
    }

    fn slot(&self, hash: &str) -> Arc<Mutex<Option<Found>>> {
        let slot = self
            .slots
            .get_or_insert_with(hash, || Ok::<_, Infallible>(Arc::default()));
        slot.unwrap_or_else(|never| match never {})
    }
}

impl ApiTokens {
    /// What the store said about tokens is asked for anew.
    pub fn forget_lookups(&self) {
        self.lookups.forget_all();
    }

    /// The identity behind a token; `None` when API tokens know nothing of it.
    pub(super) async fn identify(&self, candidate: Candidate) -> Result<Option<Identity>> {
        let arrived_at = Instant::now();
        let slot = self.lookups.slot(candidate.hash.as_str());
        // One caller asks, the others of the same token wait here for the answer.
        let mut slot = slot.lock().await;
        let is_current = |found: &Found| {
            found.answered_at >= arrived_at || found.believed_until > Instant::now()
        };
        if !slot.as_ref().is_some_and(is_current) {
            *slot = Some(self.ask(candidate).await);
        }
        let Some(found) = slot.as_ref() else {
            return Ok(None);
        };
        let identity = found.answer.clone()?;
        if let Some(grant) = identity.as_ref().and_then(|it| it.grant.as_ref()) {
            if grant.has_expired(store::now()) {
                return Err(REFUSAL);
            }
            self.uses.note(grant, found.last_used_at);
        }
        Ok(identity)
    }

    async fn ask(&self, candidate: Candidate) -> Found {
        let believed_until = Instant::now() + BELIEVED_FOR;
        let row = self.store.find_token_by_hash(candidate.hash.as_str()).await;
        // The index found the row by its hash; what decides is a comparison whose time says nothing.
        let row = row.map(|row| row.filter(|row| candidate.hash.is(&row.token.token_hash)));
        let last_used_at = match &row {
            Ok(Some(row)) => row.token.last_used_at,
            _ => None,
        };
        let answer = match row {
            Ok(Some(row)) if row.is_live(store::now()) => identity(row).map(Some),
            Ok(Some(_)) => Err(REFUSAL),
            Ok(None) => self.without_row(candidate.without_row).await,
            Err(fault) => Err(fault.into()),
        };
        Found {
            answer,
            last_used_at,
            believed_until,
            answered_at: Instant::now(),
        }
    }

    /// A token that a front end signed is as good as its user.
    async fn without_row(&self, claimed: Result<Option<Identity>>) -> Result<Option<Identity>> {
        let identity = claimed?;
        if let Some(identity) = &identity
            && let Some(user) = &identity.user
        {
            let accounts = self.store.find_restricted(&[user]).await?;
            let admits = |account: &Account| account.admits(identity.issued_at);
            if !accounts.iter().all(admits) {
                return Err(REFUSAL);
            }
        }
        Ok(identity)
    }
}

impl Chat {
    /// The identity behind an API token, with or without `Bearer `. `None` for what is no API
    /// token, which may still be a login token. A token that was revoked or is over is refused
    /// whatever else it could be.
    pub async fn find_token(&self, text: &str) -> Result<Option<Identity>> {
        match self.auth.read_api_token(text) {
            Some(candidate) => self.tokens.identify(candidate).await,
            None => Ok(None),
        }
    }

    /// The identity behind what a caller brings: an API token, else a login token, else what it
    /// claims. A bad token counts as absent in development mode.
    pub async fn identify(&self, mut credentials: Credentials) -> Result<Identity> {
        if let Some(token) = &credentials.token {
            match self.find_token(token).await {
                // Development mode still believes what else is claimed: see `Identity::acting`.
                Ok(Some(identity)) if self.auth.is_development() => {
                    return Ok(Identity {
                        trust: Trust::Claimed,
                        ..identity
                    });
                }
                Ok(Some(identity)) => return Ok(identity),
                Ok(None) => {}
                Err(Error::Unauthenticated(_)) if self.auth.is_development() => {
                    credentials.token = None;
                }
                Err(error) => return Err(error),
            }
        }
        self.identify_login(credentials).await
    }

    /// The identity behind a login: a token that somebody else signed, or what the host application
    /// says. In development mode it is what is claimed.
    pub async fn identify_login(&self, credentials: Credentials) -> Result<Identity> {
        let identity = self.auth.identify(credentials).await?;
        self.check_account(identity).await
    }
}

fn identity(owned: OwnedToken) -> Result<Identity> {
    let OwnedToken { token, owner } = owned;
    let Ok(permissions) = Permissions::parse(&token.permissions, token.token_type) else {
        tracing::warn!(
            api_token.id = token.id.as_str(),
            "a token with permissions that nobody understands is refused"
        );
        return Err(REFUSAL);
    };
    let role = Some(owner.role);
    let grant = Grant {
        token: Some(token.id),
        token_type: token.token_type,
        permissions: permissions.granted(token.token_type, role),
        expires_at: token.expires_at,
        owner: (token.token_type == TokenType::User).then(|| GrantOwner {
            role: owner.role,
            party: owner.party.clone(),
        }),
    };
    let gallery = match (&owner.party, token.token_type) {
        (Some(party), TokenType::User) => party.gallery(),
        _ => None,
    };
    let identity = Identity {
        user: Some(token.user_id),
        gallery,
        name: owner.display_name.or(owner.username),
        role,
        ..Identity::nobody(Trust::Verified)
    };
    Ok(identity.with_grant(grant))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sohbet_entity::enums::UserRole;
    use sohbet_entity::ids::GalleryId;

    use super::*;
    use crate::auth::Permission;
    use crate::store::{ApiTokenRow, TokenOwner};

    /// A token of an administrator who acts for a gallery.
    fn owned(token_type: TokenType, permissions: Value) -> OwnedToken {
        OwnedToken {
            token: ApiTokenRow {
                id: "t".into(),
                user_id: "root".into(),
                name: String::new(),
                token_type,
                token_hash: String::new(),
                prefix: String::new(),
                permissions,
                created_at: DateTime::UNIX_EPOCH,
                expires_at: None,
                last_used_at: None,
                revoked_at: None,
            },
            owner: TokenOwner {
                username: Some("root".into()),
                display_name: None,
                role: UserRole::Admin,
                party: Some("gallery:5".into()),
                disabled: false,
                tokens_valid_after: None,
            },
        }
    }

    fn role(token_type: TokenType, permissions: Value) -> (Option<UserRole>, bool) {
        let identity = identity(owned(token_type, permissions)).unwrap();
        (identity.role, identity.may(Permission::Admin))
    }

    #[test]
    fn a_whole_user_token_carries_the_role_of_its_owner_and_no_other_does() {
        let (admin, member) = (Some(UserRole::Admin), Some(UserRole::Member));
        assert_eq!(role(TokenType::User, json!({})), (admin, true));
        assert_eq!(role(TokenType::User, json!(["read"])), (member, false));
        let full = json!({"fullAccess": true});
        assert_eq!(role(TokenType::Client, full), (member, false));
        assert_eq!(role(TokenType::Client, json!(["admin"])), (admin, true));
    }

    #[test]
    fn a_user_token_acts_for_the_gallery_of_its_owner() {
        let gallery = |token_type| identity(owned(token_type, json!({}))).unwrap().gallery;
        assert_eq!(gallery(TokenType::User), Some(GalleryId::from("5")));
        assert_eq!(gallery(TokenType::Client), None);
    }

    #[test]
    fn permissions_that_nobody_understands_open_nothing() {
        let odd = owned(TokenType::User, json!({"rooms": ["a"]}));
        assert_eq!(identity(odd), Err(REFUSAL));
    }
}
