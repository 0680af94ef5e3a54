//! JSON Web Tokens (RFC 7519), signed with a secret or with a private key of somebody else's.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sohbet_entity::enums::TokenType;

use super::fields::FieldNames;
use super::key_sets::KeySets;
use super::keys::Key;
use super::{Identity, REFUSAL, Trust};
use crate::error::{Error, Result};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16_384;
/// Clocks of two machines may differ by that much, unless a setting says otherwise.
const USUAL_LEEWAY: Duration = Duration::from_secs(5);
/// What is said while nobody can tell whether a token is well signed.
const NO_KEYS: Error = Error::Unavailable {
    text: "Login keys are not available",
    retry_after_ms: Some(10_000),
};

/// What must hold for a token beside its signature.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// Who may have made it; empty for anybody who has a key.
    pub issuers: Vec<String>,
    /// For whom it must be made; empty for anybody.
    pub audiences: Vec<String>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// The names of its claims.
    pub claims: FieldNames,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: USUAL_LEEWAY,
            claims: FieldNames::of_tokens(),
        }
    }
}

impl TokenRules {
    fn validation(&self) -> Validation {
        let mut rules = Validation::new(Algorithm::HS256);
        let mut required = vec!["exp"];
        rules.leeway = self.leeway.as_secs();
        // In the second of its end a token is over (RFC 7519, section 4.1.4).
        rules.reject_tokens_expiring_in_less_than = 1;
        rules.validate_nbf = true;
        rules.validate_aud = !self.audiences.is_empty();
        if !self.issuers.is_empty() {
            rules.set_issuer(&self.issuers);
            required.push("iss");
        }
        if !self.audiences.is_empty() {
            rules.set_audience(&self.audiences);
            required.push("aud");
        }
        rules.set_required_spec_claims(&required);
        rules
    }
}

/// Checks tokens. Which algorithm counts is a matter of the key, not of the token.
pub struct Verifier {
    keys: Vec<Key>,
    sets: Arc<KeySets>,
    rules: TokenRules,
    validation: Validation,
}

/// What came of trying the keys that a token could be signed with.
enum Tried {
    Valid(Claims),
    /// Well signed, and too old.
    Expired,
    Invalid,
    /// It may be signed with a key that we do not have.
    Unknown,
}

impl Verifier {
    /// With keys that never change and those that others publish.
    pub fn new(keys: Vec<Key>, sets: Arc<KeySets>, rules: TokenRules) -> Self {
        Self {
            keys,
            sets,
            validation: rules.validation(),
            rules,
        }
    }

    /// With one secret and nothing else.
    pub fn of_secret(secret: &str) -> Self {
        Self::new(
            vec![Key::secret(secret)],
            Arc::default(),
            TokenRules::default(),
        )
    }

    /// The identity that a token proves, or a refusal that does not say why.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the key may be one that its owner cannot be asked for now.
    pub async fn verify(&self, token: &str) -> Result<Identity> {
        let mut tried = self.attempt(token);
        if matches!(tried, Tried::Unknown) {
            self.sets.look_again().await;
            tried = self.attempt(token);
        }
        let claims = match tried {
            Tried::Valid(claims) => claims,
            Tried::Unknown if self.sets.is_incomplete() => return Err(NO_KEYS),
            _ => return Err(REFUSAL),
        };
        let identity = claims.into_identity(&self.rules.claims, Trust::Verified);
        // An end that no clock shows is not taken for none.
        match identity.user.is_some() && identity.expires_at.is_some() {
            true => Ok(identity),
            false => Err(REFUSAL),
        }
    }

    /// Whether a token is well signed and only too old.
    pub fn has_expired(&self, token: &str) -> bool {
        matches!(self.attempt(token), Tried::Expired)
    }

    /// Type, end and claims of a token in the form of API tokens; `None` for any other.
    pub fn verify_api(&self, token: &str) -> Option<(TokenType, DateTime<Utc>, Identity)> {
        let Tried::Valid(claims) = self.attempt(token) else {
            return None;
        };
        let token_type = claims.token_type()?;
        let expires_at = claims.time("exp")?;
        let identity = claims.into_identity(&self.rules.claims, Trust::Verified);
        identity.user.as_ref()?;
        Some((token_type, expires_at, identity))
    }

