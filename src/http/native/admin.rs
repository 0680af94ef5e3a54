//! What administrators of the server see.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as AxumState;
use axum::response::IntoResponse;

use super::Answered;
use super::extracting::Known;
use crate::http::State;
use crate::wire::native::rest::{Query, RoomsBody, SocketsBody};

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
