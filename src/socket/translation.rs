//! The layer in front of the engine that translates secret session ids (`session_ids`), and keeps
//! from the engine what it would hold on to for as long as a session lives.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{MaybeDone, maybe_done};
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tower::Service;

use super::Shared;
use super::links::{Links, Peer};
use super::moving;
use super::paced::Paced;
use super::session_ids::{Entry, SessionIds};
use crate::addresses::ClientAddress;
use crate::chat::{Backlog, Chat};
use crate::error::Error;
use crate::headers::{asks_for_websocket, has_version};

/// Headers that outlive the first request of a session: those that a handshake reads, and the one that
/// the engine does. All others are dropped, since the engine keeps them as long as the session lives.
const KEPT_HEADERS: [&str; 6] = [
    "authorization",
    "cookie",
    "forwarded",
    "sec-websocket-key",
    "x-forwarded-for",
    "x-on-behalf-of",
];

/// How long the packets of a polling client may take to come in, as long as any other body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The engine's service behind the translation of session ids.
#[derive(Clone)]
pub struct Translate<S> {
    engine: S,
    ids: Arc<SessionIds>,
    chat: Arc<Chat>,
    /// Packets that may wait for a client, and bytes.
    outbound: (usize, usize),
}

impl<S> Translate<S> {
    pub(super) fn new(engine: S, shared: &Shared) -> Self {
        Self {
            engine,
            ids: Arc::clone(&shared.session_ids),
            chat: Arc::clone(&shared.chat),
            outbound: (shared.config.outbound_packets, shared.config.outbound_bytes),
        }
    }

    /// What a new session runs over, if there is room for one more.
    fn links<B>(&self, request: &Request<B>, query: &Query) -> Result<Links, Error> {
        let extensions = request.extensions();
        let address = extensions.get::<ClientAddress>();
        let limits = &self.chat.limits;
        let client = limits.client(address.map(|ClientAddress(address)| *address));
        self.ids.sweep();
        let place = limits.begin_socket(&client)?;
        let peer = extensions.get::<Peer>().cloned();
        let is_websocket = query.is_websocket;
        let traffic = limits.traffic(&client).filter(|_| !is_websocket);
        let backlog = Backlog::new(self.outbound.0, self.outbound.1);
        let links = Links::new(peer, client, Some(place), is_websocket, backlog);
        Ok(links.with_traffic(traffic))
    }

    /// Counts a request for a session that does not exist like any other call.
    fn admit_stranger<B>(&self, request: &Request<B>) -> Result<(), Error> {
        let address = request.extensions().get::<ClientAddress>();
        let limits = &self.chat.limits;
        limits.admit_call(&limits.client(address.map(|ClientAddress(address)| *address)))
    }
}

/// What the endpoint answers with.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

impl<S, B, R> Service<Request<B>> for Translate<S>
where
    S: Service<Request<Paced<B>>, Response = Response<R>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.engine.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        let query = Query::of(request.uri());
        let request = request.map(Paced::free);
        Box::pin(async move {
            let (ids, engine) = (&this.ids, this.engine.clone());
            if query.is_websocket && !follows_protocol(request.headers()) {
                return Ok(refuse(3, "Bad request"));
            }
            match query.session.clone() {
                None => match this.links(&request, &query) {
                    Ok(links) => begin(engine, ids, request, &query, links).await,
                    Err(error) => Ok(refuse_for(&error)),
                },
                Some(secret) => match ids.find(&secret) {
                    Some(entry) => go_on(engine, request, &query, &entry).await,
                    None => match this.admit_stranger(&request) {
                        Ok(()) => Ok(unknown()),
                        Err(error) => Ok(refuse_for(&error)),
                    },
                },
            }
        })
    }
}

/// The first request of a session.
async fn begin<S, B, R>(
    mut engine: S,
    ids: &SessionIds,
    request: Request<B>,
    query: &Query,
    links: Links,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut parts, body) = request.into_parts();
    let links = Arc::new(links);
    slim_extensions(&mut parts.extensions, Arc::clone(&links));
    parts.headers = slim(&parts.headers);
    parts.uri = copy(&parts.uri);
    let response = engine.call(Request::from_parts(parts, body)).await?;
    if query.is_websocket || response.status() != StatusCode::OK {
        return Ok(response.map(boxed));
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(refuse(3, "Bad request"));
    };
    let Some(body) = hide_id(&body.to_bytes(), ids, links) else {
        return Ok(refuse(3, "Bad request"));
    };
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    parts
        .headers
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Response::from_parts(parts, boxed(Full::from(body))))
}

/// Puts a secret in the place of the engine's id in an open packet.
fn hide_id(packet: &[u8], ids: &SessionIds, links: Arc<Links>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Open<'a> {
        sid: &'a str,
    }
    let packet = std::str::from_utf8(packet).ok()?;
    let open: Open = serde_json::from_str(packet.strip_prefix('0')?).ok()?;
    let secret = ids.issue(open.sid, links)?;
    Some(packet.replacen(open.sid, &secret, 1))
}

