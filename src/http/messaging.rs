//! REST of dialect `messaging` (contract/messaging.md, section 6).

use std::sync::Arc;

use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use sohbet_entity::ids::{self, ConversationId, UserId};

use super::State;
use super::bodies::{Fields, PageQuery, Params};
use super::callers::Identified;
use super::errors::{self, refuse, refuse_error};
use super::health::status_of;
use super::routing::{Face, Surface, Vitals};
use super::uploads;
use crate::chat::{Caller, ReadScope};
use crate::error::Error;
use crate::wire::Dialect;
use crate::wire::messaging::rest::{
    self, ConversationsBody, MessagesBody, ReadBody, SentBody, UserBody,
};

const DIALECT: Dialect = Dialect::Messaging;

/// The paths of this dialect.
pub fn surface() -> Surface {
    Surface {
        dialect: DIALECT,
        owns,
        claims: |request| owns(request.uri.path()),
        takes_file: |path| path == "/api/upload",
        face: Face {
            health: Some(show_health),
            ..Face::default()
        },
        router: Router::new()
            .route(
                "/api/messages",
                get(list_messages).post(send_message).put(mark_read),
            )
            .route("/api/messages/conversations", get(list_conversations))
            .route("/api/user/me", get(show_me))
            .route("/api/upload", post(uploads::store_upload))
            .fallback(errors::show_not_found)
            .method_not_allowed_fallback(errors::show_method_not_allowed),
    }
}

fn owns(path: &str) -> bool {
    matches!(
        path,
        "/api/messages" | "/api/messages/conversations" | "/api/user/me" | "/api/upload"
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMessages {
    conversation_id: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

fn show_health(vitals: &Vitals) -> Response {
    let body = serde_json::json!({"ok": vitals.is_ready, "uptime": vitals.uptime});
    (status_of(vitals), Json(body)).into_response()
}

async fn list_messages(
    AxumState(state): AxumState<Arc<State>>,
    caller: Identified,
    Params(query): Params<ListMessages>,
) -> Response {
    let Some(conversation) = valid_id(query.conversation_id.as_deref()) else {
        return refuse(StatusCode::BAD_REQUEST, "Conversation ID is required");
    };
    let page = match query.page.parse() {
        Ok(page) => page,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, message),
    };
    let listed = async {
        let caller = match caller.0.user {
            Some(_) => caller.caller(&state, DIALECT, None).await?,
            None => Caller::visitor(&caller.0, DIALECT),
        };
        let conversation = ConversationId::from(conversation);
        state.chat.list_messages(&caller, &conversation, page).await
    };
    match listed.await {
        Ok(messages) => Json(MessagesBody::new(&messages)).into_response(),
        Err(error) => refuse_error(&error, "Failed to fetch messages"),
    }
}

async fn send_message(
    AxumState(state): AxumState<Arc<State>>,
    caller: Identified,
    Fields(body): Fields,
) -> Response {
    let failure = "Failed to create message";
    let new = match rest::parse_message(&body) {
        Ok(new) => new,
        Err(error) => return refuse_error(&error, failure),
    };
    let echo = new.echo.clone();
    let sent = async {
        let sender = new.draft.sender.as_ref();
        let caller = caller.caller(&state, DIALECT, sender).await;
        let caller = caller.map_err(|error| match error {
            Error::Forbidden(_) => Error::Forbidden("Not allowed to send as this user"),
            error => error,
        })?;
        state.chat.send(&caller, new.draft, new.echo).await
    };
    match sent.await {
        Ok(message) => Json(SentBody::new(&message, echo.as_deref())).into_response(),
        Err(error) => refuse_error(&error, failure),
    }
}

async fn mark_read(
    AxumState(state): AxumState<Arc<State>>,
    caller: Identified,
    Fields(body): Fields,
) -> Response {
    let failure = "Failed to mark messages as read";
    let marked = async {
        let mark = rest::parse_read_mark(&body)?;
        let caller = caller.caller(&state, DIALECT, Some(&mark.reader)).await?;
        let chat = &state.chat;
        chat.mark_read(&caller, mark.conversation, ReadScope::All)
            .await
    };
    match marked.await {
        Ok(outcome) => Json(ReadBody::new(outcome.n_marked)).into_response(),
        Err(error) => refuse_error(&error, failure),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListConversations {
    user_id: Option<String>,
}

async fn list_conversations(
    AxumState(state): AxumState<Arc<State>>,
    caller: Identified,
    Params(query): Params<ListConversations>,
) -> Response {
    let Some(user) = valid_id(query.user_id.as_deref()) else {
        return refuse(StatusCode::BAD_REQUEST, "User ID is required");
    };
    let listed = async {
        let user = UserId::from(user);
        let caller = caller.caller(&state, DIALECT, Some(&user)).await?;
        state.chat.list_conversations(&caller).await
    };
    match listed.await {
        Ok(summaries) => Json(ConversationsBody::new(&summaries)).into_response(),
        Err(error) => refuse_error(&error, "Failed to fetch conversations"),
    }
}

async fn show_me(AxumState(state): AxumState<Arc<State>>, caller: Identified) -> Response {
    let shown = async {
        let caller = caller.caller(&state, DIALECT, None).await?;
        state.chat.profile(&caller.user).await
    };
    match shown.await {
        Ok(profile) => Json(UserBody::new(&profile)).into_response(),
        Err(error) => refuse_error(&error, "Failed to fetch user"),
    }
}

/// An id in a query; `0` is none.
fn valid_id(id: Option<&str>) -> Option<String> {
    let id = id.filter(|id| *id != "0" && ids::is_valid(id));
    id.map(str::to_owned)
}
