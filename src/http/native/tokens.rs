//! API tokens: making, listing and ending them. Who may is the domain's to say.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use sohbet_entity::ids::ApiTokenId;

use super::Answered;
use super::extracting::{Body, Known, PlaceOfToken};
use crate::auth::{Identity, Permission};
use crate::chat::{NewApiToken, TokenFilter, TokenForm};
use crate::error::{Error, Result};
use crate::http::State;
use crate::wire::native::rest::{self, CreatedTokenBody, Query, TokensBody};

/// The caller's own tokens, or those of a user whom the caller manages; newest first.
pub async fn list_tokens(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    query: Query,
) -> Answered {
    let limit = query.limit()?;
    let filter = TokenFilter {
        user: Some(query.user()?.unwrap_or(known.caller.user)),
        after: query.cursor()?.map(ApiTokenId::from),
    };
    let listed = state.chat.list_tokens(&known.identity, &filter, limit);
    let tokens = listed.await?;
    Ok(Json(TokensBody::new(&tokens, limit)).into_response())
}

/// Makes a token, whose text is in this answer and nowhere else.
pub async fn create_token(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Body(body): Body,
) -> Answered {
    let draft = rest::token(&body)?;
    check_words(&known.identity, &draft.permissions)?;
    let user = draft.user.unwrap_or_else(|| known.caller.user.clone());
    if user != known.caller.user {
        check_others(&known.identity)?;
        state.chat.introduce(&user, None).await?;
    }
    let new = NewApiToken {
        user,
        token_type: draft.token_type,
        name: draft.name,
        permissions: json!(draft.permissions),
        expires_at: draft.expires_at,
        form: TokenForm::Opaque,
    };
    let created = state.chat.create_token(&known.identity, new).await?;
    Ok((StatusCode::CREATED, Json(CreatedTokenBody::from(&created))).into_response())
}

/// Ends a token; its sockets are closed.
pub async fn revoke_token(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfToken(id): PlaceOfToken,
) -> Answered {
    state.chat.revoke_token(&known.identity, &id).await?;
    Ok(Json(json!({})).into_response())
}

/// Refuses to permit what the caller is not permitted, whatever else is wrong with the request.
fn check_words(by: &Identity, words: &[String]) -> Result<()> {
    for word in words {
        let permission: Permission = word.parse()?;
        if !by.may(Permission::Admin) && !by.may(permission) {
            return Err(Error::Forbidden("Forbidden"));
        }
    }
    Ok(())
}

/// Lets only those near the tokens of others who manage them: a stranger must not even make the
/// user known.
fn check_others(by: &Identity) -> Result<()> {
    match by.may(Permission::Admin) || by.may(Permission::OnBehalfOf) {
        true => Ok(()),
        false => Err(Error::Forbidden("Forbidden")),
    }
}
