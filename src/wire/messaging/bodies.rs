//! Objects that clients of this dialect see.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chat::{Message, Profile};
use crate::wire::ids::{NumericId, Time};

/// A message: sixteen keys, `seq` and `rev`, and the client's temporary id where it belongs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody<'a> {
    id: NumericId<'a>,
    conversation_id: NumericId<'a>,
    sender_id: NumericId<'a>,
    receiver_id: Option<NumericId<'a>>,
    content: Option<&'a str>,
    r#type: &'a str,
    file_url: Option<&'a str>,
    file_name: Option<&'a str>,
    file_size: Option<i64>,
    file_type: Option<&'a str>,
    read: bool,
    read_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    sender: PersonBody<'a>,
    receiver: Option<PersonBody<'a>>,
    seq: i64,
    rev: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    temp_id: Option<&'a RawValue>,
}

impl<'a> MessageBody<'a> {
    /// A message as clients see it, with the temporary id of its sender where one belongs.
    pub fn new(message: &'a Message, temp_id: Option<&'a RawValue>) -> Self {
        let row = &*message.row;
        let receiver = message.receiver.as_deref();
        let changes = [row.edited_at, row.deleted_at, row.read_at];
        let updated_at = changes.into_iter().flatten().max();
        Self {
            id: NumericId(row.id.as_str()),
            conversation_id: NumericId(row.conversation_id.as_str()),
            sender_id: NumericId(row.sender_id.as_str()),
            receiver_id: receiver.map(|receiver| NumericId(receiver.id.as_str())),
            content: row.content.as_deref(),
            r#type: &row.kind,
            file_url: row.file_url.as_deref(),
            file_name: row.file_name.as_deref(),
            file_size: row.file_size,
            file_type: row.file_type.as_deref(),
            read: row.read_at.is_some(),
            read_at: row.read_at.map(Time),
            created_at: Time(row.created_at),
            updated_at: Time(updated_at.unwrap_or(row.created_at)),
            sender: PersonBody::from(&*message.sender),
            receiver: receiver.map(PersonBody::from),
            seq: row.seq,
            rev: row.rev,
            temp_id,
        }
    }
}

/// One side of a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonBody<'a> {
    id: NumericId<'a>,
    full_name: Option<&'a str>,
    profile_picture: Option<&'a str>,
}

impl<'a> From<&'a Profile> for PersonBody<'a> {
    fn from(profile: &'a Profile) -> Self {
        Self {
            id: NumericId(profile.id.as_str()),
            full_name: profile.name.as_deref(),
            profile_picture: profile.avatar_url.as_deref(),
        }
    }
}
