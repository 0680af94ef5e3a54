//! What unit tests of other modules need of the domain.

use std::sync::Arc;

use serde_json::value::RawValue;
use sohbet_entity::enums::UserRole;

use super::{Conversation, Kind, Message, MessageRow, Outbox, Pair, Profile, Session, Sessions};
use crate::auth::{Identity, Trust};
use crate::store;

/// A socket that nobody listens on.
pub fn session(socket_id: &str) -> Arc<Session> {
    session_to(socket_id, nowhere())
}

/// A socket whose events go there.
pub fn session_to(socket_id: &str, outbox: Box<dyn Outbox>) -> Arc<Session> {
    Sessions::new(10).open(socket_id.into(), nobody(), None, outbox)
}

fn nobody() -> Identity {
    Identity::nobody(Trust::Claimed)
}

/// Sockets of one server.
pub fn sessions<const N: usize>(socket_ids: [&str; N]) -> [Arc<Session>; N] {
    let sessions = Sessions::new(10);
    socket_ids.map(|id| sessions.open(id.into(), nobody(), None, nowhere()))
}

/// A way to a client that nobody is at the end of.
pub fn nowhere() -> Box<dyn Outbox> {
    Box::new(Nowhere)
}

/// A message that user `1` said to user `2`, without anything but a text.
pub fn message(conversation: &str, text: &str) -> Message {
    let profile = |id: &str| {
        Arc::new(Profile {
            username: None,
            id: id.into(),
            name: None,
            avatar_url: None,
            role: UserRole::Member,
            gallery: None,
        })
    };
    let kind = Kind::Pair(Pair::new("1".into(), "2".into()));
    let id = conversation.into();
    Message {
        row: Arc::new(row(conversation, text)),
        sender: profile("1"),
        receiver: Some(profile("2")),
        conversation: Arc::new(Conversation {
            id,
            kind,
            facts_in: 0,
            head: (0, 0),
        }),
        duplicate: false,
        reactions: Vec::new(),
        facts_in: 0,
    }
}

fn row(conversation: &str, text: &str) -> MessageRow {
    MessageRow {
        id: "7".into(),
        conversation_id: conversation.into(),
        seq: 3,
        rev: 4,
        content: Some(text.into()),
        ..store::tests_support::row()
    }
}

struct Nowhere;

impl Outbox for Nowhere {
    fn emit(&self, _: &str, _: &RawValue) {}

    fn close(&self) {}

    fn expel(&self) {}
}
