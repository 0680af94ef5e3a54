//! Dialect `school` (contract/school.md): teachers and students, one to one. A person is an id and
//! a role; in the store and in other dialects that is `teacher:7`.

mod bodies;
mod words;

pub mod rest;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Opening, Vocabulary, encode_json, refusal};
use crate::chat::{Event, Message, Reply, Request, Session, SocketRequest};
use crate::error::{Error, Result};
use bodies::MessageBody;
pub use bodies::Person;

/// What an author hears of a message that was not stored.
const SEND_FAILED: &str = "Failed to send message";
/// What somebody hears who says to be somebody else.
const UNAUTHORIZED: &str = "Unauthorized";

/// The words of this dialect.
pub struct School;

impl Vocabulary for School {
    fn words(&self) -> Vec<&'static str> {
        words::WORDS.to_vec()
    }

    fn is_typical(&self, event: &str, _: &[&RawValue]) -> bool {
        words::WORDS.contains(&event)
    }

    fn parse(&self, event: &str, arguments: &[&RawValue], _: &Session) -> Result<SocketRequest> {
        words::parse(event, arguments)
    }

    /// Who is known from a token need not say it again.
    fn greeting(&self, session: &Session, _: Opening<'_>) -> Option<SocketRequest> {
        let user = session.identity().user.clone()?;
        let join = Request::JoinUser {
            user,
            name: None,
            wants_waiting: false,
        };
        Some(SocketRequest::new("", join))
    }

    fn answer(&self, asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
        match outcome {
            Ok(Reply::JoinedUser { user, .. }) if asked.word == "authenticate" => {
                authenticated(user.as_str())
            }
            Ok(Reply::Sent { message, .. }) => sent(asked, message),
            Ok(Reply::Read {
                message: Some(message),
                ..
            }) => marked(message.as_str()),
            Ok(_) => Answer::silent(&Done { ok: true }),
            Err(error) => refused(asked.word, error),
        }
    }

    /// Both must be people of a school.
    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>> {
        let Event::Message {
            message,
            origin,
            dialect,
            ..
        } = event
        else {
            return None;
        };
        let receiver = message.receiver.as_deref()?;
        Person::of(&message.sender.id)?;
        Person::of(&receiver.id)?;
        let is_to_oneself = receiver.id == message.sender.id;
        Some(Audience {
            users: [Some(&receiver.id), Some(&message.sender.id)],
            except: origin.filter(|_| !is_to_oneself),
            ..Audience::of(*dialect)
        })
    }

    fn encode(&self, event: &Event, _: &Session) -> Option<Frame> {
        match event {
            Event::Message { message, .. } => {
                Some(Frame::new("message_received", &MessageBody::new(message)))
            }
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Done {
    ok: bool,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
}

#[derive(Serialize)]
struct Authenticated<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn authenticated(user: &str) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ack<'a> {
        ok: bool,
        user_id: super::ids::NumericId<'a>,
        role: &'a str,
    }
    let person = Person::parse(user);
    let body = Authenticated {
        success: true,
        error: None,
    };
    Answer {
        events: vec![Frame::new("authenticated", &body)],
        ack: Some(encode_json(&Ack {
            ok: true,
            user_id: person.shown_id(),
            role: person.role,
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
        events: vec![Frame::new("message_sent", &MessageBody::new(message))],
        ack: asked.acknowledge(&Ack {
            ok: true,
            message: MessageBody::new(message),
            duplicate: message.duplicate,
        }),
    }
}

fn marked(message: &str) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Marked<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        ok: Option<bool>,
        message_id: &'a str,
    }
    let body = |ok| Marked {
        ok,
        message_id: message,
    };
    Answer {
        events: vec![Frame::new("message_marked_read", &body(None))],
        ack: Some(encode_json(&body(Some(true)))),
    }
}

fn refused(word: &str, error: &Error) -> Answer {
    match word {
        "authenticate" => {
            let body = Authenticated {
                success: false,
                error: Some(UNAUTHORIZED),
            };
            Answer {
                events: vec![Frame::new("authenticated", &body)],
                ack: Some(refusal(error, UNAUTHORIZED)),
            }
        }
        "new_message" => {
            let text = match error {
                Error::Forbidden(_) | Error::Unauthenticated(_) => UNAUTHORIZED,
                _ => SEND_FAILED,
            };
            Answer {
                events: vec![Frame::new("message_error", &ErrorBody { error: text })],
                ack: Some(refusal(error, text)),
            }
        }
        _ => Answer::refused(error),
    }
}
