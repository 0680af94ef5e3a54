//! Who somebody is: tokens, and the ids that clients claim in development mode.

mod api_tokens;
mod fetching;
mod fields;
mod identities;
mod jwt;
mod key_sets;
mod keys;
mod permissions;
mod session_hook;

pub use api_tokens::{
    ApiClaims, Candidate, Grant, GrantOwner, Secret, TokenHash, has_form as has_api_token_form,
    random_key,
};
pub use fetching::Fetcher;
pub use fields::{FieldNames, parse_role};
pub use identities::{Identity, SessionToken, Trust};
pub use jwt::{NewToken, TokenRules, mint};
pub use key_sets::probe as probe_keys;
pub use keys::PublicKeys;
pub use permissions::{Permission, Permissions};
pub use session_hook::{SessionConfig, Shown, probe as probe_session};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::UserId;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::error::{Error, Result};
use key_sets::KeySets;
use keys::Key;
use session_hook::SessionHook;

/// What the connect middleware and the REST routers say when an identity is refused.
pub const REFUSAL: Error = Error::NO_LOGIN;

/// How callers prove who they are.
#[derive(Clone, Default)]
pub struct Config {
    /// Secret for HS256 tokens.
    pub secret: Option<String>,
    /// Secret for API tokens that are JWTs; without it they are signed with `secret`.
    pub api_secret: Option<String>,
    /// Public keys of whoever else signs login tokens.
    pub public_keys: PublicKeys,
    /// Where identity providers publish such keys.
    pub key_urls: Vec<Url>,
    /// What must hold for login tokens beside their signature.
    pub rules: TokenRules,
    /// The host application that knows who is logged in.
    pub session: Option<SessionConfig>,
    /// Whether a token may stand in the query string, where logs and proxies see it.
    pub allow_query_token: bool,
}

impl Config {
    /// Whether nothing is there by which anybody could prove who they are: clients are believed then.
    pub fn is_development(&self) -> bool {
        !self.has_keys() && self.session.is_none()
    }

    fn has_keys(&self) -> bool {
        self.secret.is_some() || !self.public_keys.is_empty() || !self.key_urls.is_empty()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("has_secret", &self.secret.is_some())
            .field("has_api_secret", &self.api_secret.is_some())
            .field("public_keys", &self.public_keys)
            .field("n_key_urls", &self.key_urls.len())
            .field("rules", &self.rules)
            .field("has_session", &self.session.is_some())
            .field("allow_query_token", &self.allow_query_token)
            .finish()
    }
}

/// What a handshake or a request brings along, before anything is believed.
pub struct Credentials {
    /// Token as sent, with or without `Bearer `.
    pub token: Option<String>,
    /// What the host application may be shown, if it may be asked.
    pub shown: Option<Shown>,
    /// Ids and names that the client claims; used in development mode only.
    pub claimed: Identity,
}

impl Credentials {
    /// A token and nothing else.
    pub fn of_token(token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            shown: None,
            claimed: Identity::nobody(Trust::Claimed),
        }
    }
}

/// Decides who a caller is.
pub struct Auth {
    verifier: Option<jwt::Verifier>,
    key_sets: Arc<KeySets>,
    hook: Option<SessionHook>,
    rules: TokenRules,
    /// Signs those API tokens that are JWTs.
    api_key: api_tokens::ApiKey,
    /// Whether a token may stand in the query string of a handshake.
    pub allow_query_token: bool,
}

impl Auth {
    /// Prepares keys. Without any, and without a host application to ask, the server runs in development
    /// mode. API tokens that are JWTs are signed with `stored_key` when there is no secret.
    ///
    /// # Errors
    ///
    /// If other servers must be asked and this machine cannot.
    pub fn new(config: &Config, stored_key: String) -> anyhow::Result<Self> {
        let asks = !config.key_urls.is_empty() || config.session.is_some();
        let fetcher = asks.then(Fetcher::new).transpose()?;
        let key_sets = Arc::new(KeySets::new(config.key_urls.clone(), fetcher.clone()));
        let mut keys = config.public_keys.0.clone();
        keys.extend(config.secret.as_deref().map(Key::secret));
        let verifier = || {
            let sets = Arc::clone(&key_sets);
            jwt::Verifier::new(keys, sets, config.rules.clone())
        };
        Ok(Self {
            verifier: config.has_keys().then(verifier),
            key_sets,
            hook: config
                .session
                .clone()
                .zip(fetcher)
                .map(|(session, fetcher)| SessionHook::new(session, fetcher)),
            rules: config.rules.clone(),
            api_key: api_tokens::ApiKey::choose(config, stored_key),
            allow_query_token: config.allow_query_token,
        })
    }

