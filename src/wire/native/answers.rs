//! What a client hears about its own requests.

use serde::Serialize;
use serde_json::value::RawValue;

use super::bodies::UserBody;
use super::data::{self, SyncBody};
use super::fields::MAX_LIMIT;
use crate::chat::{
    DeskReply, Greeting, MAX_ASKED, MAX_CHANGES, MAX_CHANGES_IN_ALL, MAX_KNOWN, Reply,
    TYPING_LIFETIME,
};
use crate::error::Result;
use crate::wire::ids::Time;
use crate::wire::json::MAX_CLIENT_ID_CHARS;
use crate::wire::{Answer, Asked, Frame, encode_json};

/// The answer to a request: `{ok, data}`, and where a client is being written, which fields it sent
/// in vain.
pub fn answer(asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
    #[derive(Serialize)]
    struct Ack<'a> {
        ok: bool,
        data: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        ignored: Option<&'a RawValue>,
    }
    let reply = match outcome {
        Ok(reply) => reply,
        Err(error) => return Answer::refused(error),
    };
    let user = asked.session.user().unwrap_or_else(|| "".into());
    let data = data::data(reply, &user);
    Answer {
        events: match reply {
            Reply::Desk(DeskReply::Greeting(greeting)) => greet(greeting),
            _ => Vec::new(),
        },
        ack: Some(encode_json(&Ack {
            ok: true,
            data: &data,
            ignored: asked.echo,
        })),
    }
}

fn greet(greeting: &Greeting) -> Vec<Frame> {
    let mut frames = vec![Frame::new("session", &SessionBody::new(greeting))];
    if let Some(caught_up) = &greeting.caught_up {
        let body = SyncBody::new(caught_up, &greeting.caller.user);
        frames.push(Frame::new("sync", &body));
    }
    frames
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody<'a> {
    user: UserBody<'a>,
    parties: Vec<String>,
    role: &'a str,
    epoch: &'a str,
    server_time: Time,
    unread_total: i64,
    limits: Limits,
}

impl<'a> SessionBody<'a> {
    fn new(greeting: &'a Greeting) -> Self {
        let parties = greeting.caller.viewer().parties();
        Self {
            user: (&*greeting.profile).into(),
            parties: parties.iter().map(ToString::to_string).collect(),
            role: greeting.caller.role.name(),
            epoch: &greeting.epoch,
            server_time: Time(greeting.now),
            unread_total: greeting.unread_total,
            limits: Limits {
                text_bytes: greeting.max_text_bytes,
                client_message_id_chars: MAX_CLIENT_ID_CHARS,
                page: MAX_LIMIT,
                presence_users: MAX_ASKED,
                sync_conversations: MAX_KNOWN,
                sync_changes: MAX_CHANGES_IN_ALL,
                sync_changes_per_conversation: MAX_CHANGES,
                typing_ms: TYPING_LIFETIME.as_millis(),
            },
        }
    }
}

/// What a client need not try.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    text_bytes: usize,
    client_message_id_chars: usize,
    page: i64,
    presence_users: usize,
    sync_conversations: usize,
    sync_changes: i64,
    sync_changes_per_conversation: i64,
    typing_ms: u128,
}
