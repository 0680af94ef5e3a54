//! Who calls: a bearer token, the host application's login cookie, or, in development mode, the
//! ids in headers.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::response::Response;
use sohbet_entity::ids::{self, GalleryId, UserId};

use super::State;
use super::errors::refuse_error;
use crate::auth::{Credentials, Identity, Trust, parse_role};
use crate::error::Result;

/// The identity behind a request.
pub struct Caller(pub Identity);

impl Caller {
    /// The user who acts when the request names `claimed`. In development mode headers come
    /// before it (contract/README.md, section 3).
    pub fn acting(&self, claimed: &UserId) -> Result<UserId> {
        match (&self.0.user, self.0.trust) {
            (Some(user), Trust::Claimed) => Ok(user.clone()),
            _ => self.0.acting(Some(claimed), None),
        }
    }
}

impl FromRequestParts<Arc<State>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Response> {
        let identified = async {
            let identity = identify(&parts.headers, state).await?;
            if let Some(user) = &identity.user {
                state.chat.introduce(user, identity.name.as_deref()).await?;
            }
            Ok(Caller(identity))
        };
        identified
            .await
            .map_err(|error| refuse_error(&error, "Service unavailable"))
    }
}

async fn identify(headers: &HeaderMap, state: &State) -> Result<Identity> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let token = text(AUTHORIZATION.as_str());
    if token.is_none()
        && let Some(identity) = state
            .chat
            .find_login(text(COOKIE.as_str()).as_deref())
            .await?
    {
        return Ok(identity);
    }
    let id = |name| text(name).filter(|id| ids::is_valid(id));
    let claimed = Identity {
        user: id("x-user-id").map(UserId::from),
        name: None,
        role: id("x-user-role").and_then(|role| parse_role(&role)),
        gallery: id("x-gallery-id").map(GalleryId::from),
        trust: Trust::Claimed,
        grant: None,
    };
    state.chat.auth.identify(Credentials { token, claimed })
}
