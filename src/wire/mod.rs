//! Dialects: what a client's words mean, and what it hears. Pure translation, no I/O.
//!
//! Each dialect is a module with one [`Vocabulary`]; the table [`vocabulary`] is where it is
//! registered.

pub mod chatsphere;
pub mod direct;
pub mod directory;
pub mod gallery;
mod ids;
mod json;
pub mod messaging;
mod metadata;
pub mod native;
pub mod school;
pub mod starter;
pub mod uploads;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, GalleryId, UserId};

pub use crate::chat::Dialect;
use crate::chat::{Event, Reply, Session, SessionId, SocketRequest};
use crate::error::{Error, Result};

/// One dialect: the words of its clients, and what they hear.
pub trait Vocabulary: Sync {
    /// Every word that its clients can say.
    fn words(&self) -> Vec<&'static str>;

    /// Whether an event tells that its socket speaks this dialect (contract/README.md, section 2).
    fn is_typical(&self, event: &str, arguments: &[&RawValue]) -> bool;

    /// Reads an event of a client. `arguments` are those after the event's name.
    fn parse(
        &self,
        event: &str,
        arguments: &[&RawValue],
        session: &Session,
    ) -> Result<SocketRequest>;

    /// Whether a socket needs an identity to connect, in development mode too.
    fn needs_identity(&self) -> bool {
        false
    }

    /// Whether its clients may show their token in the query of the handshake, whatever the setting.
    fn takes_query_token(&self) -> bool {
        false
    }

    /// Whether a token that names a gallery tells that its socket speaks this dialect.
    fn is_told_by_gallery(&self) -> bool {
        false
    }

    /// What a client wants to see again of an event that is refused, whyever it is.
    fn echo(&self, _event: &str, _arguments: &[&RawValue]) -> Option<Box<RawValue>> {
        None
    }

    /// What the server does for a socket as soon as its dialect is fixed.
    fn greeting(&self, _session: &Session, _opening: Opening<'_>) -> Option<SocketRequest> {
        None
    }

    /// What a client hears about its own request.
    fn answer(&self, asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer;

    /// Who of this dialect hears of an event; `None` when it has no word for it.
    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>>;

    /// Which listeners hear the event in the same words; see [`Variant`].
    fn variant(&self, _event: &Event, _listener: &Session) -> Variant {
        Variant::Shared(0)
    }

    /// Whether messages that nobody was there for come when the user does. Then it is noted how far
    /// each user was told.
    fn lets_messages_wait(&self) -> bool {
        false
    }

    /// Whether a sender is told how many users a message has reached; else they are not counted.
    fn counts_receivers(&self) -> bool {
        false
    }

    /// An event in this dialect's words, for a listener of one variant.
    fn encode(&self, event: &Event, listener: &Session) -> Option<Frame>;
}

/// The words of a dialect.
pub fn vocabulary(dialect: Dialect) -> &'static dyn Vocabulary {
    match dialect {
        Dialect::Messaging => &messaging::Messaging,
        Dialect::Gallery => &gallery::Gallery,
        Dialect::School => &school::School,
        Dialect::Direct => &direct::Direct,
        Dialect::Chatsphere => &chatsphere::Chatsphere,
        Dialect::Starter => &starter::Starter,
        Dialect::Native => &native::Native,
    }
}

/// Listeners of one variant get one frame, encoded once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// All listeners with the same number hear the same words.
    Shared(u8),
    /// This listener hears words of its own.
    Own,
}

/// How a socket came to its dialect.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// Whether it was fixed at the handshake, and not by the first event.
    pub at_handshake: bool,
    /// What the handshake said the client has.
    pub since: Option<&'a RawValue>,
}

/// A request, as far as its answer depends on it.
pub struct Asked<'a> {
    /// The word it was asked with.
    pub word: &'a str,
    /// What the client wants to see again.
    pub echo: Option<&'a RawValue>,
    /// Who asked.
    pub session: &'a Session,
    /// Whether an acknowledgement was asked for.
    pub wants_ack: bool,
}

impl Asked<'_> {
    /// An acknowledgement that is too long to be written for nobody: most front ends ask for none.
    fn acknowledge(&self, body: &impl Serialize) -> Option<Box<RawValue>> {
        self.wants_ack.then(|| encode_json(body))
    }
}

/// One event on its way to a client: name and single argument.
pub struct Frame {
    /// Event name.
    pub name: &'static str,
    /// Its argument, as JSON.
    pub body: Box<RawValue>,
}

impl Frame {
    fn new(name: &'static str, body: &(impl Serialize + ?Sized)) -> Self {
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
    /// The argument of the acknowledgement; `None` only where none was asked for.
    pub ack: Option<Box<RawValue>>,
}

impl Answer {
    /// Nothing but an acknowledgement.
    fn silent(ack: &impl Serialize) -> Self {
        Self {
            events: Vec::new(),
            ack: Some(encode_json(ack)),
        }
    }

    /// A refusal without an event, in the words of the error.
    fn refused(error: &Error) -> Self {
        Self {
            events: Vec::new(),
            ack: Some(refusal(error, &error.to_string())),
        }
    }
}

/// Who hears of an event: the union of all places.
pub struct Audience<'a> {
    /// Sockets that listen to this conversation.
    pub conversation: Option<&'a ConversationId>,
    /// Sockets that listen for these users.
    pub users: [Option<&'a UserId>; 2],
    /// Sockets that listen for the users who are members of a room.
    pub members: Option<&'a HashMap<UserId, ParticipantRole>>,
    /// Sockets that listen for these users, whose number is not fixed.
    pub peers: &'a [UserId],
    /// Sockets that listen for these galleries.
    pub galleries: [Option<&'a GalleryId>; 2],
    /// Every socket of the dialect.
    pub everybody: bool,
    /// Undecided sockets of nobody in particular, too.
    pub strangers: bool,
    /// Not this socket.
    pub except: Option<SessionId>,
    /// Not the sockets of this user.
    pub except_user: Option<&'a UserId>,
    /// Not sockets that asked not to be told of this conversation.
    pub unless_muted: Option<&'a ConversationId>,
    /// The dialect that caused it, which undecided sockets hear too.
    pub cause: Dialect,
}

impl Audience<'_> {
    /// Nobody yet.
    fn of(cause: Dialect) -> Self {
        Self {
            conversation: None,
            users: [None, None],
            members: None,
            peers: &[],
            galleries: [None, None],
            everybody: false,
            strangers: false,
            except: None,
            except_user: None,
            unless_muted: None,
            cause,
        }
    }
}

/// The dialect that an undecided socket speaks, judging by one event.
pub fn infer(event: &str, arguments: &[&RawValue]) -> Option<Dialect> {
    let is_typical = |dialect: &Dialect| vocabulary(*dialect).is_typical(event, arguments);
    Dialect::ALL.into_iter().find(is_typical)
}

/// The dialect of a socket whose token names a gallery.
pub fn infer_from_gallery() -> Option<Dialect> {
    let is_told = |dialect: &Dialect| vocabulary(*dialect).is_told_by_gallery();
    Dialect::ALL.into_iter().find(is_told)
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
