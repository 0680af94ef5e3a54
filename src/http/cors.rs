//! Which pages may call (contract/README.md, 6.10). One allowed origin is echoed, with credentials.
//! A page of any other origin may not open a socket and may not change anything: browsers send
//! cookies along with both, and ask nobody before they open a WebSocket. What it may only read, it
//! gets as somebody without cookies, and without the headers that would let it see the answer.
//!
//! Browsers name the origin with every WebSocket, every call across origins and every form. What they
//! ask for without it across sites (a picture, a script, a link) they mark with `Sec-Fetch-Site`. So who
//! sends neither is no page, or one of our own origin; its cookies count.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State as AxumState};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, COOKIE, HOST, HeaderName, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::State;
use crate::addresses::is_in;
use crate::headers::asks_for_websocket;

const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
/// Where browsers say how a page stands to what it asks for.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Where proxies say how they were reached.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// Hosts that are this machine, as browsers write them.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Answers preflights, refuses foreign pages, and marks all other answers.
pub async fn check_origin(
    AxumState(state): AxumState<Arc<State>>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let is_foreign = match &origin {
        Some(origin) => !is_allowed(&state, origin) && !is_own(&state, origin, &request),
        None => is_of_other_site(request.headers()),
    };
    if is_foreign {
        request.headers_mut().remove(COOKIE);
    }
    let allowed = origin.filter(|origin| is_allowed(&state, origin));
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        preflight(request.headers(), allowed.is_some())
    } else if is_foreign && request.uri().path().starts_with(&state.config.socket_path) {
        tracing::info!("a page whose origin is not in FRONTEND_URL was refused");
        let body = axum::Json(serde_json::json!({"code": 4, "message": "Forbidden"}));
        (StatusCode::FORBIDDEN, body).into_response()
    } else if is_foreign && (!request.method().is_safe() || asks_for_websocket(request.headers())) {
        let (parts, _) = request.into_parts();
        let refuse = state.owners.refuse(&parts);
        refuse(StatusCode::FORBIDDEN, "Forbidden")
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
    response
}

fn preflight(request: &HeaderMap, is_allowed: bool) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if is_allowed {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Some(asked) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
    }
    response
}

/// Whether a page of another site asks, without saying which.
fn is_of_other_site(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE);
    site.is_some_and(|site| site == "cross-site")
}

/// Whether a page of this very server calls. Where it is known that clients reach the server encrypted, a
/// page that came over plain HTTP is not one: whoever is on the way could have written it.
fn is_own(state: &State, origin: &HeaderValue, request: &Request) -> bool {
    let host = request.headers().get(HOST).map(HeaderValue::to_str);
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host) else {
        return false;
    };
    origin.split_once("://").is_some_and(|(scheme, rest)| {
        let fits = scheme == "https" || !is_encrypted(state, host, request);
        fits && rest.eq_ignore_ascii_case(host)
    })
}

/// Whether a host is known to be reached over HTTPS: the operator wrote its address so, or a proxy that
/// is trusted says it of this request. Nobody says reliably that it is not.
fn is_encrypted(state: &State, host: &str, request: &Request) -> bool {
    let config = &state.config;
    let is_named = |url: &String| {
        let rest = url.strip_prefix("https://");
        let named = rest.and_then(|rest| rest.split('/').next());
        named.is_some_and(|named| named.eq_ignore_ascii_case(host))
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_proxy = |peer: &ConnectInfo<SocketAddr>| is_in(&config.proxies, peer.ip());
    let forwarded = request.headers().get(X_FORWARDED_PROTO);
    let is_forwarded = forwarded.is_some_and(|protocol| protocol == "https");
    config
        .public_url
        .iter()
        .chain(&config.origins)
        .any(is_named)
        || is_forwarded && peer.is_some_and(is_proxy)
}

/// Scheme, host and port together, never a prefix.
fn is_allowed(state: &State, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let config = &state.config;
    config.origins.iter().any(|allowed| allowed == origin)
        || config.any_localhost_origin && is_local(origin)
}

fn is_local(origin: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    let Some(rest) = rest else { return false };
    LOCAL_HOSTS
        .iter()
        .any(|host| match rest.strip_prefix(host) {
            Some("") => true,
            Some(port) => port
                .strip_prefix(':')
                .is_some_and(|port| port.parse::<u16>().is_ok()),
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_hosts_of_this_machine_are_local() {
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:5173",
        ] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in [
            "http://localhost:3000.evil.test",
            "http://localhost.evil.test",
            "http://127.0.0.1.evil.test:80",
            "ftp://localhost",
            "null",
        ] {
            assert!(!is_local(origin), "{origin}");
        }
    }
}
