//! Errors below `/api/v1`, as Sohbet's own dialect and its administrators see them.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use super::bodies::Unreadable;
use super::errors::status_of;
use crate::chat::UploadRefusal;
use crate::error::Error;

/// Something that was not done, as `{"error":{code,message,requestId}}`.
pub struct Refusal {
    error: Error,
    /// A status that the code of the error does not have.
    status: Option<StatusCode>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            status: None,
        }
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        Self::from(match unreadable.status {
            StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(unreadable.text),
            _ => Error::InvalidPayload(unreadable.text),
        })
    }
}

impl From<UploadRefusal> for Refusal {
    fn from(refusal: UploadRefusal) -> Self {
        Self::from(match refusal {
            UploadRefusal::NoFile => Error::InvalidPayload("The form needs a file"),
            UploadRefusal::BrokenOff => Error::InvalidPayload("The upload broke off"),
            UploadRefusal::TooSlow => Error::InvalidPayload("The upload was too slow"),
            UploadRefusal::NotAllowed => Error::InvalidPayload("File type not allowed"),
            UploadRefusal::TooLarge => Error::TooLarge("File too large"),
            UploadRefusal::NoRoom => Error::TooLarge("No room for more files of yours"),
            UploadRefusal::Failed(error) => error,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: ErrorBody<'a>,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status.unwrap_or_else(|| status_of(&self.error));
        let request_id = Uuid::now_v7().to_string();
        let code = self.error.code();
        if status.is_server_error() {
            tracing::warn!(request.id = request_id, error.code = code, "a call failed");
        } else {
            tracing::debug!(
                request.id = request_id,
                error.code = code,
                "a call was refused"
            );
        }
        let retry_after_ms = self.error.retry_after_ms();
        let body = Envelope {
            error: ErrorBody {
                code,
                message: &self.error.to_string(),
                retry_after_ms,
                request_id: &request_id,
            },
        };
        let mut response = (status, Json(body)).into_response();
        if let Some(milliseconds) = retry_after_ms {
            let seconds = HeaderValue::from(milliseconds.div_ceil(1_000));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

/// No such path.
pub async fn show_not_found() -> Refusal {
    Error::NotFound("Not Found").into()
}

/// The path exists, the method does not; the router adds `Allow`.
pub async fn show_method_not_allowed() -> Refusal {
    Refusal {
        error: Error::NotFound("Method Not Allowed"),
        status: Some(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// An answer that says no before the route is known.
pub fn refuse(status: StatusCode, message: &'static str) -> Response {
    let error = match status {
        StatusCode::FORBIDDEN => Error::Forbidden(message),
        StatusCode::METHOD_NOT_ALLOWED => Error::NotFound(message),
        StatusCode::TOO_MANY_REQUESTS => Error::RateLimited {
            retry_after_ms: 1_000,
        },
        _ => Error::Internal,
    };
    let status = Some(status);
    Refusal { error, status }.into_response()
}
