//! Logins that the host application knows: the cookie and the `Authorization` header of a caller are
//! shown to an address of the application, and its answer says who that is.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::fetching::{FETCH_TIMEOUT, Fetched, Fetcher};
use super::fields::{FieldNames, find};
use super::{Identity, Trust};
use crate::error::{Error, Result};

/// Callers of whom is remembered what the application said.
const REMEMBERED: usize = 10_000;
/// Questions under way; further ones wait, and are refused when they have waited too long.
const MAX_ASKED: usize = 64;
/// Longest session that is read, in bytes.
const MAX_SESSION_BYTES: usize = 65_536;
/// Longest cookie and token that are shown, together, in bytes.
const MAX_SHOWN_BYTES: usize = 16_384;
/// How long somebody is nobody: some applications make the login part of a cookie that was there before.
const NOBODY_FOR: Duration = Duration::from_secs(1);
/// Times above this are milliseconds.
const MAX_SECONDS: f64 = 1e11;
/// Where a session says when it ends, and when it began.
const ENDS: [&str; 5] = [
    "/session/expiresAt",
    "expires",
    "expiresAt",
    "/session/expires",
    "exp",
];
const BEGINS: [&str; 2] = ["/session/createdAt", "createdAt"];
const UNAVAILABLE: Error = Error::Unavailable {
    text: "Logins cannot be checked",
    retry_after_ms: Some(1_000),
};

/// Where the application is asked, and how its answer is read.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Its address.
    pub url: Url,
    /// Where its answer says who somebody is.
    pub fields: FieldNames,
    /// How long an answer is believed without asking again.
    pub believed_for: Duration,
    /// How often it is asked again about somebody who is connected.
    pub recheck: Duration,
}

/// What a caller shows: the headers that prove who it is to the host application.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    cookie: Option<String>,
    authorization: Option<String>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shown(***)")
    }
}

impl Shown {
    /// A `Cookie` header, and a token with or without its scheme. `None` when there is neither.
    pub fn new(cookie: Option<&str>, token: Option<&str>) -> Option<Self> {
        let written = |text: &str| match text.contains(' ') {
            true => text.to_owned(),
            false => format!("Bearer {text}"),
        };
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        let cookie = cookie.filter(|cookie| !cookie.is_empty());
        (token.is_some() || cookie.is_some()).then(|| Self {
            cookie: cookie.map(str::to_owned),
            authorization: token.map(written),
        })
    }

    /// The headers of the question; `None` for what no header can hold.
    fn headers(&self) -> Option<HeaderMap> {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        if length(&self.cookie) + length(&self.authorization) > MAX_SHOWN_BYTES {
            return None;
        }
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(ACCEPT, json)]);
        for (name, text) in [(COOKIE, &self.cookie), (AUTHORIZATION, &self.authorization)] {
            if let Some(text) = text {
                let mut value = HeaderValue::from_str(text).ok()?;
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        Some(headers)
    }

    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for text in [&self.cookie, &self.authorization] {
            // A header holds no such byte, so no two pairs are written alike.
            hash.update(text.as_deref().unwrap_or("\u{1}"));
            hash.update([0]);
        }
        hash.finalize().into()
    }
}

/// What the application said about one caller.
struct Answer {
    identity: Result<Option<Identity>>,
    believed_until: Instant,
    answered_at: Instant,
}

/// Asks the host application.
pub struct SessionHook {
    config: SessionConfig,
    fetcher: Fetcher,
    answers: Cache<[u8; 32], Arc<Mutex<Option<Answer>>>>,
    places: Semaphore,
    /// Whether the last question was answered, and whether users had ids: each change is logged once.
    is_failing: AtomicBool,
    is_anonymous: AtomicBool,
}

impl SessionHook {
    pub fn new(config: SessionConfig, fetcher: Fetcher) -> Self {
        Self {
            config,
            fetcher,
            answers: Cache::new(REMEMBERED),
            places: Semaphore::new(MAX_ASKED),
            is_failing: AtomicBool::new(false),
            is_anonymous: AtomicBool::new(false),
        }
    }

