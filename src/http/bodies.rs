//! Request bodies (JSON, or a form whose fields are read as a JSON object of texts) and queries.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Query, Request, State as AxumState};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::errors::refuse;
use super::{BODY_TIMEOUT, State};
use crate::chat::Page;

/// Most fields of a form.
const MAX_FIELDS: usize = 64;
/// A body or a query that cannot be read. As an answer it has the common shape; a dialect with
/// another one takes the parts.
#[derive(Debug, Clone, Copy)]
pub struct Unreadable {
    /// The status of the answer.
    pub status: StatusCode,
    /// Why.
    pub text: &'static str,
}

impl Unreadable {
    const fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text }
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        refuse(self.status, self.text)
    }
}

/// What all handlers share, and whether a path takes a file.
pub type Reading = (Arc<State>, fn(path: &str) -> bool);

/// Waits for the body of a request before anybody asks who calls: a body may take long, and its sender may be
/// signed out meanwhile. That it cannot be read is said by whoever wants it, so who may not call hears that
/// first. Files are read by their own handlers.
pub async fn read_first(
    AxumState((state, takes_file)): AxumState<Reading>,
    request: Request,
) -> Request {
    if takes_file(request.uri().path()) {
        return request;
    }
    let (mut parts, body) = request.into_parts();
    let body = match read(body, &state).await {
        Ok(bytes) => Body::from(bytes),
        Err(unreadable) => {
            parts.extensions.insert(unreadable);
            Body::empty()
        }
    };
    Request::from_parts(parts, body)
}

/// A body as JSON text, whatever it came as.
pub struct Fields(pub Box<RawValue>);

impl FromRequest<Arc<State>> for Fields {
    type Rejection = Unreadable;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Unreadable> {
        if let Some(unreadable) = request.extensions().get() {
            return Err(*unreadable);
        }
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
            .map_err(|_| Unreadable::new(StatusCode::BAD_REQUEST, "Invalid JSON"))
    }
}

async fn multipart(request: Request, state: &Arc<State>) -> Result<Fields, Unreadable> {
    let invalid = |_| Unreadable::new(StatusCode::BAD_REQUEST, "Invalid form");
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, Body::from(read(body, state).await?));
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|_| Unreadable::new(StatusCode::BAD_REQUEST, "Invalid form"))?;
    let mut fields = Map::new();
    while let Some(field) = form.next_field().await.map_err(invalid)? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(invalid)?;
        if fields.len() >= MAX_FIELDS {
            return Err(Unreadable::new(StatusCode::BAD_REQUEST, "Too many fields"));
        }
        fields.insert(name, Value::String(value));
    }
    object(&fields)
}

fn object(fields: &Map<String, Value>) -> Result<Fields, Unreadable> {
    to_raw_value(fields)
        .map(Fields)
        .map_err(|_| Unreadable::new(StatusCode::BAD_REQUEST, "Invalid form"))
}

async fn read(body: Body, state: &State) -> Result<Bytes, Unreadable> {
    let read = axum::body::to_bytes(body, state.config.max_body_bytes);
    tokio::time::timeout(BODY_TIMEOUT, read)
        .await
        .map_err(|_| Unreadable::new(StatusCode::REQUEST_TIMEOUT, "Too slow"))?
        .map_err(|error| refuse_read(&error))
}

/// The query of a request.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<State>> for Params<T> {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<State>) -> Result<Self, Unreadable> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|_| Unreadable::new(StatusCode::BAD_REQUEST, "Invalid query"))
    }
}

/// The part of a query that names a page of messages by `seq`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageQuery {
    limit: Option<String>,
    before_seq: Option<String>,
    after_seq: Option<String>,
}

/// Messages in one answer, at most; the refusal names it too.
const MAX_PAGE: u32 = 1_000;

impl PageQuery {
    /// The page; without a limit it is as long as one may be.
    pub fn parse(&self) -> Result<Page, &'static str> {
        let limit = match self.limit.as_deref() {
            None | Some("") => MAX_PAGE,
            Some(text) => match text.parse() {
                Ok(limit) if (1..=MAX_PAGE).contains(&limit) => limit,
                _ => return Err("limit must be between 1 and 1000"),
            },
        };
        let seq = |text: &str| match text.parse::<i64>() {
            Ok(seq) if seq >= 0 => Ok(seq),
            _ => Err("beforeSeq and afterSeq must be whole numbers"),
        };
        Ok(Page {
            after: self.after_seq.as_deref().map(seq).transpose()?,
            before: self.before_seq.as_deref().map(seq).transpose()?,
            limit,
        })
    }
}

/// Tells a body that is too large from a connection that broke.
fn refuse_read(error: &(dyn std::error::Error + 'static)) -> Unreadable {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return Unreadable::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
        }
        cause = error.source();
    }
    Unreadable::new(StatusCode::BAD_REQUEST, "Invalid body")
}
