//! REST of dialect `starter` (contract/starter.md, section 5).

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as AxumState};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use sohbet_entity::ids::{self, ConversationId};

use super::State;
use super::callers::identify;
use super::errors;
use super::routing::{Face, Surface};
use crate::auth::{Permission, Trust};
use crate::chat::Caller;
use crate::error::{Error, Result};
use crate::wire::Dialect;
use crate::wire::starter::RUNNING;
use crate::wire::starter::rest::{self, ErrorBody};

const DIALECT: Dialect = Dialect::Starter;

/// The paths of this dialect. Other dialects have the same, so none is claimed.
pub fn surface() -> Surface {
    Surface {
        dialect: DIALECT,
        owns,
        claims: |_| false,
        takes_file: |_| false,
        face: Face {
            root: Some(|| RUNNING.into_response()),
            refuse: Some(refuse),
            ..Face::default()
        },
        router: Router::new()
            .route("/api/messages", get(list_messages))
            .route("/api/messages/{room}", get(list_room_messages))
            .route("/api/users", get(list_users))
            .route("/api/rooms", get(list_rooms))
            .fallback(show_no_route)
            .method_not_allowed_fallback(show_no_route),
    }
}

fn owns(path: &str) -> bool {
    let of_room = path.strip_prefix("/api/messages/");
    matches!(path, "/api/messages" | "/api/users" | "/api/rooms")
        || of_room.is_some_and(|room| !room.is_empty() && !room.contains('/'))
}

async fn list_messages(AxumState(state): AxumState<Arc<State>>, headers: HeaderMap) -> Response {
    let listed = async {
        visitor(&state, &headers).await?;
        state.chat.lobby_messages().await
    };
    show(listed.await.as_deref().map(rest::public_messages))
}

async fn list_room_messages(
    AxumState(state): AxumState<Arc<State>>,
    room: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // A path that is no text names nothing.
    let Ok(Path(room)) = room else {
        return show_no_route(uri).await;
    };
    let listed = async {
        let caller = visitor(&state, &headers).await?;
        if !ids::is_valid(&room) {
            return Ok(Vec::new());
        }
        let room = ConversationId::from(room);
        state.chat.lobby_room_messages(&caller, &room).await
    };
    show(listed.await.as_deref().map(rest::room_messages))
}

async fn list_users(AxumState(state): AxumState<Arc<State>>, headers: HeaderMap) -> Response {
    let listed = visitor(&state, &headers).await;
    let people = listed.map(|_| state.chat.lobby_people());
    let people = people.as_deref();
    show(people.map(|people| rest::people(people.iter().map(|person| &**person))))
}

async fn list_rooms(AxumState(state): AxumState<Arc<State>>, headers: HeaderMap) -> Response {
    let listed = async {
        visitor(&state, &headers).await?;
        state.chat.lobby_rooms().await
    };
    show(listed.await.as_ref())
}

/// Who looks: anybody in development mode, elsewhere who has a token that lets them read.
async fn visitor(state: &State, headers: &HeaderMap) -> Result<Caller> {
    let identified = identify(headers, state).await?;
    let identity = &identified.0;
    let caller = match identity.user {
        None if identity.trust == Trust::Claimed => Caller::visitor(identity, DIALECT),
        _ => identified.caller(state, DIALECT, None).await?,
    };
    caller.check(Permission::Read)?;
    Ok(caller)
}

fn show<T: Serialize>(listed: Result<T, &Error>) -> Response {
    match listed {
        Ok(body) => Json(body).into_response(),
        Err(error) => refuse_error(error),
    }
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(ErrorBody::new(error))).into_response()
}

fn refuse_error(error: &Error) -> Response {
    let mut response = errors::refuse_error(error, "");
    let text = match error {
        Error::Unauthenticated(_) => "Unauthorized".to_owned(),
        Error::Unavailable { .. } | Error::Internal => "Internal server error".to_owned(),
        error => error.to_string(),
    };
    let body = Json(ErrorBody::new(&text)).into_response();
    *response.body_mut() = body.into_body();
    response
}

async fn show_no_route(uri: Uri) -> Response {
    let body = ErrorBody::no_route(uri.path());
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
