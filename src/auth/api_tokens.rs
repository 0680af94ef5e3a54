//! API tokens: what their text looks like, and what they permit.
//!
//! A text is either ours, `sbt_` and 256 random bits, or a JWT in the form that chatsphere front
//! ends know (contract/chatsphere.md, section 4). Only the hash of either is kept.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use sohbet_entity::enums::{TokenType, UserRole};
use sohbet_entity::ids::{ApiTokenId, PartyId, UserId};
use subtle::ConstantTimeEq;

use super::jwt::{self, Verifier};
use super::{Config, Identity, Permissions, REFUSAL};
use crate::error::{Error, Result};
use crate::random::random_hex;

/// How an opaque token begins, so that scanners of leaked secrets can know it.
const OPAQUE_START: &str = "sbt_";
/// Random bits of an opaque token, in bytes.
const OPAQUE_BYTES: usize = 32;
/// Random bits that make two JWTs of the same second differ, in bytes.
const JTI_BYTES: usize = 16;
/// Characters of a token, or of the hash of a JWT, that lists show.
const SHOWN_CHARS: usize = 8;
/// Longest text that is looked at as a token.
const MAX_TOKEN_BYTES: usize = 8_192;

/// What an API token lets its holder do.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The token; `None` for one that somebody else signed and that has no row.
    pub token: Option<ApiTokenId>,
    /// Whether it speaks for one user or for a program.
    pub token_type: TokenType,
    /// What it permits, its owner's role taken into account.
    pub permissions: Permissions,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// What the store said of its owner when it was looked up; `None` for a token without
    /// a row, and for one of a program, which is nobody's role.
    pub owner: Option<GrantOwner>,
}

/// The owner of a token, as far as the identity behind the token is made of that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GrantOwner {
    /// What the owner may do on the whole server.
    pub role: UserRole,
    /// The organisation that the owner acts for.
    pub party: Option<PartyId>,
}

impl Grant {
    /// Whether the token is over.
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The text of a token. Whoever has it is its user, so it is shown once and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

impl Secret {
    /// A text of random bits that says nothing about its owner.
    pub fn opaque() -> Result<Self> {
        Ok(Self(format!(
            "{OPAQUE_START}{}",
            random_hex::<OPAQUE_BYTES>()?
        )))
    }

    /// The text, to be shown to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store keeps of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// What lists show of it. All JWTs begin alike, so theirs is taken from the hash.
    pub fn prefix(&self) -> String {
        match self.0.strip_prefix(OPAQUE_START) {
            Some(rest) => format!("{OPAQUE_START}{}", &rest[..SHOWN_CHARS]),
            None => format!("jwt_{}", &self.hash().0[..SHOWN_CHARS]),
        }
    }
}

/// SHA-256 of the text of a token, in hexadecimal. The text is random or signed, so nobody finds
/// it by trying, and the hash needs no salt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    fn of(text: &str) -> Self {
        Self(hex::encode(Sha256::digest(text.as_bytes())))
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the stored hash is this one. Takes the same time wherever they differ.
    pub fn is(&self, stored: &str) -> bool {
        self.0.as_bytes().ct_eq(stored.as_bytes()).into()
    }
}

/// What a new JWT says.
#[derive(Debug, Clone)]
pub struct ApiClaims<'a> {
    /// Whose it is.
    pub user: &'a UserId,
    /// Name of the user.
    pub username: &'a str,
    /// Role of the user.
    pub role: UserRole,
    /// Address of whoever runs the program; in client tokens only.
    pub email: Option<&'a str>,
    /// For whom it speaks.
    pub token_type: TokenType,
    /// When it ends; whole seconds.
    pub expires_at: DateTime<Utc>,
}

/// A text that may be an API token.
pub struct Candidate {
    /// Under which the store has it, if it does.
    pub hash: TokenHash,
    /// What it is when the store does not have it: nothing that API tokens know of, a refusal, or
    /// the identity of its claims, when a front end signed it with the key for API tokens.
    pub without_row: Result<Option<Identity>>,
}

