//! What handlers of this dialect ask of a request. Each refuses in the words of the dialect.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sohbet_entity::ids::{self, ApiTokenId, ConversationId, MessageId, UserId};

use super::DIALECT;
use crate::auth::Identity;
use crate::chat::Caller;
use crate::error::Error;
use crate::http::State;
use crate::http::bodies::Fields;
use crate::http::callers::{Identified, identify};
use crate::http::refusals::Refusal;
use crate::wire::native::rest::Query;

/// Who calls: there must be somebody.
pub struct Known {
    /// Who the call says it is.
    pub identity: Identity,
    /// The same, as the domain asks who may do what.
    pub caller: Caller,
}

impl FromRequestParts<Arc<State>> for Known {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let Identified(identity) = identify(&parts.headers, state).await?;
        let identified = Identified(identity);
        let caller = identified.caller(state, DIALECT, None).await?;
        Ok(Self {
            identity: identified.0,
            caller,
        })
    }
}

/// The conversation that a path names.
pub struct Place(pub ConversationId);

impl FromRequestParts<Arc<State>> for Place {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let id: String = path(parts, state).await?;
        Ok(Self(checked(id)?.into()))
    }
}

/// The API token that a path names.
pub struct PlaceOfToken(pub ApiTokenId);

impl FromRequestParts<Arc<State>> for PlaceOfToken {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let none = Error::NotFound("Token not found");
        let path = Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().map(|Path(id)| id).filter(|id| ids::is_valid(id));
        Ok(Self(id.ok_or(none)?.into()))
    }
}

/// The user whose account a path names.
pub struct PlaceOfAccount(pub UserId);

impl FromRequestParts<Arc<State>> for PlaceOfAccount {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().map(|Path(id)| id).filter(|id| ids::is_valid(id));
        Ok(Self(id.ok_or(Error::NO_USER)?.into()))
    }
}

/// The conversation and the user that a path names.
pub struct PlaceOfUser(pub ConversationId, pub UserId);

impl FromRequestParts<Arc<State>> for PlaceOfUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let (place, user): (String, String) = path(parts, state).await?;
        Ok(Self(checked(place)?.into(), checked(user)?.into()))
    }
}

/// The message that a path names.
pub struct PlaceOfMessage(pub MessageId);

impl FromRequestParts<Arc<State>> for PlaceOfMessage {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        Ok(Self(message(path(parts, state).await?)?))
    }
}

/// The message and the reaction that a path names.
pub struct PlaceOfReaction(pub MessageId, pub String);

impl FromRequestParts<Arc<State>> for PlaceOfReaction {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refusal> {
        let (id, emoji): (String, String) = path(parts, state).await?;
        Ok(Self(message(id)?, emoji))
    }
}

fn message(id: String) -> Result<MessageId, Error> {
    match ids::is_valid(&id) {
        true => Ok(id.into()),
        false => Err(Error::NO_MESSAGE),
    }
}

async fn path<T: DeserializeOwned + Send>(
    parts: &mut Parts,
    state: &Arc<State>,
) -> Result<T, Refusal> {
    let path = Path::from_request_parts(parts, state).await;
    let Path(path) = path.map_err(|_| Error::NO_CONVERSATION)?;
    Ok(path)
}

fn checked(id: String) -> Result<String, Error> {
    match ids::is_valid(&id) {
        true => Ok(id),
        false => Err(Error::NO_CONVERSATION),
    }
}

impl FromRequestParts<Arc<State>> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<State>) -> Result<Self, Refusal> {
        Ok(Self::parse(parts.uri.query()))
    }
}

/// A body as JSON text.
pub struct Body(pub Box<RawValue>);

impl FromRequest<Arc<State>> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Refusal> {
        let Fields(body) = Fields::from_request(request, state).await?;
        Ok(Self(body))
    }
}
