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
use sohbet_entity::ids::{UploadId, UserId};
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::bodies::discard;
use super::callers::Identified;
use super::errors::{refuse, refuse_error};
use super::{State, UPLOAD_TIMEOUT};
use crate::chat::{NewUpload, UploadRefusal, UploadRow};
use crate::wire::messaging::rest::UploadBody;

/// What a form around a file may add to its size, in bytes.
const FORM_OVERHEAD_BYTES: usize = 64 * 1_024;

/// Stores the file of a form.
pub async fn store_upload(
    AxumState(state): AxumState<Arc<State>>,
    caller: Result<Identified, Response>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let caller = match caller {
        Ok(caller) => caller,
        Err(response) => {
            discard(request.into_body()).await;
            return response;
        }
    };
    match receive(&state, caller.0.user, request).await {
        Ok(row) => Json(UploadBody {
            success: true,
            url: &upload_url(&state, &headers, &row),
            file_name: &row.name,
            file_size: row.size_bytes,
            file_type: &row.media_type,
            message: "File uploaded successfully",
        })
        .into_response(),
        Err(UploadRefusal::Failed(error)) => refuse_error(&error, "Failed to upload file"),
        Err(refusal) => refuse(status(&refusal), &refusal.to_string()),
    }
}

/// Receives the field `file` of a form and stores it.
pub async fn receive(
    state: &Arc<State>,
    owner: Option<UserId>,
    request: Request,
) -> Result<UploadRow, UploadRefusal> {
    // The semaphore is never closed; without a slot the upload would only be unbounded.
    let _slot = state.upload_slots.acquire().await;
    let new = read_form(state, owner, request).await?;
    state.chat.upload(new).await
}

/// The address of a file.
pub fn upload_url(state: &State, headers: &HeaderMap, row: &UploadRow) -> String {
    let path = format!("/uploads/{}.{}", row.id, extension(&row.media_type));
    if let Some(url) = &state.config.public_url {
        return format!("{}{path}", url.trim_end_matches('/'));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| path.clone(), |host| format!("http://{host}{path}"))
}

fn status(refusal: &UploadRefusal) -> StatusCode {
    match refusal {
        UploadRefusal::NoFile | UploadRefusal::BrokenOff => StatusCode::BAD_REQUEST,
        UploadRefusal::NotAllowed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        UploadRefusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        UploadRefusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        UploadRefusal::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The field `file` of a form.
async fn read_form(
    state: &Arc<State>,
    owner: Option<UserId>,
    request: Request,
) -> Result<NewUpload, UploadRefusal> {
    let no_file = |_| UploadRefusal::NoFile;
    let (parts, body) = request.into_parts();
    let max_bytes = state.config.max_upload_bytes + FORM_OVERHEAD_BYTES;
    let body = tokio::time::timeout(UPLOAD_TIMEOUT, read(body, max_bytes))
        .await
        .map_err(|_| UploadRefusal::TooSlow)??;
    let request = Request::from_parts(parts, Body::from(body));
    let form = Multipart::from_request(request, state).await;
    let mut form = form.map_err(|_| UploadRefusal::NoFile)?;
    while let Some(field) = form.next_field().await.map_err(no_file)? {
        // A field without a file name is a text, not a file.
        let name = match (field.name(), field.file_name()) {
            (Some("file"), Some(name)) => name.to_owned(),
            _ => continue,
        };
        let claimed_type = field.content_type().map(str::to_owned);
        let bytes: Bytes = field.bytes().await.map_err(no_file)?;
        if bytes.is_empty() {
            return Err(UploadRefusal::NoFile);
        }
        if bytes.len() > state.config.max_upload_bytes {
            return Err(UploadRefusal::TooLarge);
        }
        return Ok(NewUpload {
            owner,
            name: Some(name),
            claimed_type,
            bytes,
        });
    }
    Err(UploadRefusal::NoFile)
}

/// Reads a body of bounded size.
async fn read(mut body: Body, max_bytes: usize) -> Result<Bytes, UploadRefusal> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(UploadRefusal::BrokenOff);
        };
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if bytes.len() > max_bytes {
            drop(bytes);
            discard(body).await;
            return Err(UploadRefusal::TooLarge);
        }
    }
    Ok(bytes.freeze())
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
