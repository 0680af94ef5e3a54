//! Dialect `chatsphere` (contract/chatsphere.md).

use serde_json::value::RawValue;

use super::{Answer, Asked, Audience, Frame, Refused, Vocabulary};
use crate::chat::{Event, Reply, Session, SocketRequest};
use crate::error::{Error, Result};

/// The words of this dialect.
pub struct Chatsphere;

impl Vocabulary for Chatsphere {
    fn is_typical(&self, _: &str, _: &[&RawValue]) -> bool {
        false
    }

    fn parse(&self, event: &str, _: &[&RawValue], _: &Session) -> Result<SocketRequest, Refused> {
        Err(Error::unknown_event(event).into())
    }

    fn answer(&self, _: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
        match outcome {
            Ok(_) => Answer::silent(&serde_json::json!({"ok": true})),
            Err(error) => Answer::refused(error),
        }
    }

    fn audience<'a>(&self, _: &'a Event) -> Option<Audience<'a>> {
        None
    }

    fn encode(&self, _: &Event, _: &Session) -> Option<Frame> {
        None
    }
}
