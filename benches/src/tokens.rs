//! A login for every user.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

/// How long a login is good for: longer than any run.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Signs logins with the server's secret (HS256, RFC 7519).
#[derive(Clone)]
pub struct Tokens(Option<EncodingKey>);

impl Tokens {
    /// With that secret; without one nobody has a login.
    pub fn new(secret: Option<&str>) -> Self {
        Self(secret.map(|secret| EncodingKey::from_secret(secret.as_bytes())))
    }

    /// The login of a user, if logins are asked for.
    pub fn of(&self, user: u64) -> anyhow::Result<Option<String>> {
        let Some(key) = &self.0 else { return Ok(None) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let claims = json!({ "sub": user.to_string(), "exp": (now + LIFETIME).as_secs() });
        let token = jsonwebtoken::encode(&Header::default(), &claims, key);
        Ok(Some(token.context("a token cannot be signed")?))
    }
}
