//! Showing stored files, so that they can do nothing but be shown.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Request, State as AxumState};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sohbet_entity::ids::UploadId;

use super::State;
use super::callers::Identified;
use super::errors::{refuse, refuse_error};
use super::hardening::CROSS_ORIGIN_RESOURCE_POLICY;
use super::ranges::Wanted;
use crate::chat::{UploadRow, is_inline};

/// A file that is opened by itself may show itself, in the browser's own viewer, and nothing else.
const POLICY: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
/// Who knows the link may see the file, so browsers may keep it as long as they like; caches that
/// several people share may not.
const KEEP: &str = "private, max-age=31536000, immutable";
/// Who may see the file can change.
const ASK_AGAIN: &str = "private, no-cache";
/// What a file name in a header need not escape (RFC 8187, `attr-char`).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Shows a stored file. Its name in the URL is its id and an extension.
pub async fn show_upload(
    AxumState(state): AxumState<Arc<State>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    };
    let id = UploadId::from(name.split('.').next().unwrap_or_default());
    let (mut parts, _) = request.into_parts();
    let shown = match find_allowed(&state, &id, &mut parts).await {
        Ok((row, cache)) => show(&state, &row, cache, &parts).await,
        Err(response) => Err(response),
    };
    shown.unwrap_or_else(|response| response)
}

/// The file, if the caller may see it, and how long a browser may keep it.
async fn find_allowed(
    state: &Arc<State>,
    id: &UploadId,
    parts: &mut Parts,
) -> Result<(UploadRow, HeaderValue), Response> {
    let refuse = |error| refuse_error(&error, "Failed to fetch file");
    let find = async || state.chat.find_upload(id).await.map_err(refuse);
    if !state.chat.signs_links() {
        return Ok((find().await?, HeaderValue::from_static(KEEP)));
    }
    if let Some(seconds) = state.chat.verify_link(id, parts.uri.query().unwrap_or("")) {
        let cache = format!("private, max-age={seconds}, immutable");
        let cache = HeaderValue::try_from(cache);
        let cache = cache.unwrap_or(HeaderValue::from_static(ASK_AGAIN));
        return Ok((find().await?, cache));
    }
    let caller = Identified::from_request_parts(parts, state).await?;
    let row = find().await?;
    let access = state.chat.check_upload_access(&caller.0, &row).await;
    access.map_err(refuse)?;
    Ok((row, HeaderValue::from_static(ASK_AGAIN)))
}

async fn show(
    state: &State,
    row: &UploadRow,
    cache: HeaderValue,
    request: &Parts,
) -> Result<Response, Response> {
    let n_bytes = u64::try_from(row.size_bytes).unwrap_or_default();
    let etag = format!("\"{}\"", row.sha256);
    let mut headers = headers(row, &etag, cache);
    let (status, part) = match Wanted::of(&request.method, &request.headers, &etag, n_bytes) {
        Wanted::Unchanged => return Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        Wanted::Unsatisfiable => {
            let mut response = refuse(StatusCode::RANGE_NOT_SATISFIABLE, "Invalid range");
            let size = header(format!("bytes */{n_bytes}"));
            response.headers_mut().insert(CONTENT_RANGE, size);
            return Err(response);
        }
        Wanted::Whole => (StatusCode::OK, 0..n_bytes),
        Wanted::Part(part) => {
            let range = format!("bytes {}-{}/{n_bytes}", part.start, part.end - 1);
            headers.insert(CONTENT_RANGE, header(range));
            (StatusCode::PARTIAL_CONTENT, part)
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    if request.method == Method::HEAD {
        return Ok((status, headers).into_response());
    }
    let bytes = state.chat.read_upload(row, part).await;
    let bytes = bytes.map_err(|error| refuse_error(&error, "Failed to fetch file"))?;
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

/// The type is what the bytes said; a browser must not guess another, nor run anything.
fn headers(row: &UploadRow, etag: &str, cache: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, header(content_type(row))),
        (CONTENT_DISPOSITION, header(disposition(row))),
        (ETAG, header(etag.to_owned())),
        (CACHE_CONTROL, cache),
        // Front ends show files in pages of their own origin.
        (
            CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static("cross-origin"),
        ),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ])
}

/// A text that the server made of checked parts, as a header.
fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn content_type(row: &UploadRow) -> String {
    match row.media_type.starts_with("text/") {
        true => format!("{}; charset=utf-8", row.media_type),
        false => row.media_type.clone(),
    }
}

/// How to treat the file and what to call it (RFC 6266): once for programs that know only ASCII.
fn disposition(row: &UploadRow) -> String {
    let verb = match is_inline(&row.media_type) {
        true => "inline",
        false => "attachment",
    };
    let is_plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !"\"\\%".contains(c);
    let ascii = row.name.chars().map(|c| if is_plain(c) { c } else { '_' });
    let ascii: String = ascii.collect();
    let name = utf8_percent_encode(&row.name, PLAIN);
    format!("{verb}; filename=\"{ascii}\"; filename*=UTF-8''{name}")
}
