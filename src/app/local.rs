//! Development mode stays on this machine, whoever serves the router.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use url::{Host, Url};

use super::Config;

const STRANGER: &str =
    "Development mode answers this machine only: set JWT_SECRET, or another proof of logins";
const NOBODY: &str = "Development mode answers this machine only, and cannot see who calls: serve the router with into_make_service_with_connect_info::<SocketAddr>(), or set JWT_SECRET or another proof of logins";

const OTHER_NAME: &str = "Development mode answers to names of this machine only: add this one to FRONTEND_URL, or set JWT_SECRET or another proof of logins";

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
///
/// A page of anybody's can have its name point to this machine, and then calls as one of our own origin.
/// So names are refused too that are neither this machine's nor a front end's.
pub fn keep_local(router: Router, config: &Config) -> Router {
    if !config.auth.is_development() || config.trusts_clients {
        return router;
    }
    let addresses = config.http.origins.iter().chain(&config.http.public_url);
    let names = addresses
        .filter_map(|address| Url::parse(address).ok()?.host().map(|host| host.to_owned()));
    let names: Arc<[Host]> = names.collect();
    router.layer(from_fn(move |request: Request, next: Next| {
        let names = Arc::clone(&names);
        async move {
            match refusal(&request, &names) {
                Some(text) => (StatusCode::FORBIDDEN, text).into_response(),
                None => next.run(request).await,
            }
        }
    }))
}

/// Why a caller is not answered.
fn refusal(request: &Request, names: &[Host]) -> Option<&'static str> {
    match request.extensions().get::<ConnectInfo<SocketAddr>>() {
        None => Some(NOBODY),
        Some(ConnectInfo(peer)) if !peer.ip().to_canonical().is_loopback() => Some(STRANGER),
        Some(_) => {
            let host = request.headers().get(HOST)?.to_str().ok();
            let is_ours = host.is_some_and(|host| is_ours(host, names));
            (!is_ours).then_some(OTHER_NAME)
        }
    }
}

/// Whether a `Host` header names this machine or a front end. Nobody else can have an address as name.
fn is_ours(host: &str, names: &[Host]) -> bool {
    match Url::parse(&format!("http://{host}"))
        .ok()
        .as_ref()
        .and_then(Url::host)
    {
        Some(Host::Domain(name)) => {
            let is_local = name == "localhost" || name.ends_with(".localhost");
            is_local
                || names
                    .iter()
                    .any(|known| *known == Host::Domain(name.to_owned()))
        }
        Some(_) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_and_of_front_ends_are_ours() {
        let names = [Host::Domain("app.test".to_owned())];
        for host in [
            "localhost",
            "localhost:3001",
            "chat.localhost",
            "127.0.0.1:80",
            "[::1]:3001",
            "app.test:3001",
            "APP.test",
        ] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in [
            "evil.test:3001",
            "app.test.evil.test",
            "localhost.evil.test",
            "evil.test/localhost",
            "",
            "a b",
        ] {
            assert!(!is_ours(host, &names), "{host}");
        }
    }
}
