//! Who calls how often. Runs before everything that a request could cost.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State as AxumState};
use axum::http::header::{AUTHORIZATION, COOKIE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::State;
use crate::addresses::{self, ClientAddress};
use crate::chat::{Client, as_client};
use crate::error::Result;
use crate::headers::query;

/// What monitors ask, also while the server is busy.
const PROBES: [&str; 3] = ["/health", "/healthz", "/readyz"];

/// Notes where a request comes from, and refuses it if that was too often. Requests for a socket are
/// counted by the socket.
pub async fn admit_call(
    AxumState(state): AxumState<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let address = address(&state, &parts);
    if let Some(address) = address {
        parts.extensions.insert(address);
    }
    let client = state
        .chat
        .limits
        .client(address.map(|ClientAddress(address)| address));
    let path = parts.uri.path();
    if path.starts_with(&state.config.socket_path) || PROBES.contains(&path) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let has_credentials = has_credentials(&parts.headers, &parts.uri);
    if admit(&state, &client, has_credentials).is_err() {
        return refuse(&state, &parts);
    }
    let answering = next.run(Request::from_parts(parts, body));
    let response = as_client(&client, answering).await;
    let has_failed = match response.extensions().get::<Login>() {
        Some(login) => *login == Login::Failed,
        None => has_credentials && response.status() == StatusCode::UNAUTHORIZED,
    };
    if has_failed {
        state.chat.limits.note_failed_login(&client);
    }
    response
}

/// What an answer says about the login of its caller, where its status does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Somebody is known, and may not do this.
    Proved,
    /// What was shown is no good.
    Failed,
}

fn admit(state: &State, client: &Client, has_credentials: bool) -> Result<()> {
    state.chat.limits.admit_call(client)?;
    match has_credentials {
        true => state.chat.limits.check_logins(client),
        false => Ok(()),
    }
}

fn address(state: &State, parts: &Parts) -> Option<ClientAddress> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let ConnectInfo(peer) = peer?;
    let proxies = &state.config.proxies;
    Some(addresses::caller(peer.ip(), &parts.headers, proxies))
}

/// Whether a request says who calls, wherever a dialect looks for that in its head. Who looks into the
/// body checks the address there, and answers with [`Login::Failed`].
pub fn has_credentials(headers: &HeaderMap, uri: &Uri) -> bool {
    headers.contains_key(AUTHORIZATION)
        || headers.contains_key(COOKIE)
        || query(uri, "token").is_some()
}

/// Refuses in the shape of the dialect that the request is for. There is room for a few again sooner
/// than a header can say.
fn refuse(state: &State, parts: &Parts) -> Response {
    let refuse = state.owners.refuse(parts);
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "Too many messages");
    let one_second = HeaderValue::from_static("1");
    response.headers_mut().insert(RETRY_AFTER, one_second);
    response
}
