//! Is the server alive, and does its store answer?

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::http::header::SERVER;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{SecondsFormat, Utc};
use serde::Serialize;

use super::State;
use super::errors::refuse;
use super::routing::{Face, Vitals};

/// What the systems show, all in one.
#[derive(Serialize)]
struct Health {
    ok: bool,
    status: &'static str,
    service: &'static str,
    timestamp: String,
    uptime: f64,
}

/// What the systems show under `/health` (contract/README.md, section 2); only what the system
/// itself shows where a dialect is configured that has words for it.
pub async fn show_health(
    AxumState(state): AxumState<Arc<State>>,
    Extension(face): Extension<Face>,
) -> Response {
    let vitals = Vitals {
        is_ready: state.chat.is_ready().await,
        uptime: uptime_seconds(&state),
    };
    let show = face.health.unwrap_or(show_all);
    // `sohbet check` knows a running Sohbet by this header.
    ([(SERVER, "sohbet")], show(&vitals)).into_response()
}

/// `{"ok","status","service","timestamp","uptime"}`
pub fn show_all(vitals: &Vitals) -> Response {
    let body = Health {
        ok: vitals.is_ready,
        status: if vitals.is_ready { "ok" } else { "error" },
        service: "chat-service",
        timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        uptime: vitals.uptime,
    };
    (status_of(vitals), Json(body)).into_response()
}

/// 200, or 503 while the store does not answer.
pub fn status_of(vitals: &Vitals) -> StatusCode {
    match vitals.is_ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
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
