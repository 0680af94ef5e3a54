//! REST bodies of this dialect.

use serde::Serialize;
use serde_json::value::RawValue;
use sohbet_entity::ids::{MessageId, UserId};

use super::{Person, words};
use crate::chat::{Channel, Draft, Message};
use crate::error::{Error, Result};
use crate::wire::ids::{NumericId, Time};
use crate::wire::json::{self, Object};

/// Messages that one call can mark read.
const MAX_MARKED: usize = 1_000;

/// Reads the body of `POST /api/messages/send`.
pub fn parse_message(body: &RawValue) -> Result<Draft> {
    let missing = Error::InvalidPayload("Missing required fields");
    let object = Object::parse(body).ok_or(missing)?;
    words::draft(&object, Channel::Rest)
}

/// Reads the body of `PATCH /api/messages/mark-read`.
pub fn parse_marked(body: &RawValue) -> Result<Vec<MessageId>> {
    let missing = Error::InvalidPayload("messageIds array is required");
    let object = Object::parse(body).ok_or(missing.clone())?;
    let ids = object.get("messageIds").ok_or(missing.clone())?;
    let ids: Vec<&RawValue> = serde_json::from_str(ids.get()).map_err(|_| missing.clone())?;
    if ids.len() > MAX_MARKED {
        return Err(Error::TooLarge("Too many messages"));
    }
    let id = |value: &RawValue| json::id(value).ok().flatten().map(MessageId::from);
    ids.into_iter()
        .map(id)
        .collect::<Option<_>>()
        .ok_or(missing)
}

/// `{success:true, messages:[...]}`
#[derive(Serialize)]
pub struct MessagesBody<'a> {
    success: bool,
    messages: Vec<NamedMessage<'a>>,
}

/// A message with the name of its author: seven keys, `seq` and `rev`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedMessage<'a> {
    id: &'a str,
    sender_id: NumericId<'a>,
    recipient_id: NumericId<'a>,
    content: Option<&'a str>,
    timestamp: Time,
    sender_name: String,
    sender_role: &'a str,
    seq: i64,
    rev: i64,
}

impl<'a> MessagesBody<'a> {
    /// Messages in the given order.
    pub fn new(messages: &'a [Message]) -> Self {
        Self {
            success: true,
            messages: messages.iter().map(NamedMessage::new).collect(),
        }
    }
}

impl<'a> NamedMessage<'a> {
    fn new(message: &'a Message) -> Self {
        let row = &*message.row;
        let (sender, recipient) = people(message);
        Self {
            id: row.id.as_str(),
            sender_id: sender.shown_id(),
            recipient_id: recipient.shown_id(),
            content: row.content.as_deref(),
            timestamp: Time(row.created_at),
            sender_name: sender.name(&message.sender),
            sender_role: sender.role,
            seq: row.seq,
            rev: row.rev,
        }
    }
}

/// `{success:true, filteredMessages:[...]}`, without the list for strangers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DebugBody<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    filtered_messages: Option<Vec<DebugMessage<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DebugMessage<'a> {
    id: &'a str,
    sender_id: NumericId<'a>,
    sender_role: &'a str,
    recipient_id: NumericId<'a>,
    recipient_role: &'a str,
    content: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
    is_read: bool,
    seq: i64,
    rev: i64,
}

impl<'a> DebugBody<'a> {
    /// The messages of a pair; `None` for whoever is not one of the two.
    pub fn new(messages: Option<&'a [Message]>) -> Self {
        Self {
            success: true,
            filtered_messages: messages
                .map(|messages| messages.iter().map(DebugMessage::new).collect()),
        }
    }
}

impl<'a> DebugMessage<'a> {
    fn new(message: &'a Message) -> Self {
        let row = &*message.row;
        let (sender, recipient) = people(message);
        Self {
            id: row.id.as_str(),
            sender_id: sender.shown_id(),
            sender_role: sender.role,
            recipient_id: recipient.shown_id(),
            recipient_role: recipient.role,
            content: row.content.as_deref(),
            created_at: Time(row.created_at),
            updated_at: Time(row.read_at.unwrap_or(row.created_at)),
            is_read: row.read_at.is_some(),
            seq: row.seq,
            rev: row.rev,
        }
    }
}

fn people(message: &Message) -> (Person<'_>, Person<'_>) {
    let receiver = message.receiver.as_deref().map_or("", |to| to.id.as_str());
    let sender = Person::parse(message.row.sender_id.as_str());
    (sender, Person::parse(receiver))
}

/// The teacher and the student whom a query names.
pub fn parse_pair(teacher: Option<&str>, student: Option<&str>) -> Option<(UserId, UserId)> {
    let usable = |id: &&str| !id.is_empty();
    let (teacher, student) = (teacher.filter(usable)?, student.filter(usable)?);
    let teacher = Person::user("teacher", teacher)?;
    Some((teacher, Person::user("student", student)?))
}
