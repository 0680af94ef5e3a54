//! Errors as REST clients see them.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::Error;

/// `{"success":false,"message":"..."}`
#[derive(Serialize)]
struct ErrorBody<'a> {
    success: bool,
    message: &'a str,
}

/// An answer that says no.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    let body = ErrorBody {
        success: false,
        message,
    };
    (status, Json(body)).into_response()
}

/// An error of the domain. Failures on our side say only `failure`.
pub fn refuse_error(error: &Error, failure: &str) -> Response {
    let status = status_of(error);
    match error {
        Error::Unauthenticated(_) => return refuse(status, "Unauthorized"),
        Error::Forbidden(_) => return refuse(status, "Forbidden"),
        _ => {}
    }
    let mut response = if status.is_server_error() {
        refuse(status, failure)
    } else {
        refuse(status, &error.to_string())
    };
    if let Some(retry_after_ms) = error.retry_after_ms() {
        let seconds = retry_after_ms.div_ceil(1_000);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The status of an error, where the dialect has no other.
pub fn status_of(error: &Error) -> StatusCode {
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

/// No such path.
pub async fn show_not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "Not Found")
}

/// The path exists, the method does not; the router adds `Allow`.
pub async fn show_method_not_allowed() -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}
