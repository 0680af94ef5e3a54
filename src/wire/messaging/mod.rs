//! Dialect `messaging` (contract/messaging.md): two users, one conversation, small integer ids.

mod answers;
mod bodies;
mod events;
mod words;

pub mod rest;

use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Opening, Vocabulary};
use crate::chat::{Event, Reply, Request, Session, SocketRequest};
use crate::error::Result;
use bodies::MessageBody;

/// The words of this dialect.
pub struct Messaging;

impl Vocabulary for Messaging {
    fn words(&self) -> Vec<&'static str> {
        words::WORDS.to_vec()
    }

    fn is_typical(&self, event: &str, arguments: &[&RawValue]) -> bool {
        words::is_typical(event, arguments)
    }

    fn parse(&self, event: &str, arguments: &[&RawValue], _: &Session) -> Result<SocketRequest> {
        words::parse(event, arguments)
    }

    fn echo(&self, event: &str, arguments: &[&RawValue]) -> Option<Box<RawValue>> {
        words::echo(event, arguments)
    }

    /// Who is known from the handshake is greeted as if they had asked for it.
    fn greeting(&self, session: &Session, opening: Opening<'_>) -> Option<SocketRequest> {
        let user = session
            .identity()
            .user
            .clone()
            .filter(|_| opening.at_handshake)?;
        let join = Request::JoinUser {
            user,
            name: None,
            wants_waiting: false,
        };
        Some(SocketRequest::new("join_user_room", join))
    }

    fn answer(&self, asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
        answers::answer(asked, outcome)
    }

    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>> {
        events::audience(event)
    }

    fn encode(&self, event: &Event, _: &Session) -> Option<Frame> {
        events::encode(event)
    }
}