    /// True when ids are taken as clients claim them.
    pub fn is_development(&self) -> bool {
        self.verifier.is_none() && self.hook.is_none()
    }

    /// How long a login is believed after its end, because clocks differ.
    pub fn leeway(&self) -> TimeDelta {
        TimeDelta::from_std(self.rules.leeway).unwrap_or_default()
    }

    /// Keeps the keys of identity providers current until told to stop; the body of a worker.
    pub async fn watch_keys(&self, stop: CancellationToken) {
        self.key_sets.watch(stop).await;
    }

    /// How often the host application is asked again about somebody who is connected.
    pub fn recheck(&self) -> Option<Duration> {
        self.hook.as_ref().map(SessionHook::recheck)
    }

    /// Who shows that to the host application; `None` for nobody, and where there is none to ask.
    ///
    /// # Errors
    ///
    /// `Unavailable` when it does not say.
    pub async fn ask_application(&self, shown: &Shown) -> Result<Option<Identity>> {
        match &self.hook {
            Some(hook) => hook.ask(shown).await,
            None => Ok(None),
        }
    }

    /// Forgets what the host application said of anybody.
    pub fn forget_logins(&self) {
        if let Some(hook) = &self.hook {
            hook.forget();
        }
    }

    /// The identity of a host application on a trusted address.
    pub fn relay(&self) -> Identity {
        Identity::nobody(Trust::Relay)
    }

    /// The identity of a user for whom a session of the host application vouches until then.
    pub fn logged_in(
        &self,
        user: UserId,
        session: SessionToken,
        expires_at: DateTime<Utc>,
    ) -> Identity {
        let trust = match self.is_development() {
            true => Trust::Claimed,
            false => Trust::Verified,
        };
        Identity {
            user: Some(user),
            expires_at: Some(expires_at),
            issued_at: Some(Utc::now()),
            session: Some(session),
            ..Identity::nobody(trust)
        }
    }

    /// What a text is that came as a token, with or without `Bearer `, if it can be an API token.
    pub fn read_api_token(&self, token: &str) -> Option<Candidate> {
        api_tokens::read(strip_bearer(token), &self.api_key)
    }

    /// Signs an API token in the form of a JWT.
    pub fn sign_api_token(&self, claims: &ApiClaims<'_>) -> Result<Secret> {
        self.api_key.sign(claims)
    }

    /// Whether a login token was refused only because it is too old.
    pub fn has_expired(&self, token: &str) -> bool {
        let verifier = self.verifier.as_ref();
        verifier.is_some_and(|verifier| verifier.has_expired(strip_bearer(token)))
    }

    /// Whether a text is a login token that says who somebody is, valid or not.
    pub fn can_read(&self, token: &str) -> bool {
        jwt::read_unverified(strip_bearer(token), &self.rules.claims).is_some()
    }

    /// The identity behind `credentials`. A token in the form of a JWT is a matter of the keys, where
    /// there are any; everything else is one of the host application.
    pub async fn identify(&self, credentials: Credentials) -> Result<Identity> {
        let token = credentials.token.as_deref().map(strip_bearer);
        if self.is_development() {
            let read = |token| jwt::read_unverified(token, &self.rules.claims);
            return Ok(merge(token.and_then(read), credentials.claimed));
        }
        if let (Some(verifier), Some(token)) = (&self.verifier, token)
            && (self.hook.is_none() || jwt::has_form(token))
        {
            return verifier.verify(token).await;
        }
        match credentials.shown {
            Some(shown) if token != Some("") => self.ask_application(&shown).await?.ok_or(REFUSAL),
            _ => Err(REFUSAL),
        }
    }
}

fn strip_bearer(token: &str) -> &str {
    match token.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer ") => rest.trim(),
        _ => token.trim(),
    }
}

/// Development mode: what a token says comes before what the client says beside it.
fn merge(token: Option<Identity>, claimed: Identity) -> Identity {
    let Some(token) = token else { return claimed };
    Identity {
        user: token.user.or(claimed.user),
        name: token.name.or(claimed.name),
        role: token.role.or(claimed.role),
        title: token.title.or(claimed.title),
        gallery: token.gallery.or(claimed.gallery),
        ..Identity::nobody(Trust::Claimed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_is_optional_and_its_case_does_not_matter() {
        assert_eq!(strip_bearer("Bearer abc"), "abc");
        assert_eq!(strip_bearer("bearer abc"), "abc");
        assert_eq!(strip_bearer("abc"), "abc");
    }
}
