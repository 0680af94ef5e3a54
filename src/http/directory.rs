//! The directory that rooms of galleries refer to: `PUT /api/v1/directory/{kind}/{id}`, for
//! administrators and programs whose token has the permission `directory` (contract/native.md,
//! section 4).

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as AxumState};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, put};
use serde::Serialize;
use uuid::Uuid;

use super::State;
use super::bodies::{Fields, Unreadable};
use super::callers::identify;
use crate::error::{Error, Result};
use crate::wire::gallery::directory::{EntryBody, parse_entry};

/// The path of one entry.
pub const PATH: &str = "/api/v1/directory/{kind}/{id}";

/// What can be done there.
pub fn route() -> MethodRouter<Arc<State>> {
    put(save_entry).fallback(show_method_not_allowed)
}

async fn save_entry(
    AxumState(state): AxumState<Arc<State>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Result<Fields, Unreadable>,
) -> Response {
    let saved = async {
        let identity = identify(&headers, &state).await?.0;
        state.chat.check_directory(&identity)?;
        let Fields(body) = body.map_err(error)?;
        let Path((kind, id)) = path.map_err(|_| Error::InvalidPayload("Invalid id"))?;
        let entry = parse_entry(&kind, &id, &body)?;
        state.chat.save_entry(&identity, &entry).await?;
        Ok(Json(EntryBody::from(&entry)).into_response())
    };
    saved.await.unwrap_or_else(|error: Error| refuse(&error))
}

/// A body that could not be read, as an error of the domain.
fn error(fault: Unreadable) -> Error {
    match fault.status {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(fault.text),
        _ => Error::InvalidPayload(fault.text),
    }
}

/// `{error:{code, message, retryAfterMs?, requestId}}`
fn refuse(error: &Error) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Details<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Details<'a> {
        code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u32>,
        request_id: &'a str,
    }
    let status = status(error);
    let request_id = Uuid::now_v7().to_string();
    if status.is_server_error() {
        let code = error.code();
        tracing::warn!(error.code = code, request.id = request_id, "a call failed");
    }
    let body = Body {
        error: Details {
            code: error.code(),
            message: &error.to_string(),
            retry_after_ms: error.retry_after_ms(),
            request_id: &request_id,
        },
    };
    let mut response = (status, Json(body)).into_response();
    if let Some(retry_after_ms) = error.retry_after_ms() {
        let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::InvalidPayload(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) | Error::UnknownEvent(_) => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An entry can only be put; the router adds `Allow`.
async fn show_method_not_allowed() -> Response {
    let mut response = refuse(&Error::NotFound("Method Not Allowed"));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
