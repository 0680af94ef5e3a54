//! What a client can ask for over a socket, whatever its dialect calls it.

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use super::{Ack, Draft, Event};
use crate::error::{Error, Result};

/// One thing that a client asks for.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Listen for a user.
    JoinUser {
        /// Who the payload says it is.
        user: UserId,
    },
    /// Stop listening for the user.
    LeaveUser,
    /// Listen to a conversation.
    JoinConversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Stop listening to a conversation.
    LeaveConversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Send a message.
    Send(Box<Draft>),
    /// Show that somebody types, or stopped.
    SetTyping {
        /// Where.
        conversation: ConversationId,
        /// Who, according to the payload.
        user: Option<UserId>,
        /// Whether they do.
        is_typing: bool,
    },
    /// Mark everything in a conversation read.
    MarkRead {
        /// Which.
        conversation: ConversationId,
        /// Who read it, according to the payload.
        reader: UserId,
    },
    /// Let a message be heard that the host application stored itself.
    RelayMessage {
        /// Where.
        conversation: ConversationId,
        /// Who receives it.
        receiver: Option<UserId>,
        /// The message, word for word.
        message: RelayedMessage,
    },
    /// Let it be heard that the host application marked a conversation read.
    RelayRead {
        /// Which.
        conversation: ConversationId,
        /// Who read it.
        reader: UserId,
    },
}

/// JSON text that is passed on as it is.
#[derive(Debug)]
pub struct RelayedMessage(pub Box<RawValue>);

impl PartialEq for RelayedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// A request with what its client needs to recognise the answer.
pub struct SocketRequest {
    /// What is asked.
    pub request: Request,
    /// What the client wants to see again in a confirmation.
    pub echo: Option<Box<RawValue>>,
}

/// The answer to a request that is done at once.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// It listens for the user now.
    JoinedUser {
        /// Whom.
        user: UserId,
        /// Everybody who is online, in order of coming online.
        online: Vec<UserId>,
    },
    /// It listens to the conversation, or no longer.
    Conversation(ConversationId),
    /// Done; there is nothing to say about it.
    Done,
}

/// What became of a request.
pub enum Handled {
    /// It is done, or refused.
    Now {
        /// What to answer.
        outcome: Result<Reply>,
        /// The acknowledgement, still to be given.
        ack: Option<Ack>,
        /// What others hear once that is answered.
        then: Option<Event>,
    },
    /// Delivery answers, acknowledgement included.
    Later,
}

impl Handled {
    /// Refused.
    pub(super) fn refused(error: Error, ack: Option<Ack>) -> Self {
        Self::Now {
            outcome: Err(error),
            ack,
            then: None,
        }
    }
}
