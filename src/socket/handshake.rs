//! Who may connect. Runs in the connect middleware, before the client hears that it is connected,
//! and registers the dispatcher there, so that no event sent right after CONNECT is lost.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::to_raw_value;
use socketioxide::extract::SocketRef;
use sohbet_entity::ids::{self, GalleryId, UserId};

use super::Shared;
use super::dispatch::{Allowed, Dispatcher};
use super::links::Links;
use super::outbox::SocketOutbox;
use crate::auth::{self, Credentials, Identity, Shown, Trust};
use crate::chat::{Dialect, Session, cookie_tokens};
use crate::error::Error;
use crate::headers;
use crate::wire;

/// Longest dialect name that a refusal repeats, in characters.
const MAX_ECHO_CHARS: usize = 64;

/// The `auth` object of a client. Everything in it may have any type.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Handshake {
    token: Option<Value>,
    dialect: Option<Value>,
    user_id: Option<Value>,
    id: Option<Value>,
    name: Option<Value>,
    role: Option<Value>,
    gallery_id: Option<Value>,
    on_behalf_of: Option<Value>,
    since: Option<Value>,
}

/// Why a client was refused; its text is the message of `connect_error`.
#[derive(Debug)]
pub enum Refusal {
    /// Not who it says it is.
    Identity,
    /// It asks for a dialect that does not exist.
    Dialect(String),
    /// Its user or its address has too many sockets, or fails to log in too often.
    TooMany,
    /// The server is stopping, or the store does not answer.
    Unavailable,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => write!(formatter, "{}", auth::REFUSAL),
            Self::Dialect(name) => write!(formatter, "Unknown dialect: {name}"),
            Self::TooMany => formatter.write_str("Too many connections"),
            Self::Unavailable => formatter.write_str("Service unavailable"),
        }
    }
}

/// Admits a socket, or says why not.
pub(super) async fn admit(
    shared: &Arc<Shared>,
    socket: SocketRef,
    handshake: Handshake,
    links: Arc<Links>,
) -> Result<(), Refusal> {
    if shared.drain.is_cancelled() {
        return Err(Refusal::Unavailable);
    }
    let named = dialect(shared, &socket, &handshake)?;
    let limits = &shared.chat.limits;
    limits
        .check_logins(&links.client)
        .map_err(|_| Refusal::TooMany)?;
    let identified = identify(shared, &socket, &handshake, named, &links).await;
    if let Err(Refusal::Identity) = identified {
        limits.note_failed_login(&links.client);
    }
    let identity = identified?;
    let places = limits.join(&links.client, identity.user.as_ref());
    let places = places.map_err(|_| Refusal::TooMany)?;
    let events = limits.events(&links.client, identity.user.as_ref());
    let is_vouched = identity.grant.is_some() || identity.shown.is_some();
    let has_token = is_vouched || has_readable_token(shared, &socket, &handshake);
    let dialect = named.or_else(|| {
        let names_gallery = has_token && identity.gallery.is_some();
        names_gallery.then(wire::infer_from_gallery).flatten()
    });
    if dialect.is_some_and(|dialect| is_nobody(&identity, has_token, dialect)) {
        return Err(Refusal::Identity);
    }
    let gallery = gallery(shared, &identity, dialect).await?;
    let outbox = SocketOutbox::new(socket.clone(), Arc::clone(&links), shared.slow.clone());
    let sessions = &shared.chat.sessions;
    let session = sessions.open(socket.id.to_string(), identity, dialect, Box::new(outbox));
    if let Some(since) = &handshake.since
        && let Ok(since) = to_raw_value(since)
    {
        session.set_opening(since);
    }
    if let Some(gallery) = gallery {
        sessions.listen_gallery(&session, &gallery);
    }
    tracing::debug!(
        transport = ?socket.transport_type(),
        user.id = session.identity().user.as_ref().map(UserId::as_str),
        "socket admitted"
    );
    links.joined();
    let allowed = Allowed { places, events };
    Dispatcher::start(shared, &socket, session, links, allowed);
    Ok(())
}

