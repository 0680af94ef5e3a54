//! What a client can ask for over a socket, whatever its dialect calls it, and the answers.

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::{
    Ack, DeskReply, DeskRequest, Draft, Event, GroupRequest, LobbyReply, LobbyRequest, Message,
    MessageView,
};
use crate::error::{Error, Result};
use crate::store::{ReadOutcome, ReadScope};

/// One thing that a client asks for.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Listen for a user.
    JoinUser {
        /// Who the payload says it is.
        user: UserId,
        /// The name that the client gives.
        name: Option<String>,
        /// Whether messages that nobody was there for come now.
        wants_waiting: bool,
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
    /// Listen to one room instead of the one before, and read its newest messages.
    OpenConversation {
        /// Which.
        conversation: ConversationId,
        /// Who opens it, according to the payload.
        user: Option<UserId>,
        /// At most so many messages.
        n_messages: u32,
        /// In which of the spellings of its dialect the socket is served from then on.
        spelling: u8,
    },
    /// Something about groups that people join by their id.
    Group(GroupRequest),
    /// Something in the public chat.
    Lobby(LobbyRequest),
    /// Something that only Sohbet's own dialect has a word for.
    Desk(DeskRequest),
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
    /// Mark a conversation read.
    MarkRead {
        /// Which.
        conversation: ConversationId,
        /// Who read it, according to the payload.
        reader: Option<UserId>,
        /// How much of it.
        scope: ReadScope,
    },
    /// Mark one message read.
    MarkMessageRead {
        /// Which.
        message: MessageId,
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
#[derive(Debug)]
pub struct SocketRequest {
    /// What is asked.
    pub request: Request,
    /// The word it was asked with, as the dialect writes it.
    pub word: &'static str,
    /// What the client wants to see again in a confirmation.
    pub echo: Option<Box<RawValue>>,
    /// Whether a socket without identity may ask for it, as a guest; development mode only.
    pub as_guest: bool,
    /// Whether it is the server's own, for a socket that has just come.
    pub is_greeting: bool,
}

impl SocketRequest {
    /// A request that needs nothing further.
    pub fn new(word: &'static str, request: Request) -> Self {
        Self {
            request,
            word,
            echo: None,
            as_guest: false,
            is_greeting: false,
        }
    }
}

/// The answer to a request.
#[derive(Debug)]
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
    /// It listens to the conversation, and these are its newest messages, oldest first.
    Opened {
        /// Which.
        conversation: ConversationId,
        /// The messages.
        messages: Vec<Message>,
    },
    /// Told by the public chat.
    Lobby(LobbyReply),
    /// Told by Sohbet's own dialect.
    Desk(DeskReply),
    /// The message is stored.
    Sent {
        /// The message.
        message: Message,
        /// Users of those it is for who are connected; the sender counts where it hears it too. 0 in
        /// dialects that do not ask for it.
        n_reached: usize,
    },
    /// The message is changed.
    Changed(MessageView),
    /// It is read.
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// The single message that was marked, if it was one.
        message: Option<MessageId>,
        /// What that changed.
        outcome: ReadOutcome,
    },
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
        then: Vec<Event>,
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
            then: Vec::new(),
        }
    }
}
