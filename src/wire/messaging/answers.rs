//! What a client hears about its own requests.

use serde::Serialize;
use serde_json::value::RawValue;
use sohbet_entity::ids::UserId;

use super::MessageBody;
use crate::chat::{Message, Reply};
use crate::error::{Error, Result};
use crate::wire::ids::NumericId;
use crate::wire::{Answer, Asked, Frame, encode_json, refusal};

/// The only texts with which `error` is sent: front ends take it for a lost connection.
const JOIN_ERRORS: [&str; 2] = ["User ID required", "Authentication error"];

/// The answer to a request.
pub fn answer(asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
    match outcome {
        Ok(Reply::JoinedUser { user, online }) => joined(asked, user, online),
        Ok(Reply::Conversation(id)) => Answer::silent(&Done {
            conversation_id: Some(NumericId(id.as_str())),
            ..Done::default()
        }),
        Ok(Reply::Sent { message, .. }) => sent(asked, message),
        Ok(Reply::Read {
            conversation,
            outcome,
            ..
        }) => Answer::silent(&Done {
            conversation_id: Some(NumericId(conversation.as_str())),
            updated_count: Some(outcome.n_marked),
            ..Done::default()
        }),
        Ok(_) => Answer::silent(&Done::default()),
        Err(error) if asked.word == "send_message" => send_failed(error, asked.echo),
        Err(error) => {
            let text = error.to_string();
            let told = (asked.word == "join_user_room" && JOIN_ERRORS.contains(&text.as_str()))
                .then(|| Frame::new("error", &ErrorBody { message: &text }));
            Answer {
                events: told.into_iter().collect(),
                ack: Some(refusal(error, &text)),
            }
        }
    }
}

/// A plain success.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<NumericId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_count: Option<u64>,
}

impl Default for Done<'_> {
    fn default() -> Self {
        Self {
            ok: true,
            conversation_id: None,
            updated_count: None,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    message: &'a str,
}

fn joined(asked: &Asked<'_>, user: &UserId, online: &[UserId]) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct OnlineUsers<'a> {
        online_users: &'a [NumericId<'a>],
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Connected<'a> {
        user_id: NumericId<'a>,
        socket_id: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ack<'a> {
        ok: bool,
        user_id: NumericId<'a>,
        socket_id: &'a str,
        online_users: &'a [NumericId<'a>],
    }
    let socket_id = &asked.session.socket_id;
    let online_users: Vec<NumericId> = online.iter().map(|id| NumericId(id.as_str())).collect();
    let user_id = || NumericId(user.as_str());
    let connected = Connected {
        user_id: user_id(),
        socket_id,
    };
    let list = OnlineUsers {
        online_users: &online_users,
    };
    Answer {
        events: vec![
            super::events::user_online(user),
            Frame::new("online_users", &list),
            Frame::new("connected", &connected),
        ],
        // The list is long, and a socket that is greeted did not ask for it.
        ack: asked.wants_ack.then(|| {
            encode_json(&Ack {
                ok: true,
                user_id: user_id(),
                socket_id,
                online_users: &online_users,
            })
        }),
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
        events: vec![Frame::new(
            "message_sent",
            &MessageBody::new(message, asked.echo),
        )],
        ack: asked.acknowledge(&Ack {
            ok: true,
            message: MessageBody::new(message, None),
            duplicate: message.duplicate,
        }),
    }
}

fn send_failed(error: &Error, echo: Option<&RawValue>) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        temp_id: Option<&'a RawValue>,
        message: &'a str,
        error: &'a str,
        code: &'a str,
    }
    let text = send_error_text(error);
    let body = Body {
        temp_id: echo,
        message: text,
        error: text,
        code: error.code(),
    };
    Answer {
        events: vec![Frame::new("message_error", &body)],
        ack: Some(refusal(error, text)),
    }
}

/// The texts of `message_error` (contract/messaging.md, section 4).
fn send_error_text(error: &Error) -> &'static str {
    match error {
        Error::InvalidPayload(_) => "Missing required fields",
        Error::Forbidden(_) | Error::Unauthenticated(_) => "Not allowed to send as this user",
        _ if *error == Error::NO_USER => "User not found",
        Error::TooLarge(_) => "Message is too long",
        Error::RateLimited { .. } => "Too many messages",
        _ => "Failed to send message",
    }
}
