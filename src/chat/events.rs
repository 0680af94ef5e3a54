//! Facts that happened, on their way up to delivery.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Ack, Dialect, Message, Profile, Session, SessionId};
use crate::error::Error;

/// A fact that listeners hear of.
pub enum Event {
    /// A message was stored.
    Message {
        /// The message.
        message: Message,
        /// What the sender wants to see again on it; only REST senders of `messaging` do.
        echo: Option<Box<RawValue>>,
        /// A socket that has its own confirmation and must not hear of it twice.
        except: Option<SessionId>,
        /// The dialect it was sent in.
        dialect: Dialect,
    },
    /// Somebody read a conversation.
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// Who read it.
        reader: UserId,
        /// When.
        at: DateTime<Utc>,
        /// The other user of a direct conversation.
        other: Option<UserId>,
        /// The socket that said so and needs no event.
        except: Option<SessionId>,
        /// The dialect it was said in.
        dialect: Dialect,
    },
    /// Somebody types, or stopped.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// Who types.
        user: UserId,
        /// Whether they still do.
        is_typing: bool,
        /// The socket that said so.
        except: SessionId,
    },
    /// A socket listens for a user from now on. Its confirmation names everybody who is online at
    /// the moment it is told, so that nobody falls between the list and the events.
    Joined(Joined),
    /// A user came online.
    Online {
        /// Who.
        user: UserId,
        /// The socket that brought them; it hears of it in its own confirmation.
        except: SessionId,
    },
    /// A user's last socket is gone for good.
    Offline {
        /// Who.
        user: UserId,
    },
    /// The host application stored a message itself and wants it heard as it is.
    Relayed {
        /// The conversation.
        conversation: ConversationId,
        /// Who receives it, if the host says so.
        receiver: Option<UserId>,
        /// The message, word for word.
        message: Box<RawValue>,
    },
}

/// A socket that listens for a user from now on.
pub struct Joined {
    /// Its session.
    pub session: Arc<Session>,
    /// The user.
    pub user: UserId,
    /// The user was offline before.
    pub came_online: bool,
    /// The acknowledgement it asked for.
    pub ack: Option<Ack>,
    /// The dialect it was asked in.
    pub dialect: Dialect,
    /// Held until it is told: what the socket asks next is answered next.
    pub permit: OwnedSemaphorePermit,
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
        /// The acknowledgement it asked for.
        ack: Option<Ack>,
        /// What it wants to see again in the confirmation.
        echo: Option<Box<RawValue>>,
        /// Its place among the writes of this socket that are under way.
        permit: OwnedSemaphorePermit,
    },
    /// A REST call.
    Rest {
        /// Where the handler waits.
        reply: oneshot::Sender<Result<Receipt, Error>>,
        /// What the listeners are to see on the message.
        echo: Option<Box<RawValue>>,
    },
}

/// What delivery needs to know besides the row.
pub enum About {
    /// People of a message.
    Message {
        /// Who sent it.
        sender: Arc<Profile>,
        /// Who receives it; `None` in rooms.
        receiver: Option<Arc<Profile>>,
    },
    /// The other user of the conversation that was read.
    Read {
        /// `None` in rooms and for conversations that do not exist.
        other: Option<UserId>,
    },
}

/// The outcome of a write, for whoever asked for it.
#[derive(Debug)]
pub enum Receipt {
    /// The message is stored.
    Message(Message),
    /// A conversation is read.
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// Messages that were unread before.
        n_marked: u64,
    },
}
