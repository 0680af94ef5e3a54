//! REST of dialect `native` under `/api/v1` (contract/native.md, section 4): the operations of its
//! sockets, with the same bodies.

mod admin;
mod extracting;
mod messages;
mod tokens;

use std::sync::Arc;

use axum::extract::{Request, State as AxumState};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};

use super::refusals::{self, Refusal};
use super::routing::{Face, Surface};
use super::{State, uploads};
use crate::auth::Permission;
use crate::chat::{DeskReply, DeskRequest, Reply};
use crate::error::Result;
use crate::wire::Dialect;
use crate::wire::native::rest::{self, MeBody, Query, UploadBody};
use extracting::{Body, Known, Place, PlaceOfUser};

const DIALECT: Dialect = Dialect::Native;
/// What all paths of this dialect begin with.
const BASE: &str = "/api/v1/";
/// Paths below [`BASE`] that are another dialect's: what they begin with up to a slash.
const FOREIGN: [&str; 3] = ["chats", "chat", "directory"];

/// What all handlers answer.
type Answered = Result<Response, Refusal>;

/// The paths of this dialect.
pub fn surface() -> Surface {
    let v1 = Router::new()
        .route(
            "/conversations",
            get(list_conversations).post(create_conversation),
        )
        .route("/rooms", post(create_room))
        .route(
            "/conversations/{id}",
            get(show_conversation).patch(update_room),
        )
        .route("/conversations/{id}/participants", post(add_participant))
        .route(
            "/conversations/{id}/participants/{user_id}",
            patch(set_role).delete(remove_participant),
        )
        .route(
            "/conversations/{id}/messages",
            get(list_messages).post(send_message),
        )
        .route("/conversations/{id}/read", post(mark_read))
        .route(
            "/messages/{id}",
            patch(messages::edit_message).delete(messages::delete_message),
        )
        .route(
            "/messages/{id}/reactions/{emoji}",
            put(messages::add_reaction).delete(messages::remove_reaction),
        )
        .route("/sync", get(sync))
        .route("/uploads", post(store_upload))
        .route("/users/me", get(show_me))
        .route(
            "/tokens",
            get(tokens::list_tokens).post(tokens::create_token),
        )
        .route("/tokens/{id}", delete(tokens::revoke_token))
        .route("/admin/sessions", get(admin::list_sessions))
        .route("/admin/rooms", get(admin::list_rooms))
        .route("/admin/users/{id}", patch(admin::change_user))
        .route("/admin/users/{id}/sign-out", post(admin::sign_out));
    Surface {
        dialect: DIALECT,
        owns,
        claims: |request| owns(request.uri.path()),
        takes_file: |path| path == "/api/v1/uploads",
        face: Face {
            refuse: Some(refusals::refuse),
            ..Face::default()
        },
        router: Router::new()
            .nest("/api/v1", v1)
            .fallback(refusals::show_not_found)
            .method_not_allowed_fallback(refusals::show_method_not_allowed),
    }
}

fn owns(path: &str) -> bool {
    let Some(path) = path.strip_prefix(BASE) else {
        return false;
    };
    let first = path.split('/').next().unwrap_or_default();
    !FOREIGN.contains(&first)
}

/// Does what a socket could ask as well.
async fn answer(state: &State, known: &Known, request: DeskRequest) -> Answered {
    let reply = state.chat.desk(&known.caller, request).await?;
    let status = match &reply {
        DeskReply::Pair(_, true) => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Ok(show(status, &Reply::Desk(reply), known))
}

fn show(status: StatusCode, reply: &Reply, known: &Known) -> Response {
    let data = rest::data(reply, &known.caller.user);
    (status, Json(data)).into_response()
}

async fn list_conversations(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    query: Query,
) -> Answered {
    answer(&state, &known, rest::list(&query)?).await
}

async fn create_conversation(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::pair(&body)?).await
}

async fn create_room(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::room(&body)?).await
}

async fn show_conversation(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Place(conversation): Place,
) -> Answered {
    answer(&state, &known, DeskRequest::Show { conversation }).await
}

async fn update_room(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Place(conversation): Place,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::change(conversation, &body)?).await
}

async fn add_participant(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Place(conversation): Place,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::participant(conversation, &body)?).await
}

async fn set_role(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfUser(conversation, user): PlaceOfUser,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::role_of(conversation, user, &body)?).await
}

async fn remove_participant(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfUser(conversation, user): PlaceOfUser,
) -> Answered {
    let request = DeskRequest::RemoveParticipant { conversation, user };
    answer(&state, &known, request).await
}

async fn list_messages(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Place(conversation): Place,
    query: Query,
) -> Answered {
    answer(&state, &known, rest::history(conversation, &query)?).await
}

async fn send_message(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Place(conversation): Place,
    Body(body): Body,
) -> Answered {
    let draft = rest::message(conversation, &body)?;
    let message = state.chat.send(&known.caller, draft, None).await?;
    let status = match message.duplicate {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let reply = Reply::Sent {
        message,
        n_reached: 0,
    };
    Ok(show(status, &reply, &known))
}

async fn mark_read(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    Place(conversation): Place,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::read(conversation, &body)?).await
}

async fn sync(AxumState(state): AxumState<Arc<State>>, known: Known, query: Query) -> Answered {
    answer(&state, &known, rest::sync(&query)?).await
}

async fn show_me(AxumState(state): AxumState<Arc<State>>, known: Known) -> Answered {
    let profile = state.chat.profile(&known.caller.user).await?;
    Ok(Json(MeBody::new(&known.caller, &profile)).into_response())
}

async fn store_upload(
    AxumState(state): AxumState<Arc<State>>,
    known: Result<Known, Refusal>,
    headers: HeaderMap,
    request: Request,
) -> Answered {
    let permitted = known.and_then(|known| {
        known.caller.check(Permission::Write)?;
        Ok(known)
    });
    let known = match permitted {
        Ok(known) => known,
        Err(refusal) => {
            uploads::discard_body(request.into_body()).await;
            return Err(refusal);
        }
    };
    let received = uploads::receive(&state, Some(known.caller.user), request).await?;
    // It may have taken minutes, and who sends it may be signed out by then.
    uploads::sender(&state, &headers).await?;
    let row = received.row;
    let url = uploads::upload_url(&state, &headers, &row);
    Ok((StatusCode::CREATED, Json(UploadBody::new(&row, &url))).into_response())
}

#[cfg(test)]
mod tests {
    use super::owns;

    #[test]
    fn paths_of_dealers_and_of_the_directory_are_not_ours() {
        for path in [
            "/api/v1/conversations",
            "/api/v1/nothing",
            "/api/v1/chatter",
        ] {
            assert!(owns(path), "{path}");
        }
        for path in [
            "/api/v1",
            "/api/v1/chats",
            "/api/v1/chats/5",
            "/api/v1/chat/5",
            "/api/v1/directory/gallery/ga",
            "/api/messages",
        ] {
            assert!(!owns(path), "{path}");
        }
    }
}
