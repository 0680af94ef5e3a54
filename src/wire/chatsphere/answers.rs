//! What a client hears about its own requests.

use serde::Serialize;

use super::bodies::{MessageBody, NamedMessage};
use super::words::NOT_JOINED;
use crate::chat::{Message, Reply};
use crate::error::{Error, Result};
use crate::wire::{Answer, Asked, Frame, encode_json, refusal};

/// What somebody hears about a room that is not theirs.
pub const NO_ACCESS: &str = "You don't have access to this room";
/// What an author hears of a message that was not stored.
const NOT_SAVED: &str = "Failed to save message";
/// What a joiner hears when the failure is ours.
const NOT_JOINED_NOW: &str = "Failed to join room";

/// The answer to a request.
pub fn answer(asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
    match outcome {
        Ok(Reply::Opened {
            conversation,
            messages,
        }) => opened(asked.word, conversation.as_str(), messages),
        Ok(Reply::Sent { message, .. }) => sent(asked, message),
        Ok(_) => Answer::silent(&Done { ok: true }),
        Err(error) => refused(asked, error),
    }
}

#[derive(Serialize)]
struct Done {
    ok: bool,
}

/// `join` is confirmed, and then told what was said; `join_room` is told both in one.
fn opened(word: &str, room: &str, messages: &[Message]) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Joined<'a> {
        room_id: &'a str,
    }
    #[derive(Serialize)]
    struct Previous<'a> {
        messages: &'a [MessageBody<'a>],
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct History<'a> {
        room_id: &'a str,
        messages: Vec<NamedMessage<'a>>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ack<'a> {
        ok: bool,
        room_id: &'a str,
        messages: &'a [MessageBody<'a>],
    }
    let bodies: Vec<_> = messages.iter().map(MessageBody::new).collect();
    let events = match word {
        "join" => vec![
            Frame::new("join_confirmation", &Joined { room_id: room }),
            Frame::new("previous_messages", &Previous { messages: &bodies }),
        ],
        _ => {
            let history = History {
                room_id: room,
                messages: messages.iter().map(NamedMessage::new).collect(),
            };
            vec![Frame::new("message_history", &history)]
        }
    };
    Answer {
        events,
        ack: Some(encode_json(&Ack {
            ok: true,
            room_id: room,
            messages: &bodies,
        })),
    }
}

fn sent(asked: &Asked<'_>, message: &Message) -> Answer {
    #[derive(Serialize)]
    struct Ack<'a> {
        ok: bool,
        message: MessageBody<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
    Answer {
        events: Vec::new(),
        ack: asked.acknowledge(&Ack {
            ok: true,
            message: MessageBody::new(message),
            duplicate: message.duplicate,
        }),
    }
}

fn refused(asked: &Asked<'_>, error: &Error) -> Answer {
    #[derive(Serialize)]
    struct Body<'a> {
        message: &'a str,
    }
    let (error, text) = match (asked.word, error) {
        ("leave" | "leave_room", error) if *error == NOT_JOINED => {
            return Answer::silent(&Done { ok: true });
        }
        // Who is over a budget hears it whatever was asked: plain frames have no acknowledgement.
        (_, Error::RateLimited { .. }) => (error.clone(), error.to_string()),
        ("join" | "join_room", error) => join_error(error),
        ("message" | "new_message", error) if *error != NOT_JOINED => {
            send_error(error, asked.session.is_believed())
        }
        _ => return Answer::refused(error),
    };
    Answer {
        events: vec![Frame::new("error", &Body { message: &text })],
        ack: Some(refusal(&error, &text)),
    }
}

/// The error and its text, for who wanted to join.
fn join_error(error: &Error) -> (Error, String) {
    match error {
        Error::NotFound(_) => (Error::Forbidden(NO_ACCESS), NO_ACCESS.into()),
        Error::Unavailable { .. } | Error::Internal => (error.clone(), NOT_JOINED_NOW.into()),
        _ => (error.clone(), error.to_string()),
    }
}

/// The error and its text, for who wanted to send. Where nobody is asked for a token, what is wrong
/// is never that somebody may not.
fn send_error(error: &Error, is_believed: bool) -> (Error, String) {
    match error {
        Error::Forbidden(_) if !is_believed => (error.clone(), "Forbidden".into()),
        _ if *error == Error::NO_CONVERSATION && !is_believed => {
            (Error::Forbidden(NO_ACCESS), NO_ACCESS.into())
        }
        Error::TooLarge(_) => (error.clone(), error.to_string()),
        _ => (error.clone(), NOT_SAVED.into()),
    }
}
