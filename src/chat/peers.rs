//! Who may know who is online, and is told so: people who share a conversation.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use sohbet_entity::ids::UserId;
use tokio::time::Instant;

use super::dialects::Feature;
use super::{Caller, Chat, Dialect, Event, Session, SessionId};
use crate::auth::Permission;
use crate::error;
use crate::store::{self, Fault};

/// Users that one may ask about at a time.
pub const MAX_ASKED: usize = 200;
/// Most people who hear that somebody came or went.
const MAX_PEERS: u32 = 10_000;
/// Most changes that wait to be told: a database that is away for long is not made up for without an end.
const MAX_UNTOLD: usize = 200_000;

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
    ) -> error::Result<Vec<PresenceView>> {
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

    /// The connected people who share a conversation with a user.
    async fn peers(&self, user: &UserId) -> Result<Vec<UserId>, Fault> {
        let listening = self.sessions.listening_with(Feature::PeerPresence);
        if listening.is_empty() {
            return Ok(Vec::new());
        }
        let acquaintances = self.store.list_acquaintances(user, MAX_PEERS);
        let mut peers = acquaintances.await?;
        let listens = |peer: &UserId| {
            let mut listening = listening.iter();
            listening.any(|dialect| self.sessions.is_heard_in(peer, *dialect))
        };
        peers.retain(listens);
        Ok(peers)
    }

    /// A change with those who are to hear of it, but that socket.
    async fn presence_event(
        &self,
        change: &PresenceChange,
        except: Option<SessionId>,
    ) -> Result<Event, Fault> {
        Ok(Event::Presence {
            dialect: change.dialect,
            user: change.user.clone(),
            is_online: change.is_online,
            except,
            peers: match change.dialect.has(Feature::PeerPresence) {
                true => self.peers(&change.user).await?,
                false => Vec::new(),
            },
            at: store::now(),
        })
    }

    /// That a user came online with that socket, for all others; `None` if that is told later.
    pub(super) async fn came_event(
        &self,
        session: &Session,
        dialect: Dialect,
        user: &UserId,
    ) -> Option<Event> {
        let change = PresenceChange::new(dialect, user.clone(), true);
        let deadline = Instant::now() + store::PATIENCE;
        self.event_or_later(change, Some(session.id), deadline)
            .await
    }

    /// As [`Chat::presence_event`]. If the database does not say until then who is to hear of it, it is told later.
    pub(super) async fn event_or_later(
        &self,
        change: PresenceChange,
        except: Option<SessionId>,
        deadline: Instant,
    ) -> Option<Event> {
        let event = store::until(deadline, self.presence_event(&change, except)).await;
        let later = |fault: Fault| {
            tracing::warn!(%fault, "nobody was told who came or went");
            if fault.is_transient() {
                self.untold.put([change]);
            }
        };
        event.map_err(later).ok()
    }

    /// Tells of the changes that wait for it. As soon as the database does not say who is to hear of one, the
    /// rest waits on, and that one behind it.
    pub(super) async fn tell_untold(&self) {
        let mut changes = self.untold.take().into_iter();
        while let Some(change) = changes.next() {
            let deadline = Instant::now() + store::PATIENCE;
            match self.event_or_later(change.clone(), None, deadline).await {
                // There was a later change, which is told too.
                Some(_) if self.is_online(change.dialect, &change.user) != change.is_online => {}
                Some(event) => self.publish(event).await,
                None => return self.untold.put_before(changes),
            }
        }
    }
}

/// A user came online in a dialect, or went.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PresenceChange {
    /// Who is online in one is not shown in the others.
    dialect: Dialect,
    user: UserId,
    is_online: bool,
}

impl PresenceChange {
    pub fn new(dialect: Dialect, user: UserId, is_online: bool) -> Self {
        Self {
            dialect,
            user,
            is_online,
        }
    }
}

/// Changes of which nobody was told yet.
#[derive(Default)]
pub struct Untold(Mutex<Vec<PresenceChange>>);

impl Untold {
    /// They wait to be told, as far as there is room.
    pub fn put(&self, changes: impl IntoIterator<Item = PresenceChange>) {
        let mut untold = self.changes();
        let n_free = MAX_UNTOLD.saturating_sub(untold.len());
        untold.extend(changes.into_iter().take(n_free));
    }

    /// As [`Untold::put`], before all others.
    fn put_before(&self, changes: impl Iterator<Item = PresenceChange>) {
        let mut untold = self.changes();
        let later = std::mem::replace(&mut *untold, changes.collect());
        untold.extend(later);
    }

    /// Each once, in the order in which they came; but those that need no database go before.
    fn take(&self) -> Vec<PresenceChange> {
        let mut changes = std::mem::take(&mut *self.changes());
        let mut seen = HashSet::with_capacity(changes.len());
        changes.retain(|change| seen.insert(change.clone()));
        changes.sort_by_key(|change| change.dialect.has(Feature::PeerPresence));
        changes
    }

    fn changes(&self) -> MutexGuard<'_, Vec<PresenceChange>> {
        self.0.lock().expect("no code panics with this lock held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(user: &str) -> PresenceChange {
        let told_to_peers = Dialect::with(Feature::PeerPresence).next().unwrap();
        PresenceChange::new(told_to_peers, user.into(), true)
    }

    #[test]
    fn what_cannot_be_told_holds_up_nothing_else() {
        let untold = Untold::default();
        untold.put([came("stuck"), came("1"), came("2"), came("1")]);
        let taken = untold.take();
        assert_eq!(taken, [came("stuck"), came("1"), came("2")]);
        untold.put([came("stuck")]);
        untold.put_before(taken.into_iter().skip(1));
        assert_eq!(untold.take(), [came("1"), came("2"), came("stuck")]);
    }

    #[test]
    fn what_needs_no_database_is_told_first() {
        let untold = Untold::default();
        let mut told_to_all = came("2");
        let is_told_to_all = |dialect: &Dialect| !dialect.has(Feature::PeerPresence);
        told_to_all.dialect = Dialect::ALL.into_iter().find(is_told_to_all).unwrap();
        untold.put([came("1"), told_to_all.clone()]);
        assert_eq!(untold.take(), [told_to_all, came("1")]);
    }
}
