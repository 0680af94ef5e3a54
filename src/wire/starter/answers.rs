//! What a client hears about its own requests.

use serde::Serialize;

use super::bodies::MessageBody;
use super::events;
use crate::chat::{LOBBY, LobbyReply, Message, Note, Reply, Shown};
use crate::error::{Error, Result};
use crate::wire::ids::NumericId;
use crate::wire::{Answer, Asked, Frame, encode_json, refusal};

/// The only text with which `error` is sent.
const NO_NAME: &str = "Username is required";

/// The answer to a request.
pub fn answer(asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
    match outcome {
        Ok(Reply::Lobby(reply)) => lobby_answer(asked, reply),
        Ok(Reply::Sent { message, .. }) => sent(asked, message),
        Ok(_) => Answer::silent(&Done { ok: true }),
        Err(error) => refused(asked.word, error),
    }
}

#[derive(Serialize)]
struct Done {
    ok: bool,
}

fn lobby_answer(asked: &Asked<'_>, reply: &LobbyReply) -> Answer {
    match reply {
        LobbyReply::Joined { name, entered } => {
            #[derive(Serialize)]
            struct Joined<'a> {
                ok: bool,
                id: &'a str,
                username: &'a str,
            }
            let events = entered.iter().flat_map(|entered| {
                [
                    Frame::new("room_messages", &bodies(&entered.messages)),
                    Frame::new("available_rooms", &entered.rooms),
                ]
            });
            Answer {
                events: events.collect(),
                ack: Some(encode_json(&Joined {
                    ok: true,
                    id: &asked.session.socket_id,
                    username: name,
                })),
            }
        }
        LobbyReply::Entered(entered) => {
            #[derive(Serialize)]
            struct InRoom<'a> {
                ok: bool,
                room: &'a str,
            }
            let messages = bodies(&entered.messages);
            Answer {
                events: vec![Frame::new("room_messages", &messages)],
                ack: Some(encode_json(&InRoom {
                    ok: true,
                    room: entered.room.as_str(),
                })),
            }
        }
        LobbyReply::Page {
            messages,
            page,
            has_more,
        } => {
            #[derive(Serialize)]
            #[serde(rename_all = "camelCase")]
            struct Page<'a> {
                messages: Vec<MessageBody<'a>>,
                page: u64,
                has_more: bool,
            }
            done_with(Frame::new(
                "paginated_messages",
                &Page {
                    messages: bodies(messages),
                    page: *page,
                    has_more: *has_more,
                },
            ))
        }
        LobbyReply::Found { query, messages } => {
            #[derive(Serialize)]
            struct Found<'a> {
                query: &'a str,
                results: Vec<MessageBody<'a>>,
            }
            let results = bodies(messages);
            done_with(Frame::new("search_results", &Found { query, results }))
        }
    }
}

fn done_with(event: Frame) -> Answer {
    Answer {
        events: vec![event],
        ack: Some(encode_json(&Done { ok: true })),
    }
}

fn bodies(messages: &[Shown]) -> Vec<MessageBody<'_>> {
    messages.iter().map(MessageBody::from).collect()
}

fn sent(asked: &Asked<'_>, message: &Message) -> Answer {
    #[derive(Serialize)]
    struct Ack<'a> {
        ok: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivered: Option<bool>,
        message: MessageBody<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct MessageSent<'a> {
        message_id: NumericId<'a>,
    }
    let is_private = message.receiver.is_some();
    let is_in_room = !is_private && message.row.conversation_id.as_str() != LOBBY;
    let told = is_in_room.then(|| {
        let message_id = NumericId(message.row.id.as_str());
        Frame::new("message_sent", &MessageSent { message_id })
    });
    Answer {
        events: told.into_iter().collect(),
        ack: asked.acknowledge(&Ack {
            ok: true,
            // Without a socket that it is for, only its sender has it.
            delivered: is_private.then(|| Note::of(&message.row).to.is_some()),
            message: events::body(message),
            duplicate: message.duplicate,
        }),
    }
}

fn refused(word: &str, error: &Error) -> Answer {
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        message: &'a str,
    }
    let text = error.to_string();
    let told = (word == "user_join" && text == NO_NAME)
        .then(|| Frame::new("error", &ErrorBody { message: &text }));
    Answer {
        events: told.into_iter().collect(),
        ack: Some(refusal(error, &text)),
    }
}
