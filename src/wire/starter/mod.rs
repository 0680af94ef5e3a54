//! Dialect `starter` (contract/starter.md): names on sockets, one chat for everybody, private
//! messages by socket id, and rooms in the way most copies of the tutorial added them.

mod answers;
mod bodies;
mod events;
mod words;

pub mod rest;

use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Opening, Variant, Vocabulary};
use crate::chat::{Event, Reply, Request, Session, SocketRequest};
use crate::error::Result;

/// What `GET /` says where this dialect is configured.
pub const RUNNING: &str = "Socket.io Chat Server is running";

/// The words of this dialect.
pub struct Starter;

impl Vocabulary for Starter {
    fn words(&self) -> Vec<&'static str> {
        words::WORDS.to_vec()
    }

    fn is_typical(&self, event: &str, arguments: &[&RawValue]) -> bool {
        words::is_typical(event, arguments)
    }

    fn parse(&self, event: &str, arguments: &[&RawValue], _: &Session) -> Result<SocketRequest> {
        words::parse(event, arguments)
    }

    /// Who is known from the handshake hears what is for them from the start.
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
        answers::answer(asked, outcome)
    }

    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>> {
        events::audience(event)
    }

    /// Those of the audience who hear it, and those who do not.
    fn variant(&self, event: &Event, listener: &Session) -> Variant {
        Variant::Shared(u8::from(!events::hears(event, listener)))
    }

    fn encode(&self, event: &Event, listener: &Session) -> Option<Frame> {
        match events::hears(event, listener) {
            true => events::encode(event),
            false => None,
        }
    }
}