    fn attempt(&self, token: &str) -> Tried {
        if token.len() > MAX_TOKEN_BYTES {
            return Tried::Invalid;
        }
        // What else the header says of keys (`jku`, `jwk`, `x5u`, `x5c`) is the word of whoever made
        // the token, and not looked at. An extension that must be understood is not.
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return Tried::Invalid;
        };
        if header.crit.is_some() {
            return Tried::Invalid;
        }
        let published = self.sets.keys();
        let mut is_named = false;
        for key in self.keys.iter().chain(published.iter()) {
            if !fits(key, &header) {
                continue;
            }
            is_named |= header.kid.is_some() && key.id == header.kid;
            match self.attempt_with(key, token) {
                Tried::Unknown => {}
                tried => return tried,
            }
        }
        let is_public = header.alg.family() != Algorithm::HS256.family();
        match is_public && !is_named && !self.sets.is_empty() {
            true => Tried::Unknown,
            false => Tried::Invalid,
        }
    }

    fn attempt_with(&self, key: &Key, token: &str) -> Tried {
        let mut validation = self.validation.clone();
        validation.algorithms.clone_from(&key.algorithms);
        match jsonwebtoken::decode(token, &key.decoding, &validation) {
            Ok(decoded) => Tried::Valid(decoded.claims),
            Err(error) => match error.kind() {
                ErrorKind::ExpiredSignature => Tried::Expired,
                ErrorKind::ImmatureSignature
                | ErrorKind::MissingRequiredClaim(_)
                | ErrorKind::InvalidClaimFormat(_)
                | ErrorKind::InvalidIssuer
                | ErrorKind::InvalidAudience
                | ErrorKind::Json(_) => Tried::Invalid,
                // Not this key; perhaps another one.
                _ => Tried::Unknown,
            },
        }
    }
}

/// Whether a token could be signed with a key. The id of a key only chooses among those we have.
fn fits(key: &Key, header: &Header) -> bool {
    let is_it = key.id.is_none() || header.kid.is_none() || key.id == header.kid;
    is_it && key.algorithms.contains(&header.alg)
}

/// The claims of a token whose signature nobody checks. `None` for what is no token, and for one
/// that has expired.
pub fn read_unverified(token: &str, names: &FieldNames) -> Option<Identity> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(token)
        .ok()?
        .claims;
    match claims.0.get("exp").and_then(Value::as_f64) {
        Some(exp) if exp < unix_seconds() as f64 => None,
        _ => Some(claims.into_identity(names, Trust::Claimed)),
    }
}

/// Whether a text is a JWT. Nothing in it is looked at.
pub fn has_form(token: &str) -> bool {
    token.len() <= MAX_TOKEN_BYTES && jsonwebtoken::decode_header(token).is_ok()
}

/// Whether a text is a JWT that says which type of API token it is. Nothing else is looked at.
pub fn names_type(token: &str) -> bool {
    let decoded = jsonwebtoken::dangerous::insecure_decode::<Claims>(token);
    decoded.is_ok_and(|token| token.claims.token_type().is_some())
}

/// What a new token says.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// User id, written as `sub`.
    pub user: String,
    /// Display name.
    pub name: Option<String>,
    /// `ADMIN`, `MODERATOR` or `MEMBER`.
    pub role: Option<String>,
    /// Gallery that the user acts for, written as `gallery_id`.
    pub gallery: Option<String>,
    /// How long the token is valid.
    pub ttl: Duration,
}

/// Signs a token with HS256, for development and scripts. It comes from the first issuer, and is for the
/// first audience, that the rules accept.
pub fn mint(secret: &str, rules: &TokenRules, token: NewToken) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Minted {
        sub: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        gallery_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        iss: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        aud: Option<String>,
        iat: u64,
        exp: u64,
    }
    let now = unix_seconds();
    let claims = Minted {
        sub: token.user,
        name: token.name,
        role: token.role,
        gallery_id: token.gallery,
        iss: rules.issuers.first().cloned(),
        aud: rules.audiences.first().cloned(),
        iat: now,
        exp: now.saturating_add(token.ttl.as_secs()),
    };
    Ok(sign(secret, &claims)?)
}

/// Signs claims with HS256.
pub(super) fn sign(
    secret: &str,
    claims: &impl Serialize,
) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
}

/// Claims as they come: a JSON object. Names differ between issuers, so they are looked up, not
/// declared.
#[derive(Deserialize)]
struct Claims(Value);

impl Claims {
    fn into_identity(self, names: &FieldNames, trust: Trust) -> Identity {
        let identity = names.read(&self.0, trust);
        match trust {
            Trust::Verified => Identity {
                expires_at: self.time("exp"),
                issued_at: self.time("iat"),
                ..identity
            },
            // What nobody checked ends nothing.
            Trust::Claimed | Trust::Relay => identity,
        }
    }

    /// The type of an API token: a number in the tokens themselves, a word in those of cookies.
    fn token_type(&self) -> Option<TokenType> {
        match self.0.get("type")? {
            Value::Number(number) if number.as_u64() == Some(0) => Some(TokenType::Client),
            Value::Number(number) if number.as_u64() == Some(1) => Some(TokenType::User),
            Value::String(word) if word == "CLIENT" => Some(TokenType::Client),
            Value::String(word) if word == "USER" => Some(TokenType::User),
            _ => None,
        }
    }

    fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        let seconds = self.0.get(name)?.as_f64()?;
        DateTime::from_timestamp(seconds as i64, 0)
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
