//! Who may connect: decided before the upgrade is answered.

use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode, Uri};
use sohbet_entity::ids::{self, UserId};
use tokio::time::timeout;

use super::upgrades::refuse;
use super::{Body, DIALECT, Shared};
use crate::auth::{Credentials, Identity, Shown, Trust};
use crate::chat::{Client, SocketPlaces, cookie};
use crate::error::Error;
use crate::headers::query;

/// Longest dialect name that a refusal repeats, in characters.
const MAX_ECHO_CHARS: usize = 64;
/// How long it may take to find out who a client is.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that may connect.
pub struct Admitted {
    /// Who it is; in development mode it may not have said yet.
    pub identity: Identity,
    /// Whose socket it is.
    pub client: Client,
    /// Where it counts, as long as it lives.
    pub places: SocketPlaces,
}

/// Why a client may not connect.
pub struct Refusal {
    /// The status of the answer.
    pub status: StatusCode,
    /// Why.
    pub text: String,
    /// When it may try again, if that is known.
    pub retry_after_ms: Option<u32>,
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            retry_after_ms: None,
        }
    }

    /// The answer to its request.
    pub fn into_response(self) -> Response<Body> {
        let mut response = refuse(self.status, &self.text);
        if let Some(retry_after_ms) = self.retry_after_ms {
            let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }

    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self {
            retry_after_ms: error.retry_after_ms(),
            ..Self::new(status, "Too many connections")
        }
    }
}

/// Admits a client, or says why not, also while the store says nothing.
pub(super) async fn admit_in_time(
    shared: &Shared,
    request: &Parts,
    client: Client,
) -> Result<Admitted, Refusal> {
    let admitted = timeout(ADMISSION_TIMEOUT, admit(shared, request, client)).await;
    admitted.unwrap_or_else(|_| Err(Refusal::unavailable()))
}

async fn admit(shared: &Shared, request: &Parts, client: Client) -> Result<Admitted, Refusal> {
    if shared.drain.is_cancelled() {
        return Err(Refusal::unavailable());
    }
    check_dialect(&request.uri)?;
    let limits = &shared.chat.limits;
    let pending = limits.begin_socket(&client)?;
    let identity = identify(shared, &request.uri, &request.headers).await?;
    let places = limits.join(&client, identity.user.as_ref())?;
    drop(pending);
    let identity = on_behalf(identity, &request.uri, &request.headers)?;
    let welcomed = shared.chat.welcome(DIALECT, &identity).await;
    match welcomed {
        Ok(()) => Ok(Admitted {
            identity,
            client,
            places,
        }),
        Err(error @ Error::InvalidPayload(_)) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
        }
        Err(_) => Err(Refusal::unavailable()),
    }
}

/// A plain WebSocket has no other dialect to choose from.
fn check_dialect(uri: &Uri) -> Result<(), Refusal> {
    match query(uri, "dialect") {
        Some(name) if name != DIALECT.name() && name != "auto" => {
            let name: String = name.chars().take(MAX_ECHO_CHARS).collect();
            let text = format!("Unknown dialect: {name}");
            Err(Refusal::new(StatusCode::BAD_REQUEST, text))
        }
        _ => Ok(()),
    }
}

/// Who is behind the token in the query, the header or the cookie, in this order, or behind a login of
/// the host application. A bad one in the query or the cookie counts as absent, and so does every bad one
/// in development mode, where the query may also name the user. That a client asks for this dialect is not
/// enough for a token in the query, which proxies write into their logs.
async fn identify(shared: &Shared, uri: &Uri, headers: &HeaderMap) -> Result<Identity, Refusal> {
    let is_development = shared.chat.auth.is_development();
    let cookies = text(headers, &COOKIE).unwrap_or_default();
    let reads_query = shared.config.dialect.is_none_or(|own| own == DIALECT)
        || shared.chat.auth.allow_query_token;
    let sources = [
        (query(uri, "token").filter(|_| reads_query), true, false),
        (text(headers, &AUTHORIZATION), true, !is_development),
        (
            cookie(&cookies, DIALECT.token_cookie()).map(str::to_owned),
            false,
            false,
        ),
    ];
    let bad = || Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized: Invalid token");
    for (token, may_be_shown, must_be_good) in sources {
        let Some(token) = token else { continue };
        let credentials = Credentials {
            shown: Shown::new(Some(&cookies), Some(&token)).filter(|_| may_be_shown),
            ..Credentials::of_token(token)
        };
        match shared.chat.identify(credentials).await {
            Ok(identity) if identity.user.is_some() => return Ok(identity),
            Err(Error::Unavailable { .. } | Error::Internal) => {
                return Err(Refusal::unavailable());
            }
            _ if must_be_good => return Err(bad()),
            _ => {}
        }
    }
    match shared.chat.find_login(Some(&cookies)).await {
        Ok(Some(identity)) => return Ok(identity),
        Ok(None) | Err(Error::Unauthenticated(_)) => {}
        Err(_) => return Err(Refusal::unavailable()),
    }
    let user = query(uri, "userId").filter(|user| ids::is_valid(user));
    match is_development {
        true => Ok(Identity {
            user: user.map(UserId::from),
            ..Identity::nobody(Trust::Claimed)
        }),
        false => Err(bad()),
    }
}

/// The same client, acting for the user whom the query or the header names, if one does. Browsers
/// cannot send the header.
fn on_behalf(identity: Identity, uri: &Uri, headers: &HeaderMap) -> Result<Identity, Refusal> {
    let header = HeaderName::from_static("x-on-behalf-of");
    let forbidden = || Refusal::new(StatusCode::FORBIDDEN, "Forbidden");
    match query(uri, "onBehalfOf").or_else(|| text(headers, &header)) {
        Some(user) if ids::is_valid(&user) => {
            identity.on_behalf_of(user.into()).map_err(|_| forbidden())
        }
        // Who names nobody that there can be must not act for oneself instead.
        Some(_) => Err(forbidden()),
        None => Ok(identity),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
