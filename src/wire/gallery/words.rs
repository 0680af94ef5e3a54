//! What clients of this dialect say.

use serde_json::value::{RawValue, to_raw_value};
use sohbet_entity::ids::ConversationId;

use crate::chat::{Request, SocketRequest};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

/// Every word of this dialect.
pub const WORDS: [&str; 4] = ["join_room", "leave_room", "typing_start", "typing_stop"];

/// Whether an event tells that its socket speaks this dialect (contract/README.md, section 2).
pub fn is_typical(event: &str, arguments: &[&RawValue]) -> bool {
    match event {
        "typing_start" | "typing_stop" => true,
        "join_room" | "leave_room" => {
            arguments
                .first()
                .is_some_and(|argument| match argument.get().as_bytes().first() {
                    Some(b'"' | b'-' | b'0'..=b'9') => true,
                    _ => {
                        let object = Object::parse(argument);
                        object.is_some_and(|object| object.get("roomId").is_some())
                    }
                })
        }
        _ => false,
    }
}

/// Reads an event. A room is named by its id, alone or as `roomId` of an object.
pub fn parse(event: &str, arguments: &[&RawValue]) -> Result<SocketRequest> {
    let word = *WORDS
        .iter()
        .find(|word| **word == event)
        .ok_or_else(|| Error::unknown_event(event))?;
    let conversation = room(arguments.first().copied())?;
    // What is answered shows the id as text, however it came.
    let echo = to_raw_value(&conversation).ok();
    let request = match word {
        "join_room" => Request::JoinConversation { conversation },
        "leave_room" => Request::LeaveConversation { conversation },
        typing => Request::SetTyping {
            conversation,
            user: None,
            is_typing: typing == "typing_start",
        },
    };
    Ok(SocketRequest {
        echo,
        ..SocketRequest::new(word, request)
    })
}

fn room(argument: Option<&RawValue>) -> Result<ConversationId> {
    let missing = Error::InvalidPayload("roomId is required");
    let id = argument.map(|argument| match Object::parse(argument) {
        Some(object) => object.id("roomId"),
        None => json::id(argument),
    });
    match id {
        Some(Ok(Some(id))) => Ok(id.into()),
        _ => Err(missing),
    }
}

#[cfg(test)]
mod tests;