    /// How often it is asked again about somebody who is connected.
    pub fn recheck(&self) -> Duration {
        self.config.recheck
    }

    /// Who shows that; `None` for nobody.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the application does not say.
    pub async fn ask(&self, shown: &Shown) -> Result<Option<Identity>> {
        let Some(headers) = shown.headers() else {
            return Ok(None);
        };
        let arrived_at = Instant::now();
        let slot = self
            .answers
            .get_or_insert_with(&shown.hash(), || Ok::<_, Infallible>(Arc::default()));
        let slot = slot.unwrap_or_else(|never| match never {});
        // One caller asks, the others who show the same wait here for the answer.
        let mut slot = slot.lock().await;
        let is_current = |answer: &Answer| {
            answer.answered_at >= arrived_at || answer.believed_until > Instant::now()
        };
        if !slot.as_ref().is_some_and(is_current) {
            *slot = Some(self.fetch(headers).await);
        }
        let Some(answer) = slot.as_ref() else {
            return Ok(None);
        };
        let (identity, now) = (answer.identity.clone()?, Utc::now());
        let identity = identity.filter(|identity| identity.expires_at.is_none_or(|end| end > now));
        // Not with the answer: what is shown can be long, and answers are many.
        Ok(identity.map(|identity| Identity {
            shown: Some(Arc::new(shown.clone())),
            ..identity
        }))
    }

    /// Forgets what the application said so far.
    pub fn forget(&self) {
        self.answers.clear();
    }

    async fn fetch(&self, headers: HeaderMap) -> Answer {
        let identity = self.question(headers).await;
        let believed_for = match &identity {
            Ok(Some(_)) => self.config.believed_for,
            Ok(None) | Err(_) => self.config.believed_for.min(NOBODY_FOR),
        };
        let answered_at = Instant::now();
        Answer {
            identity,
            believed_until: answered_at + believed_for,
            answered_at,
        }
    }

    async fn question(&self, headers: HeaderMap) -> Result<Option<Identity>> {
        let place = tokio::time::timeout(FETCH_TIMEOUT, self.places.acquire());
        let Ok(Ok(_place)) = place.await else {
            return Err(UNAVAILABLE);
        };
        let fetched = self
            .fetcher
            .get(&self.config.url, headers, MAX_SESSION_BYTES);
        let read = match fetched.await {
            Ok(fetched) => self.read(&fetched),
            Err(fault) => Err(fault.to_string()),
        };
        let was_failing = self.is_failing.swap(read.is_err(), Ordering::Relaxed);
        read.map_err(|cause| {
            if !was_failing {
                tracing::error!(
                    cause,
                    "AUTH_SESSION_URL does not say who logs in, so nobody can"
                );
            }
            UNAVAILABLE
        })
    }

    fn read(&self, fetched: &Fetched) -> Result<Option<Identity>, String> {
        match fetched.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NO_CONTENT => {
                return Ok(None);
            }
            status if !status.is_success() => {
                return Err(format!("it answers {}", status.as_u16()));
            }
            _ => {}
        }
        let session: Value = serde_json::from_slice(&fetched.body)
            .map_err(|_| "its answer is not JSON".to_owned())?;
        Ok(self.identity(&session))
    }

    fn identity(&self, session: &Value) -> Option<Identity> {
        let identity = self.config.fields.read(session, Trust::Verified);
        if identity.user.is_none() {
            let is_somebody = session.get("user").is_some_and(Value::is_object);
            if is_somebody && !self.is_anonymous.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    "AUTH_SESSION_URL names a user without an id; let the application add one, or say with AUTH_SESSION_USER_FIELD where it stands, such as /user/email"
                );
            }
            return None;
        }
        let time = |names: &[&str]| names.iter().find_map(|name| time(find(session, name)?));
        let expires_at = time(&ENDS);
        let has_ended = expires_at.is_some_and(|end| end <= Utc::now());
        (!has_ended).then(|| Identity {
            expires_at,
            // Without a beginning it is as old as the word of the application.
            issued_at: time(&BEGINS).or_else(|| Some(Utc::now())),
            ..identity
        })
    }
}

