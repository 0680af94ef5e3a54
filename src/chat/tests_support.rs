//! What unit tests of other modules need of the domain.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{Outbox, Session, Sessions};
use crate::auth::Identity;

/// A socket that nobody listens on.
pub fn session(socket_id: &str) -> Arc<Session> {
    let (identity, outbox) = (Identity::default(), Box::new(Nowhere));
    Sessions::default().open(socket_id.into(), identity, None, outbox)
}

/// Sockets of one server.
pub fn sessions<const N: usize>(socket_ids: [&str; N]) -> [Arc<Session>; N] {
    let sessions = Sessions::default();
    socket_ids.map(|id| sessions.open(id.into(), Identity::default(), None, Box::new(Nowhere)))
}

struct Nowhere;

impl Outbox for Nowhere {
    fn emit(&self, _: &str, _: &RawValue) {}

    fn close(&self) {}

    fn expel(&self) {}
}
