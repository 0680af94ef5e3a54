//! Dialects: what a client's words mean, and what it hears. Pure translation, no I/O.

mod ids;
mod json;
pub mod messaging;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sohbet_entity::ids::{ConversationId, UserId};

pub use crate::chat::Dialect;
use crate::chat::{Event, Receipt, Reply, SessionId, SocketRequest};
use crate::error::{Error, Result};

/// One event on its way to a client: name and single argument.
pub struct Frame {
    /// Event name.
    pub name: &'static str,
    /// Its argument, as JSON.
    pub body: Box<RawValue>,
}

impl Frame {
    fn new(name: &'static str, body: &impl Serialize) -> Self {
        Self {
            name,
            body: encode_json(body),
        }
    }
}

/// What a client hears about its own request: events first, then the acknowledgement.
pub struct Answer {
    /// The dialect's own confirmations or errors, in order.
    pub events: Vec<Frame>,
    /// The argument of the acknowledgement, for clients that asked for one.
    pub ack: Box<RawValue>,
}

/// A request that was refused because of its payload.
pub struct Refused {
    /// Why.
    pub error: Error,
    /// What the client wants to see again in the error.
    pub echo: Option<Box<RawValue>>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, echo: None }
    }
}

/// Who hears of an event: the union of all places.
pub struct Audience<'a> {
    /// Sockets that listen to this conversation.
    pub conversation: Option<&'a ConversationId>,
    /// Sockets that listen for this user.
    pub user: Option<&'a UserId>,
    /// Every socket of the dialect.
    pub everybody: bool,
    /// Not this socket.
    pub except: Option<SessionId>,
    /// Not the sockets of this user.
    pub except_user: Option<&'a UserId>,
    /// The dialect that caused it, which undecided sockets hear too.
    pub cause: Dialect,
}

/// Reads an event of a client. `arguments` are those after the event's name.
pub fn parse(
    dialect: Dialect,
    event: &str,
    arguments: &[&RawValue],
) -> Result<SocketRequest, Refused> {
    match dialect {
        Dialect::Messaging => messaging::parse(event, arguments),
    }
}

/// The dialect that an undecided socket speaks, judging by one event.
pub fn infer(event: &str, arguments: &[&RawValue]) -> Option<Dialect> {
    messaging::is_typical(event, arguments).then_some(Dialect::Messaging)
}

/// What a client hears about a request that was done, or refused, at once.
pub fn answer(
    dialect: Dialect,
    event: &str,
    echo: Option<&RawValue>,
    outcome: &Result<Reply>,
    socket_id: &str,
) -> Answer {
    match dialect {
        Dialect::Messaging => messaging::answer(event, echo, outcome, socket_id),
    }
}

/// What a client hears about its write, once it is committed or has failed.
pub fn answer_written(
    dialect: Dialect,
    echo: Option<&RawValue>,
    outcome: &Result<Receipt, (WriteKind, Error)>,
) -> Answer {
    match dialect {
        Dialect::Messaging => messaging::answer_written(echo, outcome),
    }
}

/// What a failed write wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// Store a message.
    Message,
    /// Move a read marker.
    Read,
}

/// Who of a dialect hears of an event; `None` when the dialect has no word for it.
pub fn audience(dialect: Dialect, event: &Event) -> Option<Audience<'_>> {
    match dialect {
        Dialect::Messaging => messaging::audience(event),
    }
}

/// An event as a dialect says it.
pub fn encode(dialect: Dialect, event: &Event) -> Option<Frame> {
    match dialect {
        Dialect::Messaging => messaging::encode(event),
    }
}

/// The acknowledgement of a refusal (contract/README.md, 6.1).
pub fn refusal(error: &Error, text: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u32>,
    }
    #[derive(Serialize)]
    struct Refusal<'a> {
        ok: bool,
        error: Body<'a>,
    }
    encode_json(&Refusal {
        ok: false,
        error: Body {
            code: error.code(),
            message: text,
            retry_after_ms: error.retry_after_ms(),
        },
    })
}

/// JSON text of a value that we made ourselves.
fn encode_json(value: &(impl Serialize + ?Sized)) -> Box<RawValue> {
    to_raw_value(value).expect("our own types have string keys and no failing serializers")
}
