//! Dialect `chatsphere` (contract/chatsphere.md): rooms with members, as JSON frames on a plain
//! WebSocket, and as Socket.IO events with the same words.

mod answers;
mod bodies;
mod words;

pub mod frames;
pub mod rest;

use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Variant, Vocabulary};
use crate::chat::{Event, Reply, Session, SocketRequest};
use crate::error::Result;
use bodies::{MessageBody, NewMessage, SpreadMessage};

/// A socket that joined with `join_room` finds the fields of a message at the top of a frame too.
const SECOND_SPELLING: u8 = 1;

/// The words of this dialect.
pub struct Chatsphere;

impl Vocabulary for Chatsphere {
    fn words(&self) -> Vec<&'static str> {
        words::WORDS.to_vec()
    }

    fn is_typical(&self, event: &str, arguments: &[&RawValue]) -> bool {
        words::is_typical(event, arguments)
    }

    fn parse(
        &self,
        event: &str,
        arguments: &[&RawValue],
        session: &Session,
    ) -> Result<SocketRequest> {
        words::parse(event, arguments, session)
    }

    fn takes_query_token(&self) -> bool {
        true
    }

    fn answer(&self, asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
        answers::answer(asked, outcome)
    }

    /// Whoever has joined the room, the sender included.
    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>> {
        let Event::Message {
            message, dialect, ..
        } = event
        else {
            return None;
        };
        message.conversation.room()?;
        Some(Audience {
            conversation: Some(&message.row.conversation_id),
            ..Audience::of(*dialect)
        })
    }

    fn variant(&self, _: &Event, listener: &Session) -> Variant {
        Variant::Shared(listener.spelling())
    }

    fn encode(&self, event: &Event, listener: &Session) -> Option<Frame> {
        let Event::Message { message, .. } = event else {
            return None;
        };
        let frame = match listener.spelling() {
            SECOND_SPELLING => Frame::new("new_message", &SpreadMessage::new(message)),
            _ => Frame::new(
                "new_message",
                &NewMessage {
                    message: MessageBody::new(message),
                },
            ),
        };
        Some(frame)
    }
}
