//! The directory that rooms of galleries refer to: `PUT /api/v1/directory/{kind}/{id}`, for
//! administrators and programs whose token has the permission `directory` (contract/native.md,
//! section 4).

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as AxumState};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, put};

use super::State;
use super::bodies::{Fields, Unreadable};
use super::callers::identify;
use super::refusals::{Refusal, show_method_not_allowed};
use crate::error::Error;
use crate::wire::directory::{EntryBody, parse_entry};

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
) -> Result<Response, Refusal> {
    let identity = identify(&headers, &state).await?.0;
    state.chat.check_directory(&identity)?;
    let Fields(body) = body?;
    let Path((kind, id)) = path.map_err(|_| Error::InvalidPayload("Invalid id"))?;
    let entry = parse_entry(&kind, &id, &body)?;
    state.chat.save_entry(&identity, &entry).await?;
    Ok(Json(EntryBody::from(&entry)).into_response())
}