/// Whether a socket is nobody in a dialect that needs somebody. Without a token, people who act for
/// galleries must say for which.
fn is_nobody(identity: &Identity, has_token: bool, dialect: Dialect) -> bool {
    let vocabulary = wire::vocabulary(dialect);
    if !vocabulary.needs_identity() || identity.trust == Trust::Relay {
        return false;
    }
    let is_claimed = identity.trust == Trust::Claimed && !has_token;
    let must_name_gallery = vocabulary.is_told_by_gallery() && is_claimed;
    identity.user.is_none() || (must_name_gallery && identity.gallery.is_none())
}

/// The gallery that a socket listens for from the start, where its dialect has galleries or is not
/// known yet: nothing that is said from now on may be missed.
async fn gallery(
    shared: &Shared,
    identity: &Identity,
    dialect: Option<Dialect>,
) -> Result<Option<GalleryId>, Refusal> {
    let has_galleries = |dialect| wire::vocabulary(dialect).is_told_by_gallery();
    if !dialect.is_none_or(has_galleries) {
        return Ok(None);
    }
    let found = shared.chat.gallery_of(identity).await;
    found.map_err(|_| Refusal::Unavailable)
}

/// Whether a socket listens for another gallery than its user has now: nobody could move it before it was
/// there. So does one of which that cannot be said.
pub(super) async fn has_moved(shared: &Shared, session: &Session) -> bool {
    match gallery(shared, session.identity(), session.dialect()).await {
        // Who may not hear listens for none.
        Ok(now) => now.filter(|_| session.may_hear()) != session.gallery(),
        Err(_) => true,
    }
}

fn dialect(
    shared: &Shared,
    socket: &SocketRef,
    handshake: &Handshake,
) -> Result<Option<Dialect>, Refusal> {
    let asked = text(handshake.dialect.as_ref()).or_else(|| query(socket, "dialect"));
    match asked.as_deref() {
        None | Some("" | "auto") => Ok(shared.config.dialect),
        Some(name) => name
            .parse()
            .map(Some)
            .map_err(|_| Refusal::Dialect(name.chars().take(MAX_ECHO_CHARS).collect())),
    }
}

/// Who connects, and for whom a program acts.
async fn identify(
    shared: &Shared,
    socket: &SocketRef,
    handshake: &Handshake,
    dialect: Option<Dialect>,
    links: &Links,
) -> Result<Identity, Refusal> {
    let identity = prove(shared, socket, handshake, dialect, links).await?;
    let header = header(socket, "x-on-behalf-of").map(Value::String);
    let named = handshake.on_behalf_of.as_ref().filter(|it| !it.is_null());
    let Some(named) = named.or(header.as_ref()) else {
        return Ok(identity);
    };
    // Who names nobody that there can be must not act for oneself instead.
    let user = text(Some(named)).ok_or(Refusal::Identity)?;
    identity
        .on_behalf_of(user.into())
        .map_err(|_| Refusal::Identity)
}

