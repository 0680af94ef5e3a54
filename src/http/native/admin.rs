//! What administrators of the server see and do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as AxumState;
use axum::response::IntoResponse;
use sohbet_entity::ids::UserId;

use super::Answered;
use super::extracting::{Body, Known, PlaceOfAccount};
use crate::chat::AccountChange;
use crate::http::State;
use crate::wire::native::rest::{self, AccountBody, Query, RoomsBody, SocketsBody};

/// Live sockets of this node in order of coming.
pub async fn list_sessions(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    query: Query,
) -> Answered {
    let (after, limit) = (query.numbered_cursor()?, query.limit()?);
    let (sockets, total) = state.chat.list_sockets(&known.caller, after, limit)?;
    Ok(Json(SocketsBody::new(&sockets, total, limit)).into_response())
}

/// All rooms in order of their ids.
pub async fn list_rooms(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    query: Query,
) -> Answered {
    let (after, limit) = (query.cursor()?, query.limit()?);
    let listed = state.chat.list_rooms(&known.caller, after, limit);
    let rooms = listed.await?;
    Ok(Json(RoomsBody::new(&rooms, limit)).into_response())
}

/// Shuts a user out, or lets them in again.
pub async fn change_user(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfAccount(user): PlaceOfAccount,
    Body(body): Body,
) -> Answered {
    let change = rest::account_change(&body)?;
    change_account(&state, &known, &user, change).await
}

/// Ends all logins and API tokens of a user.
pub async fn sign_out(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfAccount(user): PlaceOfAccount,
) -> Answered {
    change_account(&state, &known, &user, AccountChange::SignOut).await
}

async fn change_account(
    state: &State,
    known: &Known,
    user: &UserId,
    change: AccountChange,
) -> Answered {
    let chat = &state.chat;
    let row = chat.change_account(&known.identity, &known.caller, user, change);
    Ok(Json(AccountBody::from(&row.await?)).into_response())
}
