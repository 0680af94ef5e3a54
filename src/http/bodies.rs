//! Request bodies (JSON, or a form whose fields are read as a JSON object of texts) and queries.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::errors::refuse;
use super::{BODY_TIMEOUT, State};

/// Most fields of a form.
const MAX_FIELDS: usize = 64;
/// How much of a refused body is read before its connection is cut, in bytes.
const MAX_DISCARDED_BYTES: usize = 64 * 1_024 * 1_024;

/// Why a body could not be read. By itself it is answered as `messaging` does; other dialects put
/// it into their own shape.
pub struct BodyFault {
    /// The status that says so.
    pub status: StatusCode,
    /// A text for people.
    pub message: &'static str,
}

impl BodyFault {
    const fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message }
    }
}

impl IntoResponse for BodyFault {
    fn into_response(self) -> Response {
        refuse(self.status, self.message)
    }
}

/// A form that cannot be read as one.
const INVALID_FORM: BodyFault = BodyFault::new(StatusCode::BAD_REQUEST, "Invalid form");

/// A body as JSON text, whatever it came as.
pub struct Fields(pub Box<RawValue>);

impl FromRequest<Arc<State>> for Fields {
    type Rejection = BodyFault;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, BodyFault> {
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if content_type.starts_with("multipart/form-data") {
            return multipart(request, state).await;
        }
        let bytes = read(request.into_body(), state).await?;
        if content_type.starts_with("application/x-www-form-urlencoded") {
            let pairs = form_urlencoded::parse(&bytes);
            let mut fields = Map::new();
            for (name, value) in pairs.take(MAX_FIELDS) {
                fields.insert(name.into_owned(), Value::String(value.into_owned()));
            }
            return object(&fields);
        }
        if bytes.is_empty() {
            return object(&Map::new());
        }
        serde_json::from_slice(&bytes)
            .map(Fields)
            .map_err(|_| BodyFault::new(StatusCode::BAD_REQUEST, "Invalid JSON"))
    }
}

async fn multipart(request: Request, state: &Arc<State>) -> Result<Fields, BodyFault> {
    let invalid = |_| INVALID_FORM;
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, Body::from(read(body, state).await?));
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|_| INVALID_FORM)?;
    let mut fields = Map::new();
    while let Some(field) = form.next_field().await.map_err(invalid)? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(invalid)?;
        if fields.len() >= MAX_FIELDS {
            return Err(BodyFault::new(StatusCode::BAD_REQUEST, "Too many fields"));
        }
        fields.insert(name, Value::String(value));
    }
    object(&fields)
}

fn object(fields: &Map<String, Value>) -> Result<Fields, BodyFault> {
    to_raw_value(fields).map(Fields).map_err(|_| INVALID_FORM)
}

async fn read(body: Body, state: &State) -> Result<Bytes, BodyFault> {
    let read = axum::body::to_bytes(body, state.config.max_body_bytes);
    tokio::time::timeout(BODY_TIMEOUT, read)
        .await
        .map_err(|_| BodyFault::new(StatusCode::REQUEST_TIMEOUT, "Too slow"))?
        .map_err(|error| fault(&error))
}

/// Takes the rest of a body without keeping it: a client that is still sending would see a broken
/// connection instead of the answer. Not for ever, though.
pub async fn discard(mut body: Body) {
    let rest = async {
        let mut n_bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            n_bytes += frame.data_ref().map_or(0, |data| data.len());
            if n_bytes > MAX_DISCARDED_BYTES {
                break;
            }
        }
    };
    // Late or not, the answer is the same.
    let _ = tokio::time::timeout(BODY_TIMEOUT, rest).await;
}

/// The query of a request.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<State>> for Params<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<State>) -> Result<Self, Response> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|_| refuse(StatusCode::BAD_REQUEST, "Invalid query"))
    }
}

/// Tells a body that is too large from a connection that broke.
fn fault(error: &(dyn std::error::Error + 'static)) -> BodyFault {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return BodyFault::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
        }
        cause = error.source();
    }
    BodyFault::new(StatusCode::BAD_REQUEST, "Invalid body")
}