async fn prove(
    shared: &Shared,
    socket: &SocketRef,
    handshake: &Handshake,
    dialect: Option<Dialect>,
    links: &Links,
) -> Result<Identity, Refusal> {
    let chat = &shared.chat;
    let token = sent_token(socket, handshake);
    if token.is_none() {
        let cookies = header(socket, "cookie");
        // What the dialect itself knows goes before the login of a host application.
        for token in cookie_tokens(cookies.as_deref().unwrap_or_default(), dialect) {
            let credentials = Credentials {
                claimed: claimed(socket, handshake),
                ..Credentials::of_token(token)
            };
            // A bad cookie counts as absent.
            if let Ok(identity) = chat.identify(credentials).await
                && identity.user.is_some()
            {
                return Ok(identity);
            }
        }
        if let Some(identity) = chat.find_login(cookies.as_deref()).await.map_err(refusal)? {
            return Ok(identity);
        }
        let is_trusted = links.address.is_some_and(|peer| chat.trusts(peer.ip()));
        if is_trusted && !chat.auth.is_development() && !is_forwarded(socket) {
            return Ok(chat.auth.relay());
        }
    }
    let claimed = claimed(socket, handshake);
    if token.is_none() && reads_query(shared, dialect) {
        // One that is not valid counts as absent.
        let token = query(socket, "token");
        let credentials = Credentials {
            shown: Shown::new(None, token.as_deref()),
            token,
            claimed: claimed.clone(),
        };
        if let Ok(identity) = chat.identify(credentials).await {
            return Ok(identity);
        }
    }
    let cookies = header(socket, "cookie");
    let credentials = Credentials {
        shown: Shown::new(cookies.as_deref(), token.as_deref()),
        token,
        claimed,
    };
    chat.identify(credentials).await.map_err(refusal)
}

/// Whether a token may stand in the query, where proxies write it into their logs: where the operator says
/// so, or lets clients speak a dialect whose front ends put it there. That a client asks for that dialect
/// is not enough.
fn reads_query(shared: &Shared, dialect: Option<Dialect>) -> bool {
    let takes = |dialect| wire::vocabulary(dialect).takes_query_token();
    let is_offered = shared.config.dialect.is_none_or(takes);
    shared.chat.auth.allow_query_token || is_offered && dialect.is_some_and(takes)
}

/// Why somebody is refused whom nobody could make out.
fn refusal(error: Error) -> Refusal {
    match error {
        Error::Unavailable { .. } | Error::Internal => {
            tracing::warn!(error.code = error.code(), "a login could not be checked");
            Refusal::Unavailable
        }
        _ => Refusal::Identity,
    }
}

/// The token that a client sends itself, where a bad one is no oversight.
fn sent_token(socket: &SocketRef, handshake: &Handshake) -> Option<String> {
    match &handshake.token {
        Some(Value::String(token)) if !token.is_empty() => Some(token.clone()),
        Some(Value::Null | Value::String(_)) | None => header(socket, "authorization"),
        // A token of another type is no token at all; with a key that is a refusal.
        Some(_) => Some(String::new()),
    }
}

/// Whether a client sent a token that says something: in development mode others count as absent.
fn has_readable_token(shared: &Shared, socket: &SocketRef, handshake: &Handshake) -> bool {
    let token = sent_token(socket, handshake);
    token.is_some_and(|token| shared.chat.auth.can_read(&token))
}

/// Ids that the client claims; only development mode looks at them.
fn claimed(socket: &SocketRef, handshake: &Handshake) -> Identity {
    let from_query = |name| text(query(socket, name).map(Value::String).as_ref());
    let user = text(handshake.user_id.as_ref())
        .or_else(|| text(handshake.id.as_ref()))
        .or_else(|| from_query("userId"))
        .or_else(|| from_query("id"));
    let role = text(handshake.role.as_ref());
    Identity {
        user: user.map(UserId::from),
        name: text(handshake.name.as_ref()),
        role: role.as_deref().and_then(auth::parse_role),
        title: role,
        gallery: text(handshake.gallery_id.as_ref()).map(GalleryId::from),
        ..Identity::nobody(Trust::Claimed)
    }
}

/// A text that could be an id, or a whole number as text.
fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_u64()?.to_string(),
        _ => return None,
    };
    ids::is_valid(&text).then_some(text)
}

fn header(socket: &SocketRef, name: &str) -> Option<String> {
    let value = socket.req_parts().headers.get(name)?;
    value.to_str().ok().map(str::to_owned)
}

fn query(socket: &SocketRef, name: &str) -> Option<String> {
    headers::query(&socket.req_parts().uri, name)
}

/// A request that came through a proxy never counts as the proxy's own.
fn is_forwarded(socket: &SocketRef) -> bool {
    let headers = &socket.req_parts().headers;
    headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded")
}
