//! What clients of this dialect say.

use serde_json::Value;
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use super::JSON_KIND;
use crate::chat::{
    Channel, ConversationHint, Draft, GroupRequest, Request, Session, SocketRequest, Target,
};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};
use crate::wire::metadata::has_nul;

/// Words that tell that a socket speaks this dialect.
pub const TYPICAL: [&str; 5] = ["chat", "groupChat", "register", "joinGroup", "leaveGroup"];
/// The ways in which front ends say who they are.
const REGISTER: [&str; 8] = [
    "register",
    "register_user",
    "addUser",
    "add-user",
    "set_user_id",
    "setup",
    "login",
    "join",
];
/// Names of one thing; the first that is there counts.
const RECIPIENT: [&str; 4] = ["recipientId", "receiverId", "to", "toUserId"];
const TEXT: [&str; 4] = ["messageContent", "message", "content", "text"];
const GROUP: [&str; 3] = ["groupId", "group_id", "room"];
const USER: [&str; 2] = ["userId", "id"];

const MISSING: Error = Error::InvalidPayload("Missing required fields");

/// Every word of this dialect.
pub fn all() -> Vec<&'static str> {
    let others = REGISTER.iter().filter(|word| !TYPICAL.contains(word));
    TYPICAL.iter().chain(others).copied().collect()
}

/// Reads an event.
pub fn parse(event: &str, arguments: &[&RawValue], session: &Session) -> Result<SocketRequest> {
    let argument = arguments.first().copied();
    if let Some(word) = REGISTER.into_iter().find(|word| *word == event) {
        let user = UserId::from(id(argument, &USER)?.1);
        let join = Request::JoinUser {
            user,
            name: None,
            wants_waiting: true,
        };
        return Ok(SocketRequest::new(word, join));
    }
    match event {
        "chat" => parse_chat(argument, session),
        "groupChat" => parse_group_chat(argument, arguments.get(1).copied()),
        "joinGroup" | "leaveGroup" => {
            let (echo, group) = id(argument, &GROUP)?;
            let group = ConversationId::from(group);
            let (word, request) = match event {
                "joinGroup" => ("joinGroup", GroupRequest::Join { group }),
                _ => ("leaveGroup", GroupRequest::Leave { group }),
            };
            Ok(SocketRequest {
                echo: Some(echo.to_owned()),
                as_guest: true,
                ..SocketRequest::new(word, Request::Group(request))
            })
        }
        _ => Err(Error::unknown_event(event)),
    }
}

fn parse_chat(argument: Option<&RawValue>, session: &Session) -> Result<SocketRequest> {
    let object = argument.and_then(Object::parse).ok_or(MISSING)?;
    let (_, recipient) = member(&object, &RECIPIENT)?;
    let mut receiver = UserId::from(recipient);
    // On one's own sockets one's own name is the id of the socket.
    if receiver.as_str() == session.socket_id
        && let Some(oneself) = session.user()
    {
        receiver = oneself;
    }
    let target = Target::User {
        receiver,
        conversation: ConversationHint::None,
    };
    let draft = draft(&object, text(&object)?, target)?;
    Ok(SocketRequest {
        as_guest: true,
        ..SocketRequest::new("chat", Request::Send(Box::new(draft)))
    })
}

/// `{groupId, messageContent}`, or a text or an object and the group after it.
fn parse_group_chat(
    argument: Option<&RawValue>,
    second: Option<&RawValue>,
) -> Result<SocketRequest> {
    let argument = argument.ok_or(MISSING)?;
    let object = Object::parse(argument);
    let (echo, group) = match (second, &object) {
        (Some(group), _) => id(Some(group), &GROUP)?,
        (None, Some(object)) => member(object, &GROUP)?,
        (None, None) => return Err(MISSING),
    };
    let target = Target::Conversation(group.into());
    let draft = match object {
        Some(object) => draft(&object, text(&object)?, target)?,
        None => draft(&Object::default(), argument, target)?,
    };
    Ok(SocketRequest {
        echo: Some(echo.to_owned()),
        as_guest: true,
        ..SocketRequest::new("groupChat", Request::Send(Box::new(draft)))
    })
}

fn text<'a>(object: &Object<'a>) -> Result<&'a RawValue> {
    let found = TEXT.into_iter().find_map(|name| object.get(name));
    found.ok_or(MISSING)
}

/// A text is kept as it is, any other JSON as its text.
fn draft(object: &Object, text: &RawValue, target: Target) -> Result<Draft> {
    let value: Value = serde_json::from_str(text.get()).map_err(|_| MISSING)?;
    let (kind, content) = match &value {
        Value::Null => return Err(MISSING),
        Value::String(text) if text.is_empty() => return Err(MISSING),
        Value::String(_) => ("text", json::text(text)?),
        other if has_nul(other) => return Err(MISSING),
        _ => (JSON_KIND, text.get().to_owned()),
    };
    Ok(Draft {
        content: Some(content),
        kind: kind.into(),
        client_id: json::client_id(object)?,
        ..Draft::new(target, Channel::Socket)
    })
}

/// The id under the first of `names` that is there, as it was written and as it is kept.
fn member<'a>(object: &Object<'a>, names: &[&str]) -> Result<(&'a RawValue, String)> {
    let written = names.iter().find_map(|name| object.get(name));
    let written = written.ok_or(MISSING)?;
    Ok((written, json::id(written)?.ok_or(MISSING)?))
}

/// An id on its own, or as a member of an object.
fn id<'a>(argument: Option<&'a RawValue>, names: &[&str]) -> Result<(&'a RawValue, String)> {
    let argument = argument.ok_or(MISSING)?;
    match Object::parse(argument) {
        Some(object) => member(&object, names),
        None => Ok((argument, json::id(argument)?.ok_or(MISSING)?)),
    }
}

#[cfg(test)]
mod tests;