/// Whose the key is that signs JWTs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyOwner {
    /// `JWT_API_SECRET`: front ends that have it sign tokens of their own.
    Api,
    /// `JWT_SECRET`: what it signs is a login token unless the store has it.
    Login,
    /// Nobody: it is random and in the store, so nobody else signs with it.
    Store,
}

/// The key of those API tokens that are JWTs.
pub struct ApiKey {
    secret: String,
    verifier: Verifier,
    owner: KeyOwner,
}

impl ApiKey {
    /// The key for API tokens, else the one for login tokens, else `stored`.
    pub(super) fn choose(config: &Config, stored: String) -> Self {
        let (secret, owner) = match (&config.api_secret, &config.secret) {
            (Some(secret), _) => (secret.clone(), KeyOwner::Api),
            (None, Some(secret)) => (secret.clone(), KeyOwner::Login),
            (None, None) => (stored, KeyOwner::Store),
        };
        Self {
            verifier: Verifier::of_secret(&secret),
            secret,
            owner,
        }
    }

    /// Signs a token that differs from every other one.
    pub(super) fn sign(&self, claims: &ApiClaims<'_>) -> Result<Secret> {
        let mut body = match claims.token_type {
            TokenType::User => json!({
                "userId": claims.user,
                "username": claims.username,
                "role": claims.role.name(),
                "type": 1,
            }),
            TokenType::Client => json!({
                "userId": claims.user,
                "email": claims.email,
                "type": 0,
            }),
        };
        body["iat"] = json!(Utc::now().timestamp());
        body["exp"] = json!(claims.expires_at.timestamp());
        body["jti"] = json!(random_hex::<JTI_BYTES>()?);
        jwt::sign(&self.secret, &body).map(Secret).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Error::Internal
        })
    }

    /// What a text is that has the form of an API token; `None` for login tokens and everything
    /// else, so that the store is not asked about them.
    fn read(&self, text: &str) -> Option<Candidate> {
        let (token_type, expires_at, identity) = self.verifier.verify_api(text)?;
        let wanted = match token_type {
            TokenType::User => json!({}),
            TokenType::Client => json!({"fullAccess": true}),
        };
        let permissions = Permissions::parse(&wanted, token_type).ok()?;
        let grant = Grant {
            token: None,
            token_type,
            permissions: permissions.granted(token_type, identity.role),
            expires_at: Some(expires_at),
            owner: None,
        };
        Some(Candidate {
            hash: TokenHash::of(text),
            without_row: match self.owner {
                KeyOwner::Api => Ok(Some(identity.with_grant(grant))),
                KeyOwner::Login => Ok(None),
                KeyOwner::Store => Err(REFUSAL),
            },
        })
    }
}

/// What a text is that came as a token, if it can be an API token at all.
pub(super) fn read(text: &str, key: &ApiKey) -> Option<Candidate> {
    if text.len() > MAX_TOKEN_BYTES {
        return None;
    }
    match text.strip_prefix(OPAQUE_START) {
        Some(rest) if rest.len() == 2 * OPAQUE_BYTES => Some(Candidate {
            hash: TokenHash::of(text),
            without_row: Ok(None),
        }),
        Some(_) => None,
        None => key.read(text),
    }
}

/// Whether a text has the form of an API token, with or without `Bearer `. That tells whose a
/// request is, and proves nothing.
pub fn has_form(text: &str) -> bool {
    let text = super::strip_bearer(text);
    text.len() <= MAX_TOKEN_BYTES && (text.starts_with(OPAQUE_START) || jwt::names_type(text))
}

/// A new key for API tokens that are JWTs: 32 random bytes as text.
pub fn random_key() -> Result<String> {
    random_hex::<32>()
}

#[cfg(test)]
mod tests;
