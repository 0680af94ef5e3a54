//! What the writer is asked to write, and what it says became of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UserId};

use crate::error::Error;
use crate::store::{MessageRow, ReactionRow};

/// Most reactions to one message.
pub const MAX_REACTIONS: usize = 1_000;
/// Ways in which one user may react to one message.
pub const MAX_WAYS: usize = 20;

/// A message to store. `seq` and `rev` of the row are set by the writer.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The row as it will be stored.
    pub row: MessageRow,
    /// Where its id comes from.
    pub id: NewId,
    /// Another client id under which the same send may be stored, when its window moved on since.
    pub earlier: Option<EarlierKey>,
    /// Set when the client may send the same message a second time over another channel.
    pub twin: Option<Twin>,
    /// `facts_in` of the room as it let the sender in by name; `None` where that is not what counts.
    /// Who has parted since is refused in the transaction that stores the message.
    pub admitted_in: Option<i64>,
}

/// Where the id of a new message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewId {
    /// The row has it.
    Given,
    /// A small integer, given out by the writer: asking for one elsewhere would wait for the
    /// writer's own connection.
    Number,
    /// Milliseconds since 1970, given out by the writer so that they ascend strictly, whatever the
    /// clock says, and over restarts.
    Millis,
}

/// A client id of a time window that has ended, and how old a send under it may be.
#[derive(Debug, Clone)]
pub struct EarlierKey {
    /// The client id as it was then.
    pub client_id: String,
    /// Sends stored before this moment are other messages.
    pub not_before: DateTime<Utc>,
}

/// One front end sends each message by socket and by REST at once (contract/messaging.md,
/// section 4, repeats b); the two are told apart by their channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twin {
    /// How this one came in.
    pub channel: Channel,
}

/// How a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// As a Socket.IO event.
    Socket,
    /// As a REST call.
    Rest,
}

/// A read marker to move forward.
#[derive(Debug, Clone)]
pub struct NewRead {
    /// The conversation that was read.
    pub conversation: ConversationId,
    /// Whose marker it is: the reader, or the gallery that the reader acts for.
    pub party: PartyId,
    /// Who read it.
    pub reader: UserId,
    /// How much of it was read.
    pub scope: ReadScope,
    /// The message, when it is a single one.
    pub message: Option<MessageId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A change of a message that is stored already.
#[derive(Debug, Clone)]
pub struct NewChange {
    /// The message.
    pub message: MessageId,
    /// Who changes it.
    pub by: UserId,
    /// What changes.
    pub change: Change,
    /// When.
    pub at: DateTime<Utc>,
    /// As [`NewMessage::admitted_in`], for who changes it.
    pub admitted_in: Option<i64>,
}

/// What changes about a message. A deleted message no longer changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has a reaction more or less.
    React {
        /// The reaction.
        emoji: String,
        /// Whether it is put there.
        is_added: bool,
    },
    /// It says something else.
    Edit {
        /// The text now.
        content: String,
    },
    /// What it says is gone; its place in the log stays.
    Delete,
}

/// A message after a change.
#[derive(Debug, Clone)]
pub struct ChangedMessage {
    /// The row; its `rev` is that of this change.
    pub row: Arc<MessageRow>,
    /// The last message of its conversation at that time.
    pub last_seq: i64,
    /// The reactions to it, equal ones together, of each at most [`MAX_REACTIONS`].
    pub reactions: Vec<ReactionRow>,
    /// The transaction that last changed anything of the conversation but what was said, as it was
    /// when this was committed: whoever knows it from before does not know who takes part.
    pub facts_in: i64,
    /// False when it was like that before; then it has no new `rev`.
    pub has_changed: bool,
}

/// How much of a conversation was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadScope {
    /// Everything that is committed when the marker is written.
    All,
    /// Everything up to this `seq`.
    UpTo(i64),
    /// The message with this `seq`, and no other.
    One(i64),
}

/// One hot write.
#[derive(Debug, Clone)]
pub enum Write {
    /// Store a message.
    Message(Box<NewMessage>),
    /// Change a message.
    Change(Box<NewChange>),
    /// Move a read marker.
    Read(NewRead),
}

/// A message that is on disk.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// The row.
    pub row: Arc<MessageRow>,
    /// An earlier send had stored it.
    pub duplicate: bool,
    /// What others did to it since, when it is a duplicate.
    pub reactions: Vec<ReactionRow>,
    /// As [`ChangedMessage::facts_in`]; 0 for a duplicate.
    pub facts_in: i64,
}

/// What became of a write.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The message is on disk; `duplicate` when an earlier send had put it there.
    Message(StoredMessage),
    /// The change is on disk.
    Changed(ChangedMessage),
    /// The marker is on disk.
    Read(ReadOutcome),
}

/// What a read marker changed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ReadOutcome {
    /// Messages that were unread before.
    pub n_marked: u64,
    /// Whether the marker stands further than before.
    pub has_moved: bool,
    /// The `seq` up to which was read: where the marker stands, if it has moved.
    pub up_to: i64,
    /// When they were read.
    pub at: DateTime<Utc>,
}

/// A finished write, with whatever its sender attached to it.
pub struct Done<T> {
    /// What was asked.
    pub write: Write,
    /// What became of it.
    pub outcome: Result<Outcome, Error>,
    /// What the sender attached.
    pub tag: T,
}
