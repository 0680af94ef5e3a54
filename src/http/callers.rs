//! Who calls: a token, the host application's login cookie, or, in development mode, the ids in
//! headers.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::response::Response;
use chrono::Utc;
use sohbet_entity::ids::{self, GalleryId, UserId};

use super::State;
use super::errors::refuse_error;
use crate::auth::{Credentials, Identity, Shown, Trust, parse_role};
use crate::chat::{Caller, Dialect, People};
use crate::error::{Error, Result};

/// The identity behind a request.
pub struct Identified(pub Identity);

impl Identified {
    /// Who acts when the request names `claimed`. In development mode headers come before it
    /// (contract/README.md, section 3).
    pub async fn caller(
        &self,
        state: &State,
        dialect: Dialect,
        claimed: Option<&UserId>,
    ) -> Result<Caller> {
        let identity = match dialect.people() {
            People::Ids | People::Registered => self.0.clone(),
            People::Roles => self.0.with_role(),
        };
        if let Some(user) = &identity.user {
            state.chat.limits.admit_user_call(user)?;
            state.chat.introduce(user, identity.name.as_deref()).await?;
        }
        let is_known = identity.user.is_some() && identity.trust == Trust::Claimed;
        let claimed = claimed.filter(|_| !is_known);
        state.chat.caller(&identity, dialect, claimed, None).await
    }
}

impl FromRequestParts<Arc<State>> for Identified {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Response> {
        identify(&parts.headers, state)
            .await
            .map_err(|error| refuse_error(&error, "Service unavailable"))
    }
}

/// The identity behind the headers of a request: `Authorization`, else a login cookie, else, in
/// development mode, what the headers claim.
pub async fn identify(headers: &HeaderMap, state: &State) -> Result<Identified> {
    let token = text(headers, AUTHORIZATION.as_str());
    if token.is_none() {
        let cookies = text(headers, COOKIE.as_str());
        if let Some(identity) = state.chat.find_login(cookies.as_deref()).await? {
            return Ok(Identified(identity));
        }
    }
    identify_by(token, headers, state).await
}

/// The identity behind a token, wherever it was found, or behind what the headers claim.
pub async fn identify_by(
    token: Option<String>,
    headers: &HeaderMap,
    state: &State,
) -> Result<Identified> {
    let cookies = text(headers, COOKIE.as_str());
    let credentials = Credentials {
        shown: Shown::new(cookies.as_deref(), token.as_deref()),
        token,
        claimed: claimed(headers),
    };
    let identity = state.chat.identify(credentials).await?;
    Ok(Identified(on_behalf(identity, headers)?))
}

/// The same caller, acting for the user whom the headers name, if they name one.
pub fn on_behalf(identity: Identity, headers: &HeaderMap) -> Result<Identity> {
    match text(headers, "x-on-behalf-of") {
        Some(user) if ids::is_valid(&user) => identity.on_behalf_of(user.into()),
        Some(_) => Err(Error::Forbidden("Forbidden")),
        None => Ok(identity),
    }
}

/// The identity that a gateway vouches for in its headers. Only for requests that came from one.
pub fn vouched(headers: &HeaderMap) -> Identified {
    Identified(Identity {
        trust: Trust::Verified,
        issued_at: Some(Utc::now()),
        ..claimed(headers)
    })
}

/// What the headers of a request claim.
fn claimed(headers: &HeaderMap) -> Identity {
    let title = id(headers, "x-user-role");
    Identity {
        user: id(headers, "x-user-id").map(UserId::from),
        role: title.as_deref().and_then(parse_role),
        title,
        gallery: id(headers, "x-gallery-id").map(GalleryId::from),
        ..Identity::nobody(Trust::Claimed)
    }
}

fn id(headers: &HeaderMap, name: &str) -> Option<String> {
    text(headers, name).filter(|id| ids::is_valid(id))
}

/// A header as text.
pub fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
