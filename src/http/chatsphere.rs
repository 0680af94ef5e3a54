//! REST of dialect `chatsphere` (contract/chatsphere.md, section 4). Errors are
//! `{"error":"<text>"}`, successes bare objects and lists.

mod callers;
mod messages;
mod people;
mod rooms;
mod tokens;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State as AxumState;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::{AUTHORIZATION, COOKIE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::Serialize;
use sohbet_entity::ids;

use super::State;
use super::bodies::Unreadable;
use super::callers::text;
use super::errors::status_of;
use super::limits::Login;
use super::routing::{Face, Surface};
use crate::auth;
use crate::chat::cookie;
use crate::error::Error;
use crate::headers::query;
use crate::wire::Dialect;

const DIALECT: Dialect = Dialect::Chatsphere;

/// The paths of this dialect.
pub fn surface() -> Surface {
    Surface {
        dialect: DIALECT,
        owns: |path| path == ALL_MESSAGES || is_own(path),
        claims: |request| is_own(request.uri.path()) || is_program(request),
        takes_file: |_| false,
        face: Face {
            refuse: Some(refuse),
            ..Face::default()
        },
        router: Router::new()
            .route(
                "/api/users",
                get(people::list_users).post(people::make_user),
            )
            .route("/api/rooms", get(rooms::list_rooms).post(rooms::make_room))
            .route("/api/rooms/{id}", get(rooms::show_room))
            .route("/api/rooms/{id}/users", post(rooms::add_user))
            .route("/api/rooms/{id}/users/{user}", delete(rooms::remove_user))
            .route(
                "/api/rooms/{id}/messages",
                get(messages::list_messages).post(messages::post_message),
            )
            .route(ALL_MESSAGES, get(messages::list_all))
            .route("/api/messages/user", get(messages::list_written))
            .route("/api/tokens/user", post(tokens::make_user_token))
            .route("/api/tokens/client", post(tokens::make_client_token))
            .route("/api/tokens/{id}/revoke", put(tokens::revoke_token))
            .route("/api/tokens/{id}", delete(tokens::revoke_token))
            .route("/api/tokens/verify", get(tokens::verify_token))
            .route("/api/auth/verify", get(tokens::verify_token))
            .route("/api/health", get(show_health))
            .fallback(async || refuse(StatusCode::NOT_FOUND, "Not Found"))
            .method_not_allowed_fallback(async || {
                refuse(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            }),
    }
}

/// The one path that another dialect has too.
const ALL_MESSAGES: &str = "/api/messages";

fn is_own(path: &str) -> bool {
    let is_under = |folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ["/api/users", "/api/rooms", "/api/tokens"]
        .into_iter()
        .any(is_under)
        || matches!(
            path,
            "/api/messages/user" | "/api/auth/verify" | "/api/health"
        )
}

/// Whether a program asks for all messages: it brings an API token and names no conversation.
fn is_program(request: &Parts) -> bool {
    let (uri, headers) = (&request.uri, &request.headers);
    if request.method != Method::GET
        || uri.path() != ALL_MESSAGES
        || query(uri, "conversationId").is_some()
    {
        return false;
    }
    let cookies = text(headers, COOKIE.as_str()).unwrap_or_default();
    let tokens = [
        query(uri, "token"),
        text(headers, AUTHORIZATION.as_str()),
        cookie(&cookies, DIALECT.token_cookie()).map(str::to_owned),
    ];
    let mut tokens = tokens.into_iter().flatten();
    tokens.any(|token| auth::has_api_token_form(&token))
}

fn refuse(status: StatusCode, error: &str) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        error: &'a str,
    }
    (status, Json(Body { error })).into_response()
}

/// An error of the domain. Failures on our side say only `failure`.
fn refuse_error(error: &Error, failure: &str) -> Response {
    if let Error::Unavailable { .. } | Error::Internal = error {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, failure);
    }
    let status = status_of(error);
    let mut response = refuse(status, &error.to_string());
    if *error == callers::BAD_TOKEN {
        response.extensions_mut().insert(Login::Failed);
    }
    if let Some(retry_after_ms) = error.retry_after_ms() {
        let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// Does what a call asks. `failure` is what it says when the failure is ours.
async fn answer(failure: &str, work: impl Future<Output = Result<Response, Refusal>>) -> Response {
    match work.await {
        Ok(response) => response,
        Err(Refusal::Error(error)) => refuse_error(&error, failure),
        Err(Refusal::Body(unreadable)) => refuse(unreadable.status, unreadable.text),
    }
}

fn ok(body: &impl Serialize) -> Result<Response, Refusal> {
    Ok(Json(body).into_response())
}

fn created(body: &impl Serialize) -> Result<Response, Refusal> {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Why a call was not done.
enum Refusal {
    /// The domain says no.
    Error(Error),
    /// The body cannot be read.
    Body(Unreadable),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        Self::Body(unreadable)
    }
}

/// The ids in a path. One that cannot be an id is the id of nothing.
struct PathIds(Vec<Option<String>>);

impl PathIds {
    /// The first one, or the error for what does not exist.
    fn first<T: From<String>>(&self, missing: Error) -> Result<T, Refusal> {
        self.at(0, missing)
    }

    /// The second one, or the error for what does not exist.
    fn second<T: From<String>>(&self, missing: Error) -> Result<T, Refusal> {
        self.at(1, missing)
    }

    fn at<T: From<String>>(&self, index: usize, missing: Error) -> Result<T, Refusal> {
        let id = self.0.get(index).cloned().flatten();
        Ok(id.ok_or(missing)?.into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathIds {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        // What is no UTF-8 is no id either.
        let ids = path.map_or_else(|_| Vec::new(), |Path(ids)| ids);
        let valid = |(_, id): (String, String)| Some(id).filter(|id| ids::is_valid(id));
        Ok(Self(ids.into_iter().map(valid).collect()))
    }
}

async fn show_health(AxumState(state): AxumState<Arc<State>>) -> Response {
    match state.chat.is_ready().await {
        true => Json(serde_json::json!({"status": "ok"})).into_response(),
        false => refuse(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"),
    }
}
