//! Storing and showing files.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Multipart, Path, Request, State as AxumState};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body_util::BodyExt;
use sohbet_entity::ids::UploadId;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::callers::Identified;
use super::errors::{refuse, refuse_error};
use super::{BODY_TIMEOUT, State, UPLOAD_TIMEOUT};
use crate::chat::NewUpload;
use crate::error::Error;
use crate::wire::messaging::rest::UploadBody;

/// What a form around a file may add to its size, in bytes.
const FORM_OVERHEAD_BYTES: usize = 64 * 1_024;
/// How much of a refused upload is read before its connection is cut, in bytes.
const MAX_DISCARDED_BYTES: usize = 64 * 1_024 * 1_024;

/// Stores the file of a form.
pub async fn store_upload(
    AxumState(state): AxumState<Arc<State>>,
    caller: Result<Identified, Response>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let caller = match caller {
        Ok(caller) => caller,
        Err(response) => return discard(request.into_body(), response).await,
    };
    // The semaphore is never closed; without a slot the upload would only be unbounded.
    let _slot = state.upload_slots.acquire().await;
    let new = match read_form(&state, &caller, request).await {
        Ok(new) => new,
        Err(response) => return response,
    };
    match state.chat.upload(new).await {
        Ok(row) => {
            let name = format!("{}.{}", row.id, extension(&row.media_type));
            let url = format!("{}/uploads/{name}", base_url(&state, &headers));
            Json(UploadBody {
                success: true,
                url: &url,
                file_name: &row.name,
                file_size: row.size_bytes,
                file_type: &row.media_type,
                message: "File uploaded successfully",
            })
            .into_response()
        }
        Err(Error::InvalidPayload(text)) => refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
        Err(error) => refuse_error(&error, "Failed to upload file"),
    }
}

/// The field `file` of a form.
async fn read_form(
    state: &Arc<State>,
    caller: &Identified,
    request: Request,
) -> Result<NewUpload, Response> {
    let no_file = || refuse(StatusCode::BAD_REQUEST, "No file provided");
    let (parts, body) = request.into_parts();
    let max_bytes = state.config.max_upload_bytes + FORM_OVERHEAD_BYTES;
    let body = tokio::time::timeout(UPLOAD_TIMEOUT, read(body, max_bytes))
        .await
        .map_err(|_| refuse(StatusCode::REQUEST_TIMEOUT, "Too slow"))??;
    let request = Request::from_parts(parts, Body::from(body));
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|_| no_file())?;
    while let Some(field) = form.next_field().await.map_err(|_| no_file())? {
        // A field without a file name is a text, not a file.
        let name = match (field.name(), field.file_name()) {
            (Some("file"), Some(name)) => name.to_owned(),
            _ => continue,
        };
        let claimed_type = field.content_type().map(str::to_owned);
        let bytes: Bytes = field.bytes().await.map_err(|_| no_file())?;
        if bytes.is_empty() {
            return Err(no_file());
        }
        if bytes.len() > state.config.max_upload_bytes {
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "File too large"));
        }
        return Ok(NewUpload {
            owner: caller.0.user.clone(),
            name: Some(name),
            claimed_type,
            bytes,
        });
    }
    Err(no_file())
}

/// Reads a body of bounded size.
async fn read(mut body: Body, max_bytes: usize) -> Result<Bytes, Response> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(refuse(StatusCode::BAD_REQUEST, "Invalid body"));
        };
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if bytes.len() > max_bytes {
            drop(bytes);
            let response = refuse(StatusCode::PAYLOAD_TOO_LARGE, "File too large");
            return Err(discard(body, response).await);
        }
    }
    Ok(bytes.freeze())
}

/// Takes the rest of a body without keeping it: a client that is still sending would see a broken
/// connection instead of the answer. Not for ever, though.
async fn discard(mut body: Body, response: Response) -> Response {
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
    response
}

/// Shows a stored file. Its name in the URL is its id and an extension.
pub async fn show_upload(
    AxumState(state): AxumState<Arc<State>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    };
    let id = name.split('.').next().unwrap_or_default();
    let (row, path) = match state.chat.find_upload(&UploadId::from(id)).await {
        Ok(found) => found,
        Err(error) => return refuse_error(&error, "Failed to fetch file"),
    };
    let Ok(served) = ServeFile::new(path).oneshot(request).await;
    if served.status() == StatusCode::NOT_FOUND {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    }
    let mut response = served.map(Body::new);
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(&row.media_type) {
        headers.insert(CONTENT_TYPE, media_type);
    }
    // The type is what the bytes said; a browser must not guess another, nor run anything.
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (CONTENT_DISPOSITION, "inline"),
        (CACHE_CONTROL, "private, max-age=31536000, immutable"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn extension(media_type: &str) -> &str {
    match media_type {
        "image/jpeg" => "jpg",
        "video/quicktime" => "mov",
        other => other.rsplit('/').next().unwrap_or("bin"),
    }
}

/// Where clients reach this server.
fn base_url(state: &State, headers: &HeaderMap) -> String {
    if let Some(url) = &state.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.map(|host| format!("http://{host}"))
        .unwrap_or_default()
}
