//! Dialect `gallery` (contract/gallery.md): two galleries in a room about an offer, a vehicle or a
//! support case. Messages are sent by REST; sockets carry delivery and typing.

mod answers;
mod bodies;
mod events;
mod words;

pub mod rest;

use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Vocabulary};
use crate::chat::{Event, Reply, Session, SocketRequest};
use crate::error::Result;

/// The words of this dialect.
pub struct Gallery;

impl Vocabulary for Gallery {
    fn words(&self) -> Vec<&'static str> {
        words::WORDS.to_vec()
    }

    fn is_typical(&self, event: &str, arguments: &[&RawValue]) -> bool {
        words::is_typical(event, arguments)
    }

    fn parse(&self, event: &str, arguments: &[&RawValue], _: &Session) -> Result<SocketRequest> {
        words::parse(event, arguments)
    }

    fn needs_identity(&self) -> bool {
        true
    }

    fn is_told_by_gallery(&self) -> bool {
        true
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