/// Whether the host application answers, and names nobody to whom shows nothing.
pub async fn probe(fetcher: &Fetcher, config: &SessionConfig) -> Result<(), String> {
    let hook = SessionHook::new(config.clone(), fetcher.clone());
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(ACCEPT, json)]);
    let fetched = fetcher.get(&config.url, headers, MAX_SESSION_BYTES).await;
    let fetched = fetched.map_err(|fault| fault.to_string())?;
    match hook.read(&fetched)? {
        None => Ok(()),
        Some(_) => Err("it names a user although nobody is logged in".to_owned()),
    }
}

/// A time as JSON has it: ISO 8601, or seconds or milliseconds since 1970.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.to_utc()),
        Value::Number(number) => match number.as_f64()? {
            seconds if seconds <= MAX_SECONDS => DateTime::from_timestamp(seconds as i64, 0),
            millis => DateTime::from_timestamp_millis(millis as i64),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hook() -> SessionHook {
        let config = SessionConfig {
            url: Url::parse("http://localhost/api/auth/session").unwrap(),
            fields: FieldNames::of_sessions(),
            believed_for: Duration::from_secs(30),
            recheck: Duration::from_secs(300),
        };
        SessionHook::new(config, Fetcher::new().unwrap())
    }

    fn read(status: StatusCode, body: &str) -> Result<Option<Identity>, String> {
        let body = body.as_bytes().to_vec();
        hook().read(&Fetched { status, body })
    }

    #[test]
    fn the_sessions_of_the_usual_libraries_are_read() {
        let end = "2099-01-01T00:00:00.000Z";
        for (session, name) in [
            (
                json!({"user": {"id": "7", "name": "Ada", "email": "a@x.test"}, "expires": end}),
                Some("Ada"),
            ),
            (
                json!({"session": {"id": "s", "userId": "7", "expiresAt": end}, "user": {"id": "7", "name": "Ada"}}),
                Some("Ada"),
            ),
            (json!({"id": 7, "expires": 4_070_908_800_000_u64}), None),
            (json!({"sub": "7", "exp": 4_070_908_800_u64}), None),
        ] {
            let identity = read(StatusCode::OK, &session.to_string()).unwrap().unwrap();
            assert_eq!(identity.user, Some("7".into()), "{session}");
            assert_eq!(identity.name.as_deref(), name, "{session}");
            let end = DateTime::from_timestamp(4_070_908_800, 0);
            assert_eq!(
                (identity.expires_at, identity.trust),
                (end, Trust::Verified)
            );
        }
    }

    #[test]
    fn who_is_not_named_is_nobody() {
        for body in [
            "null",
            "{}",
            "[]",
            "\"7\"",
            r#"{"user":null}"#,
            r#"{"user":{"name":"Ada"}}"#,
            r#"{"user":{"id":""}}"#,
            r#"{"user":{"id":"7"},"expires":"2001-01-01T00:00:00Z"}"#,
        ] {
            assert_eq!(read(StatusCode::OK, body), Ok(None), "{body}");
        }
        for status in [401, 403, 204] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(read(status, r#"{"user":{"id":"7"}}"#), Ok(None), "{status}");
        }
    }

    #[test]
    fn an_answer_that_says_nothing_is_no_answer() {
        for (status, body) in [
            (200, "<html>Sign in</html>"),
            (200, ""),
            (302, r#"{"user":{"id":"7"}}"#),
            (404, "{}"),
            (500, "null"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(read(status, body).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn what_is_shown_is_told_apart_and_never_printed() {
        let shown = |cookie, token| Shown::new(cookie, token).unwrap();
        let both = shown(Some("a=1"), Some("t"));
        assert_ne!(both.hash(), shown(Some("a=1"), None).hash());
        assert_ne!(both.hash(), shown(None, Some("t")).hash());
        assert_eq!(both.hash(), shown(Some("a=1"), Some("Bearer t")).hash());
        assert_eq!(format!("{both:?}"), "Shown(***)");
        assert_eq!(Shown::new(None, Some(" ")), None);
        assert!(shown(Some("a=1\r\nx: y"), None).headers().is_none());
        assert!(shown(Some(&"a".repeat(20_000)), None).headers().is_none());
    }
}
