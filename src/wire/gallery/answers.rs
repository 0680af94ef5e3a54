//! What a client hears about its own requests.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chat::Reply;
use crate::error::{Error, Result};
use crate::wire::{Answer, Asked, Frame, encode_json, refusal};

/// What a caller is told who is no party of a room, whether there is such a room or not.
const DENIED: Error = Error::Forbidden("Access denied");

/// The answer to a request. Only joining has an event of its own, which comes every time.
pub fn answer(asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
    match outcome {
        Ok(Reply::Conversation(id)) => Answer {
            events: confirmation(asked, None),
            ack: Some(encode_json(&Done {
                ok: true,
                room_id: Some(id.as_str()),
            })),
        },
        Ok(_) => Answer::silent(&Done {
            ok: true,
            room_id: None,
        }),
        Err(error) => {
            let error = told(asked, error);
            let text = match error {
                Error::Internal if asked.word == "join_room" => "Server error".to_owned(),
                ref error => error.to_string(),
            };
            Answer {
                events: confirmation(asked, Some(&text)),
                ack: Some(refusal(&error, &text)),
            }
        }
    }
}

/// What is said of an error here. Joining has one text for everything that is our fault.
fn told(asked: &Asked<'_>, error: &Error) -> Error {
    match error {
        Error::NotFound(_) | Error::Forbidden(_) | Error::Unauthenticated(_) => DENIED,
        Error::Unavailable { .. } if asked.word == "join_room" => Error::Internal,
        error => error.clone(),
    }
}

/// `room_joined`, after `join_room` only.
fn confirmation(asked: &Asked<'_>, error: Option<&str>) -> Vec<Frame> {
    let joined = RoomJoined {
        room_id: asked.echo,
        success: error.is_none(),
        error,
    };
    let is_join = asked.word == "join_room";
    let frame = is_join.then(|| Frame::new("room_joined", &joined));
    frame.into_iter().collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoomJoined<'a> {
    room_id: Option<&'a RawValue>,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}
