//! Who calls, and for which gallery.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::DIALECT;
use super::errors::Refusal;
use crate::chat::Caller;
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::callers::{Identified, identify_by, vouched};

/// Some front ends name their gallery beside their token.
const GALLERY_HEADER: &str = "x-gallery-id";

/// A user who calls, with or without a gallery.
pub struct Dealer(Caller);

impl Dealer {
    /// The caller, who must act for a gallery; otherwise `missing` says so.
    pub fn of_gallery(self, missing: &'static str) -> Result<Caller, Refusal> {
        match self.0.gallery {
            Some(_) => Ok(self.0),
            None => Err(Refusal::invalid(missing)),
        }
    }
}

impl FromRequestParts<Arc<State>> for Dealer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let headers = &parts.headers;
        let token = text(headers, AUTHORIZATION.as_str());
        let caller = caller(parts, token, state).await;
        let caller = caller.map_err(|error| match error {
            Error::Unauthenticated(_) => nobody(token, state),
            error => error.into(),
        })?;
        // The header asks for nothing: it must say what is known without it.
        let own = caller.gallery.as_ref().map(|gallery| gallery.as_str());
        let named = text(headers, GALLERY_HEADER);
        if named.is_some() && named != own {
            return Err(Error::Forbidden("Access denied").into());
        }
        Ok(Self(caller))
    }
}

async fn caller(parts: &Parts, token: Option<&str>, state: &State) -> Result<Caller> {
    let identified = match token {
        None if is_gateway(parts, state) => {
            let Identified(identity) = vouched(&parts.headers);
            Identified(state.chat.check_account(identity).await?)
        }
        token => identify_by(token.map(str::to_owned), &parts.headers, state).await?,
    };
    identified.caller(state, DIALECT, None).await
}

/// Whether a request came from a gateway. Whom a proxy speaks for is no matter: a gateway sets the
/// headers itself.
fn is_gateway(parts: &Parts, state: &State) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let gateways = &state.config.gateway_addresses;
    peer.is_some_and(|ConnectInfo(peer)| gateways.contains(&peer.ip().to_canonical()))
}

fn nobody(token: Option<&str>, state: &State) -> Refusal {
    Refusal::unauthorized(match token {
        None => "No token provided",
        Some(token) if state.chat.auth.has_expired(token) => "Token expired",
        Some(_) => "Invalid token",
    })
}

/// The text of a header; an empty one counts as absent.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then_some(text)
}
