//! REST of dialect `school` (contract/school.md, section 5).

use std::sync::Arc;

use axum::extract::State as AxumState;
use axum::http::header::{AUTHORIZATION, COOKIE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::State;
use super::bodies::{Fields, PageQuery, Params, Unreadable};
use super::callers::{Identified, identify_by, text};
use super::health;
use super::limits::{Login, has_credentials};
use super::routing::{Face, Surface, Vitals};
use crate::chat::{Caller, Pair, cookie};
use crate::error::{Error, Result};
use crate::wire::Dialect;
use crate::wire::school::Person;
use crate::wire::school::rest::{self, DebugBody, MessagesBody};

const DIALECT: Dialect = Dialect::School;
/// The cookie of the front end's own login.
const LOGIN_COOKIE: &str = "auth-token";

/// The paths of this dialect.
pub fn surface() -> Surface {
    Surface {
        dialect: DIALECT,
        owns,
        claims: |request| owns(request.uri.path()),
        takes_file: |_| false,
        face: Face {
            health: Some(show_health),
            refuse: Some(refuse),
            ..Face::default()
        },
        router: Router::new()
            .route("/api/messages/teacher", get(list_as_teacher))
            .route("/api/messages/student", get(list_as_student))
            .route("/api/messages/send", post(send_message))
            .route("/api/messages/mark-read", patch(mark_read))
            .route("/api/messages/unread-count", get(count_unread))
            .route("/api/debug/messages", get(show_debug))
            .fallback(async || (StatusCode::NOT_FOUND, "Not found"))
            .method_not_allowed_fallback(async || {
                refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
            }),
    }
}

fn owns(path: &str) -> bool {
    matches!(
        path,
        "/api/messages/teacher"
            | "/api/messages/student"
            | "/api/messages/send"
            | "/api/messages/mark-read"
            | "/api/messages/unread-count"
            | "/api/debug/messages"
    )
}

/// `{"success":false,"error":"..."}`, some with `details`.
#[derive(Serialize)]
struct ErrorBody<'a> {
    success: bool,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

fn refuse(status: StatusCode, error: &str) -> Response {
    let body = ErrorBody {
        success: false,
        error,
        details: None,
    };
    (status, Json(body)).into_response()
}

/// Failures on our side say only `failure`.
fn refuse_error(error: &Error, failure: &str) -> Response {
    match error {
        Error::InvalidPayload(text) => refuse(StatusCode::BAD_REQUEST, text),
        Error::TooLarge(text) => refuse(StatusCode::PAYLOAD_TOO_LARGE, text),
        Error::Unauthenticated(_) => refuse(StatusCode::UNAUTHORIZED, "Unauthorized"),
        Error::Forbidden(_) => {
            let mut response = refuse(StatusCode::UNAUTHORIZED, "Unauthorized");
            response.extensions_mut().insert(Login::Proved);
            response
        }
        Error::NotFound(text) => refuse(StatusCode::NOT_FOUND, text),
        Error::RateLimited { retry_after_ms } => {
            let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, &error.to_string());
            let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
            response.headers_mut().insert(RETRY_AFTER, seconds);
            response
        }
        Error::Unavailable { .. } => {
            let body = ErrorBody {
                success: false,
                error: "Database operation failed",
                details: Some(failure),
            };
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
        }
        _ => refuse(StatusCode::INTERNAL_SERVER_ERROR, failure),
    }
}

