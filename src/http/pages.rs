//! The page at `/`.

use std::sync::Arc;

use axum::extract::State as AxumState;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};

use super::State;
use super::health::uptime_seconds;
use super::routing::Face;

/// What is running here and how to connect to it.
const PAGE: &str = include_str!("root.html");
/// The page has one inline style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page for people, `{"ok":true,"uptime":seconds}` for programs; where a dialect is configured
/// that has words of its own for it, these.
pub async fn show_root(
    AxumState(state): AxumState<Arc<State>>,
    Extension(face): Extension<Face>,
    headers: HeaderMap,
) -> Response {
    if let Some(show_root) = face.root {
        return show_root();
    }
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let response = if prefers_html(accept.unwrap_or_default()) {
        ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)).into_response()
    } else {
        let body = serde_json::json!({"ok": true, "uptime": uptime_seconds(&state)});
        Json(body).into_response()
    };
    ([(axum::http::header::VARY, "Accept")], response).into_response()
}

/// Browsers name `text/html` first; fetch and curl do not name it.
fn prefers_html(accept: &str) -> bool {
    let html = accept.find("text/html");
    let json = accept.find("application/json");
    match (html, json) {
        (Some(html), Some(json)) => html < json,
        (html, _) => html.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::prefers_html;

    #[test]
    fn browsers_get_a_page_and_programs_json() {
        assert!(prefers_html("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!prefers_html("application/json, text/html"));
        assert!(!prefers_html("*/*"));
        assert!(!prefers_html(""));
    }
}
