//! What nodes tell each other, as it goes over the bus.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, GalleryId, MessageId, PartyId, UserId};

use super::{Moved, RosterNews};
use crate::chat::changes::Reason;
use crate::chat::{Dialect, Event, LobbyEvent};
use crate::store::{ChangedMessage, MessageRow, ReactionRow, ReadOutcome};

/// No conversation comes further: what clients count with ends there (2^53).
const MAX_POSITION: i64 = 1 << 53;

/// Something that happened on a node, for the others.
#[derive(Debug, Serialize, Deserialize)]
pub enum News {
    /// A message was stored.
    Message {
        /// The row.
        #[serde(with = "Row")]
        row: MessageRow,
        /// The transaction that last changed who takes part.
        facts_in: i64,
        /// What the sender wants to see again.
        echo: Option<Box<RawValue>>,
        /// Whether a socket sent it, and not a REST call.
        by_socket: bool,
        /// The dialect it was sent in.
        dialect: Dialect,
    },
    /// A message was changed.
    Changed {
        /// The row.
        #[serde(with = "Row")]
        row: MessageRow,
        /// The last message of its conversation at that time.
        last_seq: i64,
        /// The transaction that last changed who takes part.
        facts_in: i64,
        /// The reactions to it.
        reactions: Vec<ReactionRow>,
        /// The reaction that was put on it or taken away, if it was one.
        emoji: Option<String>,
    },
    /// A conversation has come as far as that: more than this is to be read from the database.
    Moved(Moved),
    /// Somebody read a conversation.
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// Whose marker it is.
        party: PartyId,
        /// Who read it.
        reader: UserId,
        /// What that changed.
        outcome: ReadOutcome,
        /// The dialect it was said in.
        dialect: Dialect,
    },
    /// Somebody types, or stopped.
    Typing {
        /// The dialect.
        dialect: Dialect,
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Whether they still do.
        is_typing: bool,
    },
    /// The host application wants something heard as it is.
    Relayed {
        /// The conversation.
        conversation: ConversationId,
        /// Who receives it, if the host says so.
        receiver: Option<UserId>,
        /// The message, word for word.
        message: Box<RawValue>,
    },
    /// Who takes part in a conversation has changed, or what is known about it.
    Facts(ConversationId),
    /// A conversation is no longer somebody's.
    Parted {
        /// Which.
        conversation: ConversationId,
        /// Whose.
        user: UserId,
        /// Why.
        reason: Reason,
    },
    /// Who is there.
    Roster(RosterNews),
    /// What is known about a user has changed.
    Profile(UserId),
    /// A user was moved to another gallery, or to none.
    Gallery {
        /// The number of the change; 0 from a server that does not say it.
        #[serde(default)]
        number: i64,
        /// Who.
        user: UserId,
        /// From which.
        old: Option<GalleryId>,
        /// To which.
        new: Option<GalleryId>,
    },
    /// Somebody read a message of the public chat.
    LobbyRead {
        /// Who wrote it.
        author: UserId,
        /// The message.
        message: MessageId,
        /// The name of who read it.
        reader: String,
    },
    /// Somebody of the public chat types, or stopped.
    LobbyTyping {
        /// The socket.
        socket_id: String,
        /// Whether it still does.
        is_typing: bool,
    },
    /// The rooms of the public chat.
    LobbyRooms(Vec<String>),
}

impl News {
    /// What the others are to hear of an event of this node; `None` for what concerns this node alone
    /// or comes from another one.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Message {
                message,
                echo,
                origin,
                dialect,
            } => Self::Message {
                row: (*message.row).clone(),
                facts_in: message.facts_in,
                echo: echo.clone(),
                by_socket: origin.is_some(),
                dialect: *dialect,
            },
            Event::Read {
                conversation,
                party,
                reader,
                outcome,
                dialect,
                ..
            } => Self::Read {
                conversation: conversation.clone(),
                party: party.clone(),
                reader: reader.clone(),
                outcome: *outcome,
                dialect: *dialect,
            },
            Event::Typing {
                dialect,
                conversation,
                typist,
                is_typing,
                except: Some(_),
                ..
            } => Self::Typing {
                dialect: *dialect,
                conversation: conversation.clone(),
                user: typist.id.clone(),
                is_typing: *is_typing,
            },
            Event::Relayed {
                conversation,
                receiver,
                message,
            } => Self::Relayed {
                conversation: conversation.clone(),
                receiver: receiver.clone(),
                message: message.clone(),
            },
            Event::Lobby(LobbyEvent::Read {
                author,
                message,
                reader,
            }) => Self::LobbyRead {
                author: author.clone(),
                message: message.clone(),
                reader: reader.to_string(),
            },
            Event::Lobby(LobbyEvent::Rooms { names, .. }) => Self::LobbyRooms(names.clone()),
            Event::Lobby(LobbyEvent::Typing {
                typist: Some(typist),
                ..
            }) => Self::LobbyTyping {
                socket_id: typist.socket_id.clone(),
                is_typing: typist.is_typing,
            },
            _ => return None,
        })
    }

    /// That a message was changed.
    pub fn of_change(changed: &ChangedMessage, emoji: Option<String>) -> Self {
        Self::Changed {
            row: (*changed.row).clone(),
            last_seq: changed.last_seq,
            facts_in: changed.facts_in,
            reactions: changed.reactions.clone(),
            emoji,
        }
    }

    /// Whether it speaks of places that there may be in a conversation. What counts on from other ones would
    /// come to no good end.
    pub fn is_plausible(&self) -> bool {
        let may_be = |numbers: &[i64]| numbers.iter().all(|n| (0..=MAX_POSITION).contains(n));
        match self {
            Self::Message { row, facts_in, .. } => may_be(&[row.rev, row.seq, *facts_in]),
            Self::Changed {
                row,
                last_seq,
                facts_in,
                ..
            } => may_be(&[row.rev, row.seq, *last_seq, *facts_in]),
            Self::Moved(at) => may_be(&[at.rev, at.seq, at.facts_in]),
            Self::Read { outcome, .. } => may_be(&[outcome.up_to]),
            _ => true,
        }
    }

    /// As much of it as always fits: where to look for it. `None` for what is soon over, or in no
    /// database.
    pub fn hint(&self) -> Option<Self> {
        let (row, seq, facts_in) = match self {
            Self::Message { row, facts_in, .. } => (row, row.seq, *facts_in),
            Self::Changed {
                row,
                last_seq,
                facts_in,
                ..
            } => (row, *last_seq, *facts_in),
            _ => return None,
        };
        Some(Self::Moved(Moved {
            conversation: row.conversation_id.clone(),
            rev: row.rev,
            seq,
            facts_in,
        }))
    }
}

/// A row of `message`, column by column.
#[derive(Serialize, Deserialize)]
#[serde(remote = "MessageRow")]
struct Row {
    id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    rev: i64,
    sender_id: UserId,
    sender_party: Option<PartyId>,
    client_id: Option<String>,
    kind: String,
    content: Option<String>,
    file_url: Option<String>,
    file_name: Option<String>,
    file_size: Option<i64>,
    file_type: Option<String>,
    metadata: Option<serde_json::Value>,
    reply_to: Option<MessageId>,
    read_at: Option<DateTime<Utc>>,
    read_by: Option<UserId>,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
    /// This and the next: only the database's own indexes need them.
    #[serde(skip)]
    room_sender_id: Option<UserId>,
    #[serde(skip)]
    is_changed: bool,
}
