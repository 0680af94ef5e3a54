//! Development mode stays on this machine, whoever serves the router.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

use super::Config;

const STRANGER: &str =
    "Development mode answers this machine only: set JWT_SECRET, or another proof of logins";
const NOBODY: &str = "Development mode answers this machine only, and cannot see who calls: serve the router with into_make_service_with_connect_info::<SocketAddr>(), or set JWT_SECRET or another proof of logins";

/// Says what an operator must not overlook, whether the binary or another program starts us.
pub fn warn(config: &Config) {
    match (!config.auth.is_development(), config.trusts_clients) {
        (true, _) if config.chat.open_sign_up => tracing::info!(
            "OPEN_SIGN_UP: everybody who can reach the port may make a user with POST /api/users"
        ),
        (true, _) => {}
        (false, false) => tracing::warn!(
            "DEVELOPMENT MODE: no JWT_SECRET is set, nor JWT_PUBLIC_KEY, JWKS_URL or AUTH_SESSION_URL, so every client is believed to be who it says it is; only this machine may connect, and no proxy must let others in"
        ),
        (false, true) => tracing::warn!(
            "DEVELOPMENT MODE BEYOND THIS MACHINE: no JWT_SECRET is set, nor JWT_PUBLIC_KEY, JWKS_URL or AUTH_SESSION_URL, so anybody who can reach the port can read and write as anybody"
        ),
    }
}

/// Refuses callers of other machines where clients are believed. Our own listener is bound to this
/// machine then; that of a program that embeds us may be bound to any address.
pub fn keep_local(router: Router, config: &Config) -> Router {
    match config.auth.is_development() && !config.trusts_clients {
        true => router.layer(from_fn(refuse_strangers)),
        false => router,
    }
}

async fn refuse_strangers(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let refusal = match peer {
        Some(ConnectInfo(peer)) if peer.ip().to_canonical().is_loopback() => {
            return next.run(request).await;
        }
        Some(_) => STRANGER,
        None => NOBODY,
    };
    (StatusCode::FORBIDDEN, refusal).into_response()
}
