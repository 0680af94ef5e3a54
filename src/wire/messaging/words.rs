//! What clients of this dialect say.

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use crate::chat::{
    Channel, ClientId, ConversationHint, Draft, File, ReadScope, Request, SocketRequest, Target,
};
use crate::error::{Error, Result};
use crate::wire::json::{self, MAX_CLIENT_ID_CHARS, Object};

/// Every word of this dialect.
pub const WORDS: [&str; 9] = [
    "send_message",
    "typing",
    "mark_read",
    "join_conversation",
    "leave_conversation",
    "join_user_room",
    "leave_user_room",
    "broadcast_new_message",
    "broadcast_messages_read",
];

const MISSING: Error = Error::InvalidPayload("Missing required fields");

/// Whether an event tells that its socket speaks this dialect (contract/README.md, section 2).
pub fn is_typical(event: &str, arguments: &[&RawValue]) -> bool {
    let names_one_of = |names: &[&str]| {
        let object = arguments.first().and_then(|value| Object::parse(value));
        object.is_some_and(|object| names.iter().any(|name| object.get(name).is_some()))
    };
    match event {
        "join_user_room"
        | "leave_user_room"
        | "join_conversation"
        | "leave_conversation"
        | "broadcast_new_message"
        | "broadcast_messages_read" => true,
        "send_message" => names_one_of(&["conversationId", "senderId", "receiverId"]),
        "typing" | "mark_read" => names_one_of(&["conversationId"]),
        _ => false,
    }
}

/// Reads an event.
pub fn parse(event: &str, arguments: &[&RawValue]) -> Result<SocketRequest> {
    let argument = arguments.first().copied();
    let word = *WORDS
        .iter()
        .find(|word| **word == event)
        .ok_or_else(|| Error::unknown_event(event))?;
    if event == "send_message" {
        return parse_send(argument);
    }
    let request = match word {
        "join_user_room" => Request::JoinUser {
            user: UserId::from(
                bare_or_member(argument, "userId")
                    .ok()
                    .flatten()
                    .ok_or(Error::InvalidPayload("User ID required"))?,
            ),
            name: None,
            wants_waiting: false,
        },
        "leave_user_room" => Request::LeaveUser,
        "join_conversation" => Request::JoinConversation {
            conversation: conversation(argument)?,
        },
        "leave_conversation" => Request::LeaveConversation {
            conversation: conversation(argument)?,
        },
        "typing" => parse_typing(argument)?,
        "mark_read" => parse_mark_read(argument)?,
        "broadcast_new_message" => parse_relayed_message(argument)?,
        "broadcast_messages_read" => {
            let object = object(argument)?;
            Request::RelayRead {
                conversation: required_id(&object, "conversationId")?.into(),
                reader: required_id(&object, "userId")?.into(),
            }
        }
        _ => return Err(Error::unknown_event(event)),
    };
    Ok(SocketRequest::new(word, request))
}

/// The temporary id of a message, in the form in which the client wrote it.
pub fn echo(event: &str, arguments: &[&RawValue]) -> Option<Box<RawValue>> {
    let object = arguments.first().copied().and_then(Object::parse);
    let object = object.filter(|_| event == "send_message")?;
    temp_id(&object).map(ToOwned::to_owned)
}

fn temp_id<'a>(object: &Object<'a>) -> Option<&'a RawValue> {
    object.get("tempId").filter(|value| is_temp_id(value))
}

fn parse_send(argument: Option<&RawValue>) -> Result<SocketRequest> {
    let object = object(argument)?;
    let temp_id = temp_id(&object);
    let draft = draft(&object, temp_id).map_err(|_| MISSING)?;
    Ok(SocketRequest {
        echo: temp_id.map(ToOwned::to_owned),
        ..SocketRequest::new("send_message", Request::Send(Box::new(draft)))
    })
}

fn draft(object: &Object, temp_id: Option<&RawValue>) -> Result<Draft> {
    let conversation = required_id(object, "conversationId")?.into();
    let sender = required_id(object, "senderId")?.into();
    let receiver = required_id(object, "receiverId")?.into();
    if object.get("tempId").is_some() && temp_id.is_none() {
        return Err(MISSING);
    }
    let contents = contents(object)?;
    let target = Target::User {
        receiver,
        conversation: ConversationHint::Wish(conversation),
    };
    Ok(Draft {
        sender: Some(sender),
        content: contents.content,
        kind: contents.kind,
        file: contents.file,
        client_id: client_id(object, temp_id)?,
        ..Draft::new(target, Channel::Socket)
    })
}

