//! Errors as front ends of this dialect see them (contract/gallery.md, section 4, "Statuses").

use std::borrow::Cow;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::chat::UploadRefusal;
use crate::error::Error;
use crate::http::bodies::Unreadable;
use crate::wire::gallery::rest::{ErrorBody, Wrong};

/// An answer that says no.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    message: Cow<'static, str>,
    /// The field of the body that it is about.
    field: Option<&'static str>,
    retry_after_ms: Option<u32>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            field: None,
            retry_after_ms: None,
        }
    }

    /// Nobody knows who calls.
    pub fn unauthorized(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// What is asked for makes no sense.
    pub fn invalid(message: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    fn of_field(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Some(field),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
        }
    }

    /// The word that front ends branch on; each status has one.
    fn code(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "BAD_REQUEST",
            StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
            StatusCode::FORBIDDEN => "FORBIDDEN",
            StatusCode::NOT_FOUND => "NOT_FOUND",
            StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
            StatusCode::REQUEST_TIMEOUT => "REQUEST_TIMEOUT",
            StatusCode::CONFLICT => "CONFLICT",
            StatusCode::PAYLOAD_TOO_LARGE => "PAYLOAD_TOO_LARGE",
            StatusCode::UNPROCESSABLE_ENTITY => "VALIDATION_ERROR",
            StatusCode::TOO_MANY_REQUESTS => "RATE_LIMIT_EXCEEDED",
            _ => "INTERNAL_SERVER_ERROR",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = ErrorBody::new(self.code(), &self.message, self.field);
        let mut response = (self.status, Json(body)).into_response();
        if let Some(retry_after_ms) = self.retry_after_ms {
            let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let retry_after_ms = error.retry_after_ms();
        let refusal = match error {
            Error::InvalidPayload(text) if error == Error::FILE_URL => {
                Self::of_field("fileUrl", text)
            }
            Error::InvalidPayload(text) => Self::invalid(text),
            Error::Unauthenticated(_) => Self::unauthorized("Invalid token"),
            Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "Access denied"),
            Error::NO_MESSAGE => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            Error::NotFound(_) | Error::UnknownEvent(_) => {
                Self::new(StatusCode::NOT_FOUND, "Room not found")
            }
            Error::Conflict(text) => Self::new(StatusCode::CONFLICT, text),
            Error::TooLarge(text) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, text),
            Error::RateLimited { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
            }
            Error::Unavailable { .. } | Error::Internal => {
                tracing::warn!(error.code = error.code(), "a call failed");
                let text = "An unexpected error occurred";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
            }
        };
        Self {
            retry_after_ms,
            ..refusal
        }
    }
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Body => Self::new(StatusCode::BAD_REQUEST, "Invalid JSON"),
            Wrong::Field { name, message } => Self::of_field(name, message),
            Wrong::TooLarge(message) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, message),
        }
    }
}

impl From<Unreadable> for Refusal {
    fn from(fault: Unreadable) -> Self {
        Self::new(fault.status, fault.text)
    }
}

impl From<UploadRefusal> for Refusal {
    fn from(refusal: UploadRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            UploadRefusal::NoFile | UploadRefusal::NotAllowed => Self::of_field("file", message),
            UploadRefusal::TooLarge | UploadRefusal::NoRoom => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
            }
            UploadRefusal::TooSlow => Self::new(StatusCode::REQUEST_TIMEOUT, message),
            UploadRefusal::BrokenOff => Self::new(StatusCode::BAD_REQUEST, message),
            UploadRefusal::Failed(error) => error.into(),
        }
    }
}

/// No such path.
pub async fn show_not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "Not Found")
}

/// The path exists, the method does not; the router adds `Allow`.
pub async fn show_method_not_allowed() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// An answer that says no before the route is known.
pub fn refuse(status: StatusCode, message: &'static str) -> Response {
    Refusal::new(status, message).into_response()
}
