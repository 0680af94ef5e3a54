//! Is the server alive, and does its store answer?

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::http::header::SERVER;
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use serde::Serialize;

use super::State;
use super::errors::refuse;
use crate::wire::Dialect;
use crate::wire::gallery::rest::HealthBody;

#[derive(Serialize)]
struct Health {
    ok: bool,
    #[serde(flatten)]
    more: Option<More>,
    uptime: f64,
}

/// What the other systems show besides.
#[derive(Serialize)]
struct More {
    status: &'static str,
    service: &'static str,
    timestamp: String,
}

/// What the five systems show under `/health`, all in one (contract/README.md, section 2); only
/// what `messaging` or `gallery` shows where that dialect is configured.
pub async fn show_health(AxumState(state): AxumState<Arc<State>>) -> Response {
    let ok = state.chat.is_ready().await;
    if ok && state.config.dialect == Some(Dialect::School) {
        return ([(SERVER, "sohbet")], "Socket server is running").into_response();
    }
    let (status, word) = if ok {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "error")
    };
    if state.config.dialect == Some(Dialect::Gallery) {
        let body = HealthBody::new(ok.then(Utc::now));
        return (status, [(SERVER, "sohbet")], Json(body)).into_response();
    }
    let body = Health {
        ok,
        more: (state.config.dialect != Some(Dialect::Messaging)).then(|| More {
            status: word,
            service: "chat-service",
            timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        }),
        uptime: uptime_seconds(&state),
    };
    // `sohbet check` knows a running Sohbet by this header.
    (status, [(SERVER, "sohbet")], Json(body)).into_response()
}

/// The process answers.
pub async fn show_liveness() -> Response {
    Json(serde_json::json!({"ok": true})).into_response()
}

/// New traffic may come: the store answers and the server is not stopping.
pub async fn show_readiness(AxumState(state): AxumState<Arc<State>>) -> Response {
    if state.is_draining.load(Ordering::Acquire) {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "Stopping");
    }
    if !state.chat.is_ready().await {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "Store is not available");
    }
    Json(serde_json::json!({"ok": true})).into_response()
}

/// Seconds since the server started, with milliseconds as fraction.
pub fn uptime_seconds(state: &State) -> f64 {
    (state.started.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0
}
