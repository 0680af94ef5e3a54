//! What clients of this dialect say.

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use super::SECOND_SPELLING;
use crate::chat::{Channel, Draft, Request, Session, SocketRequest, Target};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

/// Every word of this dialect.
pub const WORDS: [&str; 6] = [
    "join",
    "join_room",
    "message",
    "new_message",
    "leave",
    "leave_room",
];

/// Messages that a room shows to who joins it.
const N_SHOWN: u32 = 50;

/// What front ends send to keep a connection open; never a text, in no spelling.
const HEARTBEATS: [&str; 4] = ["ping", "pong", "heartbeat", "keepalive"];

const NO_ROOM: Error = Error::InvalidPayload("roomId is required");
const BAD_USER: Error = Error::InvalidPayload("userId is invalid");
const NO_TEXT: Error = Error::InvalidPayload("content is required");
/// Told to nobody but whoever asked for an acknowledgement.
pub const NOT_JOINED: Error = Error::NotFound("Join a room first");

/// Whether an event tells that its socket speaks this dialect (contract/README.md, section 2).
pub fn is_typical(event: &str, arguments: &[&RawValue]) -> bool {
    let object = || arguments.first().and_then(|value| Object::parse(value));
    let names_room = || object().is_some_and(|object| object.get("roomId").is_some());
    matches!(event, "join" | "message") && names_room()
}

/// Reads an event. Which room is meant, and whether an unknown word is a text, depends on what the
/// socket joined last.
pub fn parse(event: &str, arguments: &[&RawValue], session: &Session) -> Result<SocketRequest> {
    let object = arguments.first().and_then(|value| Object::parse(value));
    let is_bare = object
        .as_ref()
        .is_some_and(|object| object.names().all(|name| name == "type"));
    let object = object.unwrap_or_default();
    match event {
        "join" => open("join", &object),
        "join_room" => open("join_room", &object),
        "message" => send("message", &object, session),
        "new_message" => send("new_message", &object, session),
        "leave" | "leave_room" => leave(&object, session),
        // One public front end sends its text in the place of the word.
        text if is_bare && is_text(text, session) => {
            let target = Target::Conversation(session.room().ok_or(NOT_JOINED)?);
            let draft = Draft {
                content: Some(checked(text)?),
                ..Draft::new(target, Channel::Socket)
            };
            Ok(SocketRequest::new(
                "new_message",
                Request::Send(Box::new(draft)),
            ))
        }
        _ => Err(Error::unknown_event(event)),
    }
}

fn is_text(word: &str, session: &Session) -> bool {
    let is_second = session.spelling() == SECOND_SPELLING;
    is_second && !word.is_empty() && !HEARTBEATS.contains(&word)
}

fn checked(text: &str) -> Result<String> {
    match text.contains('\0') {
        true => Err(NO_TEXT),
        false => Ok(text.to_owned()),
    }
}

/// The word that joins decides on the spelling from here on.
fn open(word: &'static str, object: &Object) -> Result<SocketRequest> {
    let conversation = room(object)?.ok_or(NO_ROOM)?;
    let user = object.id("userId").map_err(|_| BAD_USER)?;
    let user = user.map(UserId::from);
    let request = Request::OpenConversation {
        conversation,
        user,
        n_messages: N_SHOWN,
        spelling: if word == "join" { 0 } else { SECOND_SPELLING },
    };
    Ok(SocketRequest::new(word, request))
}

fn leave(object: &Object, session: &Session) -> Result<SocketRequest> {
    let conversation = room(object)?.or_else(|| session.room()).ok_or(NOT_JOINED)?;
    let request = Request::LeaveConversation { conversation };
    Ok(SocketRequest::new("leave", request))
}

/// Without a room the one that is joined is meant; who has joined none is not heard at all.
fn send(word: &'static str, object: &Object, session: &Session) -> Result<SocketRequest> {
    let joined = session.room().ok_or(NOT_JOINED)?;
    let target = Target::Conversation(room(object)?.unwrap_or(joined));
    let draft = Draft {
        sender: object.id("userId")?.map(UserId::from),
        content: Some(object.text("content")?.ok_or(NO_TEXT)?),
        client_id: json::client_id(object)?,
        ..Draft::new(target, Channel::Socket)
    };
    Ok(SocketRequest::new(word, Request::Send(Box::new(draft))))
}

fn room(object: &Object) -> Result<Option<ConversationId>> {
    let id = object.id("roomId").map_err(|_| NO_ROOM)?;
    Ok(id.map(ConversationId::from))
}

#[cfg(test)]
mod tests;
