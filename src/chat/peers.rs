//! Who may know who is online: people who share a conversation.

use chrono::{DateTime, Utc};
use sohbet_entity::ids::UserId;

use super::dialects::Feature;
use super::{Caller, Chat, Dialect};
use crate::auth::Permission;
use crate::error::Result;
use crate::store;

/// Users that one may ask about at a time.
pub const MAX_ASKED: usize = 200;
/// Most people who hear that somebody came or went.
const MAX_PEERS: u32 = 10_000;

/// Whether somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceView {
    /// Who.
    pub user: UserId,
    /// Whether they are there now.
    pub is_online: bool,
    /// When they were last there, if they are not.
    pub last_seen_at: Option<DateTime<Utc>>,
}

impl Chat {
    /// Which of those users are there whom the caller shares a conversation with.
    pub async fn list_presence(
        &self,
        caller: &Caller,
        users: &[UserId],
    ) -> Result<Vec<PresenceView>> {
        caller.check(Permission::Read)?;
        let known = self.store.find_acquaintances(&caller.user, users).await?;
        let view = |known: crate::store::Acquaintance| {
            let is_online = self.is_there(&known.id);
            PresenceView {
                is_online,
                last_seen_at: known.last_seen_at.filter(|_| !is_online),
                user: known.id,
            }
        };
        Ok(known.into_iter().map(view).collect())
    }

    /// Whether a user is there, as far as peers are told.
    pub(super) fn is_there(&self, user: &UserId) -> bool {
        Dialect::with(Feature::PeerPresence).any(|dialect| self.is_online(dialect, user))
    }

    /// The connected people who share a conversation with a user. Nobody, when that cannot be read
    /// now: who is there is looked at again with every list.
    pub(super) async fn peers(&self, user: &UserId) -> Vec<UserId> {
        let listening = self.sessions.listening_with(Feature::PeerPresence);
        if listening.is_empty() {
            return Vec::new();
        }
        let acquaintances = self.store.list_acquaintances(user, MAX_PEERS);
        match store::in_time(acquaintances).await {
            Ok(mut peers) => {
                let listens = |peer: &UserId| {
                    let mut listening = listening.iter();
                    listening.any(|dialect| self.sessions.is_heard_in(peer, *dialect, None))
                };
                peers.retain(listens);
                peers
            }
            Err(fault) => {
                tracing::warn!(%fault, "nobody was told who came or went");
                Vec::new()
            }
        }
    }
}