/// What a message says, however it comes in.
pub(super) struct Contents {
    pub content: Option<String>,
    pub kind: String,
    pub file: File,
}

/// Text, kind and file of a message. There must be a text or a file.
pub(super) fn contents(object: &Object) -> Result<Contents> {
    let content = object.text("content")?;
    let file = File {
        url: object.text("fileUrl")?,
        name: object.text("fileName")?,
        size: object.get("fileSize").map_or(Ok(None), file_size)?,
        media_type: object.text("fileType")?,
    };
    if content.is_none() && file.url.is_none() {
        return Err(MISSING);
    }
    let kind = object.text("type")?.unwrap_or_else(|| "text".into());
    Ok(Contents {
        content,
        kind,
        file,
    })
}

/// A size in bytes: a non-negative integer, or a text of one. An empty text is no size.
fn file_size(value: &RawValue) -> Result<Option<i64>> {
    let quoted;
    let digits = if value.get().starts_with('"') {
        quoted = json::text(value)?;
        quoted.as_str()
    } else {
        value.get()
    };
    if digits.is_empty() {
        return Ok(None);
    }
    let size: u64 = digits.parse().map_err(|_| MISSING)?;
    i64::try_from(size).map(Some).map_err(|_| MISSING)
}

/// The client's own id of a send. An explicit one counts before a temporary one.
pub(super) fn client_id(object: &Object, temp_id: Option<&RawValue>) -> Result<Option<ClientId>> {
    if let Some(id) = json::client_id(object).map_err(|_| MISSING)? {
        return Ok(Some(id));
    }
    let temp_id = temp_id.map(|value| json::text(value).unwrap_or_else(|_| value.get().into()));
    Ok(temp_id.filter(|id| !id.is_empty()).map(ClientId::Temporary))
}

/// A temporary id is a number or a text of bounded length.
pub(super) fn is_temp_id(value: &RawValue) -> bool {
    match value.get().as_bytes().first() {
        Some(b'"') => {
            let text = json::text(value);
            text.is_ok_and(|text| text.chars().count() <= MAX_CLIENT_ID_CHARS)
        }
        Some(b'-' | b'0'..=b'9') => value.get().len() <= MAX_CLIENT_ID_CHARS,
        _ => false,
    }
}

fn parse_typing(argument: Option<&RawValue>) -> Result<Request> {
    let object = object(argument)?;
    let is_typing = match object.get("isTyping").map(RawValue::get) {
        Some("true") => true,
        Some("false") | None => false,
        Some(_) => return Err(MISSING),
    };
    Ok(Request::SetTyping {
        conversation: required_id(&object, "conversationId")?.into(),
        user: object.truthy_id("userId")?.map(UserId::from),
        is_typing,
    })
}

fn parse_mark_read(argument: Option<&RawValue>) -> Result<Request> {
    let object = object(argument)?;
    Ok(Request::MarkRead {
        conversation: required_id(&object, "conversationId")?.into(),
        reader: Some(required_id(&object, "userId")?.into()),
        scope: ReadScope::All,
    })
}

fn parse_relayed_message(argument: Option<&RawValue>) -> Result<Request> {
    let object = object(argument)?;
    let message = object.get("message").ok_or(MISSING)?;
    if !message.get().starts_with('{') {
        return Err(MISSING);
    }
    Ok(Request::RelayMessage {
        conversation: required_id(&object, "conversationId")?.into(),
        receiver: object.truthy_id("receiverId")?.map(UserId::from),
        message: crate::chat::RelayedMessage(message.to_owned()),
    })
}

fn object(argument: Option<&RawValue>) -> Result<Object<'_>> {
    argument.and_then(Object::parse).ok_or(MISSING)
}

pub(super) fn required_id(object: &Object, name: &str) -> Result<String> {
    object.truthy_id(name)?.ok_or(MISSING)
}

fn conversation(argument: Option<&RawValue>) -> Result<ConversationId> {
    let id = bare_or_member(argument, "conversationId").map_err(|_| MISSING)?;
    id.map(ConversationId::from).ok_or(MISSING)
}

/// An id on its own, or as a member of an object.
fn bare_or_member(argument: Option<&RawValue>, name: &str) -> Result<Option<String>> {
    let Some(argument) = argument else {
        return Ok(None);
    };
    match Object::parse(argument) {
        Some(object) => object.truthy_id(name),
        None => json::truthy_id(argument),
    }
}

#[cfg(test)]
mod tests;
