//! Objects that clients of this dialect see.

use serde::Serialize;

use crate::chat::{Message, Profile};
use crate::wire::ids::Time;

/// A message: seven keys, `seq` and `rev`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody<'a> {
    id: &'a str,
    content: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
    user_id: &'a str,
    room_id: &'a str,
    user: UserBody<'a>,
    seq: i64,
    rev: i64,
}

impl<'a> MessageBody<'a> {
    /// A message as clients see it. One that was deleted elsewhere has no text.
    pub fn new(message: &'a Message) -> Self {
        let row = &*message.row;
        let changes = [row.edited_at, row.deleted_at];
        let updated_at = changes.into_iter().flatten().max();
        let content = row.content.as_deref();
        Self {
            id: row.id.as_str(),
            content: content.filter(|_| row.deleted_at.is_none()),
            created_at: Time(row.created_at),
            updated_at: Time(updated_at.unwrap_or(row.created_at)),
            user_id: row.sender_id.as_str(),
            room_id: row.conversation_id.as_str(),
            user: UserBody::from(&*message.sender),
            seq: row.seq,
            rev: row.rev,
        }
    }
}

/// Who wrote a message, or takes part in a room.
#[derive(Serialize)]
pub struct UserBody<'a> {
    id: &'a str,
    username: &'a str,
}

impl<'a> From<&'a Profile> for UserBody<'a> {
    fn from(profile: &'a Profile) -> Self {
        Self {
            id: profile.id.as_str(),
            username: username(profile),
        }
    }
}

/// The unique name; people who came by another dialect have none, and show another one.
pub fn username(profile: &Profile) -> &str {
    let name = profile.username.as_ref().or(profile.name.as_ref());
    name.map_or(profile.id.as_str(), String::as_str)
}

/// A message in the second spelling: who wrote it stands beside the text too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedMessage<'a> {
    #[serde(flatten)]
    message: MessageBody<'a>,
    username: &'a str,
    user_image: Option<&'a str>,
}

impl<'a> NamedMessage<'a> {
    /// A message as clients of the second spelling see it. Nobody has a picture in this dialect.
    pub fn new(message: &'a Message) -> Self {
        Self {
            message: MessageBody::new(message),
            username: username(&message.sender),
            user_image: None,
        }
    }
}

/// `{message}`
#[derive(Serialize)]
pub struct NewMessage<'a> {
    /// The message.
    pub message: MessageBody<'a>,
}

/// `{message, ...}`: in the second spelling its fields stand at the top too.
#[derive(Serialize)]
pub struct SpreadMessage<'a> {
    message: MessageBody<'a>,
    #[serde(flatten)]
    fields: NamedMessage<'a>,
}

impl<'a> SpreadMessage<'a> {
    /// A message that was stored just now.
    pub fn new(message: &'a Message) -> Self {
        Self {
            message: MessageBody::new(message),
            fields: NamedMessage::new(message),
        }
    }
}
