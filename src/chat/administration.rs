//! What administrators of the server see of everything.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sohbet_entity::ids::UserId;

use super::{Caller, Chat, Dialect, Session};
use crate::error::{Error, Result};
use crate::store::ListedRoom;

/// A live socket of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSocket {
    /// Its number; later sockets have larger ones.
    pub number: u64,
    /// Who is behind it, as far as anybody knows.
    pub user: Option<UserId>,
    /// What it speaks, once that is known.
    pub dialect: Option<Dialect>,
    /// What carries its events now.
    pub transport: &'static str,
    /// When it came.
    pub since: DateTime<Utc>,
}

impl From<&Arc<Session>> for LiveSocket {
    fn from(session: &Arc<Session>) -> Self {
        Self {
            number: session.id.number(),
            user: session.user(),
            dialect: session.dialect(),
            transport: session.outbox.transport(),
            since: session.connected_at,
        }
    }
}

impl Chat {
    /// At most `limit` live sockets that came after the one with that number, in order of coming,
    /// and how many there are in all.
    pub fn list_sockets(
        &self,
        caller: &Caller,
        after: u64,
        limit: u32,
    ) -> Result<(Vec<LiveSocket>, usize)> {
        check_admin(caller)?;
        let (mut later, mut n_sockets) = (Vec::new(), 0);
        self.sessions.each(|session| {
            n_sockets += 1;
            if session.id.number() > after {
                later.push(Arc::clone(session));
            }
        });
        later.sort_unstable_by_key(|session| session.id.number());
        let page = later.iter().take(limit as usize);
        Ok((page.map(LiveSocket::from).collect(), n_sockets))
    }

    /// At most `limit` rooms in order of their ids, after the one with that id.
    pub async fn list_rooms(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ListedRoom>> {
        check_admin(caller)?;
        Ok(self.store.list_rooms(after, limit).await?)
    }
}

/// Lets only administrators of the server on.
pub(super) fn check_admin(caller: &Caller) -> Result<()> {
    match caller.is_admin() {
        true => Ok(()),
        false => Err(Error::Forbidden("Only administrators may do this")),
    }
}
