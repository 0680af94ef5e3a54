//! Dialect `native` (contract/native.md): Sohbet's own. Every event takes one object and is
//! acknowledged; REST under `/api/v1` has the same operations and the same bodies.

mod answers;
mod bodies;
mod data;
mod events;
mod fields;
mod words;

pub mod rest;

use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Opening, Variant, Vocabulary};
use crate::chat::{DeskRequest, Event, Reply, Request, Session, SocketRequest};
use crate::error::Result;

/// The words of this dialect.
pub struct Native;

impl Vocabulary for Native {
    fn words(&self) -> Vec<&'static str> {
        words::WORDS.map(|(word, _)| word).to_vec()
    }

    /// Only the handshake can say that a socket speaks it.
    fn is_typical(&self, _: &str, _: &[&RawValue]) -> bool {
        false
    }

    fn parse(
        &self,
        event: &str,
        arguments: &[&RawValue],
        session: &Session,
    ) -> Result<SocketRequest> {
        words::parse(event, arguments, session)
    }

    fn needs_identity(&self) -> bool {
        true
    }

    /// A malformed `since` is none: whoever gets no `sync` loads everything.
    fn greeting(&self, session: &Session, opening: Opening<'_>) -> Option<SocketRequest> {
        session.identity().user.as_ref()?;
        let since = opening.since;
        let since = since.and_then(|since| fields::since_of(since).ok());
        let greet = Request::Desk(DeskRequest::Greet { since });
        Some(SocketRequest::new("session", greet))
    }

    fn answer(&self, asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
        answers::answer(asked, outcome)
    }

    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>> {
        events::audience(event)
    }

    fn variant(&self, event: &Event, listener: &Session) -> Variant {
        events::variant(event, listener)
    }

    fn encode(&self, event: &Event, listener: &Session) -> Option<Frame> {
        events::encode(event, listener)
    }
}