/// A later request of a session, secret in place.
async fn go_on<S, B, R>(
    mut engine: S,
    mut request: Request<Paced<B>>,
    query: &Query,
    entry: &Entry,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Paced<B>>, Response = Response<R>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    entry.links.note_packets(1);
    if request.method() == Method::POST {
        entry.links.wait_for_room().await;
        request.body_mut().charge(&entry.links);
    }
    *request.uri_mut() = query.with_session(request.uri(), &entry.id);
    if query.is_websocket {
        let peer = request.extensions().get::<Peer>().cloned();
        let accepted = moving::begin(engine, request, &entry.links, peer);
        let accepted = accepted.map(|response| response.map(|()| boxed(Full::default())));
        return Ok(accepted.unwrap_or_else(|| refuse(3, "Bad request")));
    }
    let is_poll = request.method() == Method::GET;
    let is_post = request.method() == Method::POST;
    let _poll = is_poll.then(|| entry.links.open_poll());
    let mut answer = Box::pin(maybe_done(engine.call(request)));
    if is_poll && !begin_poll(&entry.links, answer.as_mut()).await {
        // The client polls again, or finds that it has moved.
        tokio::time::sleep(moving::NOOP_PAUSE).await;
        return Ok(noop());
    }
    tokio::select! {
        biased;
        () = answer.as_mut() => {}
        // Whoever is thrown out or sent away must not wait for the next ping to learn of it.
        () = entry.links.killed() => return Ok(unknown()),
        () = entry.links.release.released(), if is_poll => return Ok(noop()),
        () = tokio::time::sleep(BODY_TIMEOUT), if is_post => return Ok(too_slow()),
    }
    let Some(answered) = answer.as_mut().take_output() else {
        return Ok(refuse(3, "Bad request"));
    };
    let mut response = answered?.map(boxed);
    if is_poll {
        let n_bytes = http_body::Body::size_hint(response.body()).exact();
        entry.links.note_polled(n_bytes);
    }
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Runs the engine's handling of a poll up to where it waits; `false` when the session is about to
/// move and the poll must not reach the engine.
async fn begin_poll<F: Future>(links: &Links, mut answer: Pin<&mut MaybeDone<F>>) -> bool {
    std::future::poll_fn(|context| {
        let begun = links.begin_poll(|| {
            // Whether it is done already shows when it is waited for.
            let _ = answer.as_mut().poll(context);
        });
        Poll::Ready(begun.is_some())
    })
    .await
}

/// What a request hears whose session does not exist, or no longer.
fn unknown() -> Response<Body> {
    refuse(1, "Session ID unknown")
}

/// An empty answer to a poll (engine.io-protocol, packet `noop`).
fn noop() -> Response<Body> {
    let mut response = Response::new(boxed(Full::from("6")));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let text = HeaderValue::from_static("text/plain; charset=UTF-8");
    headers.insert(CONTENT_TYPE, text);
    response
}

/// What a client hears that sends its packets byte by byte, so that the connection is free again.
fn too_slow() -> Response<Body> {
    let mut response = refuse(3, "Bad request");
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What the query of a request says.
struct Query {
    is_websocket: bool,
    session: Option<String>,
}

impl Query {
    fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Self {
            is_websocket: value("transport").as_deref() == Some("websocket"),
            session: value("sid"),
        }
    }

    /// The URI with another session id.
    fn with_session(&self, uri: &Uri, id: &str) -> Uri {
        let query = uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != "sid");
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .append_pair("sid", id)
            .finish();
        format!("{}?{query}", uri.path())
            .parse()
            .unwrap_or_else(|_| uri.clone())
    }
}

/// Whether a request for a WebSocket is one as RFC 6455 has it; the engine does not look.
fn follows_protocol(headers: &HeaderMap) -> bool {
    asks_for_websocket(headers) && has_version(headers)
}

/// Owned copies of the headers that are needed later: what hyper hands out holds on to the whole
/// buffer of the request.
fn slim(headers: &HeaderMap) -> HeaderMap {
    let is_kept = |name: &&str| headers.contains_key(*name);
    // An entry takes a hundred bytes, and most clients send only one of them.
    let mut kept = HeaderMap::with_capacity(KEPT_HEADERS.into_iter().filter(is_kept).count());
    for name in KEPT_HEADERS {
        if let Some(value) = headers.get(name)
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            kept.insert(name, value);
        }
    }
    kept
}

fn copy(uri: &Uri) -> Uri {
    uri.to_string().parse().unwrap_or_else(|_| uri.clone())
}

/// Drops what earlier layers attached, all of which the engine would keep with the session.
fn slim_extensions(extensions: &mut http::Extensions, links: Arc<Links>) {
    let upgrade = extensions.remove::<hyper::upgrade::OnUpgrade>();
    extensions.clear();
    extensions.insert(links);
    if let Some(upgrade) = upgrade {
        extensions.insert(upgrade);
    }
}

/// Refuses who asks for more than there is, with when to come back.
fn refuse_for(error: &Error) -> Response<Body> {
    let (status, text) = match error {
        Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"),
    };
    let mut response = refuse(3, text);
    *response.status_mut() = status;
    if let Some(retry_after_ms) = error.retry_after_ms() {
        let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// An error as engine.io writes it (engine.io-protocol, "HTTP long-polling").
fn refuse(code: u8, message: &str) -> Response<Body> {
    let body = format!("{{\"code\":{code},\"message\":\"{message}\"}}");
    let mut response = Response::new(boxed(Full::from(body)));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    body.map_err(Into::into).boxed_unsync()
}
