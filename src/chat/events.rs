//! Facts that happened, on their way up to delivery.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, PartyId, UserId};
use tokio::sync::oneshot;

use super::{
    AnswerId, Conversation, DeskEvent, Dialect, LobbyEvent, Message, News, Profile, Reply, Session,
    SessionId, Version,
};
use crate::error::Error;
use crate::store::ReadOutcome;

/// A fact that listeners hear of.
pub enum Event {
    /// A message was stored.
    Message {
        /// The message.
        message: Message,
        /// What the sender wants to see again: in a dialect's own way.
        echo: Option<Box<RawValue>>,
        /// The socket that sent it; `None` for REST.
        origin: Option<SessionId>,
        /// The dialect it was sent in.
        dialect: Dialect,
    },
    /// Somebody read a conversation.
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// Who talks in it; `None` when it does not exist.
        known: Option<Arc<Conversation>>,
        /// Whose marker it is: the reader, or the gallery that the reader acts for.
        party: PartyId,
        /// Who read it.
        reader: UserId,
        /// What that changed.
        outcome: ReadOutcome,
        /// The socket that said so; `None` for REST and relayed ones.
        origin: Option<SessionId>,
        /// The dialect it was said in.
        dialect: Dialect,
    },
    /// Somebody types, or stopped. Heard in the same dialect only.
    Typing {
        /// The dialect.
        dialect: Dialect,
        /// The conversation.
        conversation: ConversationId,
        /// Who talks in it; `None` when it does not exist.
        known: Option<Arc<Conversation>>,
        /// Who types.
        typist: Arc<Profile>,
        /// Whether they still do.
        is_typing: bool,
        /// The socket that said so; `None` when it is on another node.
        except: Option<SessionId>,
    },
    /// A user came online in a dialect, or is gone from it for good.
    Presence {
        /// The dialect.
        dialect: Dialect,
        /// Who.
        user: UserId,
        /// Whether they are there.
        is_online: bool,
        /// The socket that brought them; it hears of it in its own confirmation.
        except: Option<SessionId>,
        /// Who is told, in dialects in which only acquaintances are.
        peers: Vec<UserId>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Something happened in the public chat.
    Lobby(LobbyEvent),
    /// Something happened that only Sohbet's own dialect has words for.
    Desk(DeskEvent),
    /// An answer that has its place among what others do.
    Answer(Answering),
    /// Something that other nodes have to know, and nobody here.
    Elsewhere(Box<News>),
    /// The host application stored a message itself and wants it heard as it is.
    Relayed {
        /// The conversation.
        conversation: ConversationId,
        /// Who receives it, if the host says so.
        receiver: Option<UserId>,
        /// The message, word for word.
        message: Box<RawValue>,
    },
    /// Something that not all who listen hear now.
    Partly {
        /// Who does.
        to: Follows,
        /// What they hear.
        event: Box<Event>,
    },
}

/// How a client follows a conversation. A message that has changed before it was told has its place by
/// the one and by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// By `rev`, change by change.
    Changes,
    /// By `seq`, message by message.
    Messages,
}

impl Event {
    /// Who takes part where it happened, if it is about a message.
    pub fn conversation(&self) -> Option<&Arc<Conversation>> {
        match self {
            Self::Message { message, .. } => Some(&message.conversation),
            Self::Desk(DeskEvent::MessageChanged { conversation, .. }) => Some(conversation),
            Self::Partly { event, .. } => event.conversation(),
            _ => None,
        }
    }

    /// As [`Event::conversation`], to put another in its place.
    pub fn conversation_mut(&mut self) -> Option<&mut Arc<Conversation>> {
        match self {
            Self::Message { message, .. } => Some(&mut message.conversation),
            Self::Desk(DeskEvent::MessageChanged { conversation, .. }) => Some(conversation),
            Self::Partly { event, .. } => event.conversation_mut(),
            _ => None,
        }
    }

    /// Whether a client that does not keep up is better off without it. That somebody stopped typing
    /// is always told, or it would look for ever as if they went on.
    pub fn is_volatile(&self) -> bool {
        matches!(
            self,
            Self::Typing {
                is_typing: true,
                ..
            }
        )
    }
}

/// An answer that delivery gives, so that it fits the events around it: who is online fits the
/// comings and goings, a page of messages fits the live ones.
pub struct Answering {
    /// Who asked.
    pub session: Arc<Session>,
    /// The answer that it waits for.
    pub answer: AnswerId,
    /// What to answer.
    pub reply: Reply,
    /// The dialect it was asked in.
    pub dialect: Dialect,
    /// Messages that are told right after the answer, as if they came in now.
    pub replay: Vec<Message>,
    /// Messages that the answer holds: of those that were held back, these are not told again.
    pub told: Vec<Version>,
    /// What others hear once that is answered.
    pub then: Vec<Event>,
    /// Batches of the writer that are told first: the answer may hold messages of theirs.
    pub n_before: u64,
}

/// What travels through the writer with a write.
pub struct Tag {
    /// Who waits for the outcome.
    pub origin: Origin,
    /// What delivery needs to tell others.
    pub about: About,
    /// What is heard before it: a message ends its author's typing.
    pub before: Option<Event>,
    /// The dialect it was asked in.
    pub dialect: Dialect,
}

/// Who waits for the outcome of a write.
pub enum Origin {
    /// A socket.
    Socket {
        /// Its session.
        session: Arc<Session>,
        /// The answer that it waits for.
        answer: AnswerId,
    },
    /// A REST call, or a request of a socket that goes on when it knows the outcome.
    Rest {
        /// Where the handler waits.
        reply: oneshot::Sender<Result<Reply, Error>>,
        /// The socket, if it is one.
        asker: Option<SessionId>,
        /// What the listeners are to see on the message.
        echo: Option<Box<RawValue>>,
    },
}

impl Origin {
    /// The socket that waits, if it is one.
    pub fn asker(&self) -> Option<SessionId> {
        match self {
            Self::Socket { session, .. } => Some(session.id),
            Self::Rest { asker, .. } => *asker,
        }
    }

    /// What its client wants to see again.
    pub fn echo(&self) -> Option<Box<RawValue>> {
        match self {
            Self::Socket { session, answer } => session.echo_of(*answer),
            Self::Rest { echo, .. } => echo.clone(),
        }
    }
}

/// What delivery needs to know besides the row.
pub enum About {
    /// People of a message.
    Message {
        /// Who sent it.
        sender: Arc<Profile>,
        /// Who receives it; `None` in rooms.
        receiver: Option<Arc<Profile>>,
        /// Where it is said.
        conversation: Arc<Conversation>,
    },
    /// Who talks in the conversation that was read; `None` when it does not exist.
    Read {
        /// The conversation.
        known: Option<Arc<Conversation>>,
    },
}
