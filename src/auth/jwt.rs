//! JSON Web Tokens (RFC 7519), signed with HS256.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sohbet_entity::enums::{TokenType, UserRole};
use sohbet_entity::ids::{self, GalleryId, UserId};

use super::{Identity, REFUSAL, Trust};
use crate::error::Result;

/// Clocks of two machines may differ by that much.
pub const LEEWAY_SECONDS: u64 = 5;
/// Longest display name in a token, in characters.
const MAX_NAME_CHARS: usize = 255;

/// Checks tokens against one secret. The algorithm is pinned by the key, not by the token.
pub struct Verifier {
    key: DecodingKey,
    rules: Validation,
}

impl Verifier {
    pub fn new(secret: &str) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = LEEWAY_SECONDS;
        rules.validate_nbf = true;
        rules.validate_aud = false;
        rules.set_required_spec_claims(&["exp"]);
        Self {
            key: DecodingKey::from_secret(secret.as_bytes()),
            rules,
        }
    }

    /// The identity that a token proves, or a refusal that does not say why.
    pub fn verify(&self, token: &str) -> Result<Identity> {
        let identity = self
            .claims(token)
            .ok_or(REFUSAL)?
            .into_identity(Trust::Verified);
        match identity.user {
            Some(_) => Ok(identity),
            None => Err(REFUSAL),
        }
    }

    /// Whether a token is well signed and only too old.
    pub fn has_expired(&self, token: &str) -> bool {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.rules);
        decoded.is_err_and(|error| matches!(error.kind(), ErrorKind::ExpiredSignature))
    }

    /// Type, end and claims of a token in the form of API tokens; `None` for any other.
    pub fn verify_api(&self, token: &str) -> Option<(TokenType, DateTime<Utc>, Identity)> {
        let claims = self.claims(token)?;
        let token_type = claims.token_type()?;
        let expires_at = claims.expires_at()?;
        let identity = claims.into_identity(Trust::Verified);
        identity.user.as_ref()?;
        Some((token_type, expires_at, identity))
    }

    /// The claims of a token that is well signed and valid now.
    fn claims(&self, token: &str) -> Option<Claims> {
        let decoded = jsonwebtoken::decode(token, &self.key, &self.rules);
        decoded.ok().map(|token| token.claims)
    }
}

/// The claims of a token whose signature nobody checks. `None` for what is no token, and for one
/// that has expired.
pub fn read_unverified(token: &str) -> Option<Identity> {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(token)
        .ok()?
        .claims;
    match claims.0.get("exp").and_then(Value::as_f64) {
        Some(exp) if exp < unix_seconds() as f64 => None,
        _ => Some(claims.into_identity(Trust::Claimed)),
    }
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

/// Signs a token with HS256, for development and scripts.
pub fn mint(secret: &str, token: NewToken) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Minted {
        sub: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        gallery_id: Option<String>,
        iat: u64,
        exp: u64,
    }
    let now = unix_seconds();
    let claims = Minted {
        sub: token.user,
        name: token.name,
        role: token.role,
        gallery_id: token.gallery,
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

/// Claims as they come. Names differ between issuers, so they are looked up, not declared.
#[derive(Deserialize)]
struct Claims(Map<String, Value>);

impl Claims {
    fn into_identity(self, trust: Trust) -> Identity {
        let role = self.first(&["role"], MAX_NAME_CHARS);
        // What nobody checked ends nothing.
        let expires_at = match trust {
            Trust::Verified => self.expires_at(),
            Trust::Claimed | Trust::Relay => None,
        };
        Identity {
            user: self
                .first(&["sub", "userId", "user_id", "id"], ids::MAX_CHARS)
                .map(UserId::from),
            name: self.first(&["name", "username", "fullName"], MAX_NAME_CHARS),
            role: role.as_deref().and_then(parse_role),
            title: role,
            gallery: self
                .first(&["gallery_id", "galleryId"], ids::MAX_CHARS)
                .map(GalleryId::from),
            trust,
            expires_at,
            grant: None,
            is_on_behalf: false,
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

    fn expires_at(&self) -> Option<DateTime<Utc>> {
        let seconds = self.0.get("exp")?.as_f64()?;
        DateTime::from_timestamp(seconds as i64, 0)
    }

    /// The first of `names` that holds a non-empty text or a whole number.
    fn first(&self, names: &[&str], max_chars: usize) -> Option<String> {
        let text = names.iter().find_map(|name| match self.0.get(*name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => number.as_u64().map(|number| number.to_string()),
            _ => None,
        })?;
        let fits = text.chars().count() <= max_chars && !text.contains('\0');
        fits.then_some(text)
    }
}

/// The role that a claim or a header names, in any case.
pub fn parse_role(text: &str) -> Option<UserRole> {
    match text.to_ascii_uppercase().as_str() {
        "ADMIN" => Some(UserRole::Admin),
        "MODERATOR" => Some(UserRole::Moderator),
        "MEMBER" => Some(UserRole::Member),
        _ => None,
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "an-hs256-secret-of-32-bytes-or-more";

    fn token(ttl: Duration) -> String {
        let new = NewToken {
            user: "7".into(),
            name: Some("Ayşe".into()),
            role: Some("ADMIN".into()),
            gallery: None,
            ttl,
        };
        mint(SECRET, new).unwrap()
    }

    fn signed(header: &Header, claims: &Value, secret: &str) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    #[test]
    fn a_minted_token_is_believed() {
        let identity = Verifier::new(SECRET)
            .verify(&token(Duration::from_secs(60)))
            .unwrap();
        assert_eq!(identity.user, Some(UserId::from("7")));
        assert_eq!(identity.name.as_deref(), Some("Ayşe"));
        assert_eq!(identity.role, Some(UserRole::Admin));
    }

    #[test]
    fn tokens_that_prove_nothing_are_refused() {
        let verifier = Verifier::new(SECRET);
        let now = unix_seconds();
        let hs256 = Header::new(Algorithm::HS256);
        let cases = [
            signed(
                &hs256,
                &serde_json::json!({"sub":"7","exp":now - 60}),
                SECRET,
            ),
            signed(&hs256, &serde_json::json!({"sub":"7"}), SECRET),
            signed(&hs256, &serde_json::json!({"exp":now + 60}), SECRET),
            signed(&hs256, &serde_json::json!({"sub":"7","exp":"soon"}), SECRET),
            signed(
                &hs256,
                &serde_json::json!({"sub":"7","exp":now + 60,"nbf":now + 50}),
                SECRET,
            ),
            signed(
                &hs256,
                &serde_json::json!({"sub":"7","exp":now + 60}),
                "another secret of some length",
            ),
            signed(
                &Header::new(Algorithm::HS512),
                &serde_json::json!({"sub":"7","exp":now + 60}),
                SECRET,
            ),
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.".into(),
            "x".into(),
            String::new(),
        ];
        for (index, case) in cases.iter().enumerate() {
            assert_eq!(verifier.verify(case), Err(REFUSAL), "{case}");
            assert_eq!(verifier.has_expired(case), index == 0, "{case}");
        }
    }

    #[test]
    fn unverified_tokens_are_read_unless_they_have_expired() {
        let identity = read_unverified(&token(Duration::from_secs(60))).unwrap();
        assert_eq!(identity.user, Some(UserId::from("7")));
        assert_eq!(identity.trust, Trust::Claimed);
        assert!(read_unverified("no token").is_none());
    }
}