/// Who calls: the front end's cookie, else a bearer token, else, in development mode, the headers.
/// There must be somebody with a role.
async fn caller(state: &State, headers: &HeaderMap) -> Result<Caller> {
    let cookies = text(headers, COOKIE.as_str());
    let login = cookies.as_deref().and_then(|all| cookie(all, LOGIN_COOKIE));
    if let Some(token) = login {
        // A bad cookie counts as absent.
        let identified = identify_by(Some(token.to_owned()), headers, state).await;
        if let Ok(identified) = identified
            && identified.0.with_role().user.is_some()
        {
            return identified.caller(state, DIALECT, None).await;
        }
    }
    let token = text(headers, AUTHORIZATION.as_str());
    let identified: Identified = identify_by(token, headers, state).await?;
    let caller = identified.caller(state, DIALECT, None).await;
    caller.map_err(|error| match error {
        // A login without a role is nobody here, but it is a login.
        Error::Unauthenticated(text) => Error::Forbidden(text),
        error => error,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMessages {
    teacher_id: Option<String>,
    student_id: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

fn show_health(vitals: &Vitals) -> Response {
    match vitals.is_ready {
        true => "Socket server is running".into_response(),
        false => health::show_all(vitals),
    }
}

async fn list_as_teacher(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    query: Result<Params<ListMessages>, Unreadable>,
) -> Response {
    list_messages(&state, &headers, query, "teacher").await
}

async fn list_as_student(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    query: Result<Params<ListMessages>, Unreadable>,
) -> Response {
    list_messages(&state, &headers, query, "student").await
}

async fn list_messages(
    state: &State,
    headers: &HeaderMap,
    query: Result<Params<ListMessages>, Unreadable>,
    role: &str,
) -> Response {
    let listed = async {
        let caller = caller(state, headers).await?;
        let unauthorized = Error::Forbidden("Unauthorized");
        if Person::of(&caller.user).is_none_or(|person| person.role != role) {
            return Err(unauthorized);
        }
        let missing = Error::InvalidPayload("Missing required parameters");
        let Params(query) = query.map_err(|_| missing.clone())?;
        let ids = (query.teacher_id.as_deref(), query.student_id.as_deref());
        let (teacher, student) = rest::parse_pair(ids.0, ids.1).ok_or(missing)?;
        let page = query.page.parse().map_err(Error::InvalidPayload)?;
        let own = if role == "teacher" {
            &teacher
        } else {
            &student
        };
        if caller.user != *own {
            return Err(unauthorized);
        }
        let pair = Pair::new(teacher, student);
        state.chat.list_pair_messages(&caller, &pair, page).await
    };
    match listed.await {
        Ok(messages) => Json(MessagesBody::new(&messages)).into_response(),
        Err(error) => refuse_error(&error, "Failed to fetch messages"),
    }
}

/// A body that cannot be read lacks what is required.
fn body(fields: Result<Fields, Unreadable>, missing: &'static str) -> Result<Fields> {
    fields.map_err(|unreadable| match unreadable.status {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(unreadable.text),
        _ => Error::InvalidPayload(missing),
    })
}

async fn send_message(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    fields: Result<Fields, Unreadable>,
) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Sent<'a> {
        success: bool,
        message_id: &'a str,
    }
    let sent = async {
        let caller = caller(&state, &headers).await?;
        let Fields(body) = body(fields, "Missing required fields")?;
        let draft = rest::parse_message(&body)
            .map_err(|_| Error::InvalidPayload("Missing required fields"))?;
        if draft.sender.as_ref() != Some(&caller.user) {
            return Err(Error::Forbidden("Unauthorized"));
        }
        state.chat.send(&caller, draft, None).await
    };
    match sent.await {
        Ok(message) => Json(Sent {
            success: true,
            message_id: message.row.id.as_str(),
        })
        .into_response(),
        Err(error) => refuse_error(&error, "Failed to send message"),
    }
}

async fn mark_read(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    fields: Result<Fields, Unreadable>,
) -> Response {
    let marked = async {
        let caller = caller(&state, &headers).await?;
        let Fields(body) = body(fields, "messageIds array is required")?;
        let ids = rest::parse_marked(&body)?;
        state.chat.mark_messages_read(&caller, &ids).await
    };
    match marked.await {
        Ok(n_marked) => {
            Json(serde_json::json!({"success": true, "updatedCount": n_marked})).into_response()
        }
        Err(error) => refuse_error(&error, "Failed to mark messages as read"),
    }
}

async fn count_unread(AxumState(state): AxumState<Arc<State>>, headers: HeaderMap) -> Response {
    let counted = async {
        let caller = caller(&state, &headers).await?;
        state.chat.count_unread(&caller).await
    };
    match counted.await {
        Ok(n_unread) => {
            Json(serde_json::json!({"success": true, "unreadCount": n_unread})).into_response()
        }
        Err(error) => refuse_error(&error, "Failed to get unread count"),
    }
}

/// What the front end asks for before every history. Whoever is not one of the two learns nothing,
/// and nothing is an error.
async fn show_debug(
    AxumState(state): AxumState<Arc<State>>,
    uri: Uri,
    headers: HeaderMap,
    query: Result<Params<ListMessages>, Unreadable>,
) -> Response {
    let caller = caller(&state, &headers).await;
    let has_failed = matches!(caller, Err(Error::Unauthenticated(_)));
    let listed = async {
        let (caller, Params(query)) = (caller.ok()?, query.ok()?);
        let ids = (query.teacher_id.as_deref(), query.student_id.as_deref());
        let (teacher, student) = rest::parse_pair(ids.0, ids.1)?;
        let page = query.page.parse().ok()?;
        let pair = Pair::new(teacher, student);
        if !pair.contains(&caller.user) {
            return None;
        }
        let chat = &state.chat;
        chat.list_pair_messages(&caller, &pair, page).await.ok()
    };
    let mut response = Json(DebugBody::new(listed.await.as_deref())).into_response();
    if has_failed && has_credentials(&headers, &uri) {
        response.extensions_mut().insert(Login::Failed);
    }
    response
}
