//! Who is online. A user with several sockets goes offline with the last one, and not at once:
//! a page reload closes one socket and opens another.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::UserId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::nodes::Entry;
use super::peers::PresenceChange;
use super::{Chat, Dialect, Session};
use crate::store;
use crate::worker::Ticks;

/// How long a user stays online after the last socket is gone.
const GRACE: Duration = Duration::from_secs(10);
/// How often grace times and typing states are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often is tried again to tell who came or went.
const TICKS_PER_RETRY: u32 = 5;

/// A user in a dialect: who is online in one is not shown in the others.
type Key = (Dialect, UserId);

/// Who is online on this node.
#[derive(Default)]
pub struct Presence {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    users: HashMap<Key, Online>,
    /// Users by the order in which they came online.
    in_order: BTreeMap<DateTime<Utc>, Key>,
    last_arrival: DateTime<Utc>,
    /// Users whose last socket is gone, oldest first. The grace time is the same for all, so the
    /// queue is sorted by itself.
    leaving: VecDeque<(Instant, Key)>,
}

struct Online {
    n_sockets: usize,
    /// When they came online; no two are the same on a node.
    arrival: DateTime<Utc>,
    /// When the last socket went; an entry of `leaving` with another time is out of date.
    left_at: Option<Instant>,
}

/// What a socket changed by coming.
pub struct Arrival {
    /// The user was offline before.
    pub came_online: bool,
    /// Since when the user is online here.
    pub since: DateTime<Utc>,
}

impl Presence {
    /// Counts a socket of a user in, if it listens: who hears nothing is not there for others.
    pub fn arrive_by(&self, session: &Session, dialect: Dialect, user: &UserId) -> Arrival {
        match session.may_hear() {
            true => self.arrive(dialect, user),
            false => Arrival {
                came_online: false,
                since: store::now(),
            },
        }
    }

    /// Counts a socket of a user in.
    fn arrive(&self, dialect: Dialect, user: &UserId) -> Arrival {
        let key = (dialect, user.clone());
        let mut inner = self.inner();
        let came_online = !inner.users.contains_key(&key);
        if came_online {
            let next = inner.last_arrival + TimeDelta::microseconds(1);
            inner.last_arrival = store::now().max(next);
            let arrival = inner.last_arrival;
            inner.in_order.insert(arrival, key.clone());
        }
        let arrival = inner.last_arrival;
        let entry = inner.users.entry(key).or_insert(Online {
            n_sockets: 0,
            arrival,
            left_at: None,
        });
        entry.n_sockets += 1;
        entry.left_at = None;
        Arrival {
            came_online,
            since: entry.arrival,
        }
    }

    /// Whether a user is there on this node.
    pub fn is_online(&self, dialect: Dialect, user: &UserId) -> bool {
        self.inner().users.contains_key(&(dialect, user.clone()))
    }

    fn online(&self, dialect: Dialect) -> Vec<(UserId, DateTime<Utc>)> {
        let inner = self.inner();
        let in_order = inner.in_order.iter();
        let in_dialect = in_order.filter(|(_, (other, _))| *other == dialect);
        in_dialect
            .map(|(since, (_, user))| (user.clone(), *since))
            .collect()
    }

    /// Counts a socket of a user out.
    pub fn leave(&self, dialect: Dialect, user: &UserId) {
        let key = (dialect, user.clone());
        let mut inner = self.inner();
        let now = Instant::now();
        let Some(entry) = inner.users.get_mut(&key) else {
            return;
        };
        entry.n_sockets = entry.n_sockets.saturating_sub(1);
        if entry.n_sockets == 0 {
            entry.left_at = Some(now);
            inner.leaving.push_back((now, key));
        }
    }

    /// Counts a socket of a user out as if it had never come: nobody was told that it did.
    fn take_back(&self, dialect: Dialect, user: &UserId, arrival: &Arrival) {
        let key = (dialect, user.clone());
        let mut inner = self.inner();
        let is_alone = |entry: &Online| entry.n_sockets == 1;
        if arrival.came_online && inner.users.get(&key).is_some_and(is_alone) {
            inner.users.remove(&key);
            inner.in_order.remove(&arrival.since);
            return;
        }
        drop(inner);
        self.leave(dialect, user);
    }

    /// Users whose grace time is over, and since when they were online.
    fn expire(&self) -> Vec<(Key, DateTime<Utc>)> {
        let mut inner = self.inner();
        let mut gone = Vec::new();
        while let Some((left_at, key)) = inner
            .leaving
            .pop_front_if(|(left_at, _)| left_at.elapsed() >= GRACE)
        {
            let arrival = match inner.users.get(&key) {
                Some(entry) if entry.left_at == Some(left_at) => entry.arrival,
                _ => continue,
            };
            inner.users.remove(&key);
            inner.in_order.remove(&arrival);
            gone.push((key, arrival));
        }
        gone
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Chat {
    /// Ends grace times and typing states when they run out; the body of a worker.
    pub async fn watch_clock(&self, stop: CancellationToken) {
        let typing = async {
            let mut ticks = Ticks::new(TICK, &stop);
            while ticks.next().await {
                self.expire_typing().await;
                self.expire_lobby_typing().await;
                self.note_what_was_told().await;
            }
        };
        // Who is told that somebody went is read from the store, which may take a while when many
        // go at once; typing does not wait for it.
        let presence = async {
            let mut ticks = Ticks::new(TICK, &stop);
            let mut n_ticks = 0_u32;
            while ticks.next().await {
                n_ticks = n_ticks.wrapping_add(1);
                self.expire_presence().await;
                if n_ticks.is_multiple_of(TICKS_PER_RETRY) {
                    self.tell_untold().await;
                }
            }
        };
        tokio::join!(typing, presence);
        // Delivery has ended before: after this nothing is told twice.
        self.note_what_was_told().await;
    }

    pub(super) async fn note_what_was_told(&self) {
        if let Err(error) = self.save_delivered().await {
            tracing::warn!(
                error.code = error.code(),
                "what was told could not be noted"
            );
        }
    }

    async fn expire_presence(&self) {
        let gone = self.presence.expire();
        if gone.is_empty() {
            return;
        }
        // Written first: who hears of it may ask at once.
        let users: Vec<UserId> = gone.iter().map(|((_, user), _)| user.clone()).collect();
        let saved = self.store.save_last_seen(&users, store::now());
        if let Err(fault) = store::in_time(saved).await {
            tracing::warn!(%fault, "last seen was not saved");
        }
        for (key, since) in gone {
            let is_elsewhere = self.is_elsewhere(&key);
            self.note_own(key.clone(), since, false);
            if !is_elsewhere {
                let (dialect, user) = key;
                self.untold.put([PresenceChange::new(dialect, user, false)]);
            }
        }
        self.tell_untold().await;
    }

    /// Counts a socket of a user in, if it listens.
    pub(super) fn arrive(&self, session: &Session, dialect: Dialect, user: &UserId) -> Arrival {
        let arrival = self.presence.arrive_by(session, dialect, user);
        let key = (dialect, user.clone());
        let is_elsewhere = self.is_elsewhere(&key);
        if arrival.came_online {
            self.note_own(key, arrival.since, true);
        }
        Arrival {
            came_online: arrival.came_online && !is_elsewhere,
            since: arrival.since,
        }
    }

    /// Takes back that a socket came, of which nobody was told. Who has another one is told to be there.
    pub(super) fn take_back(&self, dialect: Dialect, user: &UserId, arrival: &Arrival) {
        self.presence.take_back(dialect, user, arrival);
        if !arrival.came_online {
            return;
        }
        if !self.presence.is_online(dialect, user) {
            self.note_own((dialect, user.clone()), arrival.since, false);
        }
        self.tell_later_who_is_there(dialect, user);
    }

    /// A user came, of which nobody was told, and may still be there.
    pub(super) fn tell_later_who_is_there(&self, dialect: Dialect, user: &UserId) {
        if self.is_online(dialect, user) {
            let change = PresenceChange::new(dialect, user.clone(), true);
            self.untold.put([change]);
        }
    }

    /// Other nodes, if there may be any, are to know who is here.
    fn note_own(&self, (dialect, user): Key, since: DateTime<Utc>, is_there: bool) {
        if self.is_shared() {
            let entry = Entry::Online(dialect, user, since);
            self.roster.set_own(entry, is_there);
        }
    }

    fn is_elsewhere(&self, (dialect, user): &Key) -> bool {
        self.is_shared() && self.roster.is_online_elsewhere(*dialect, user)
    }

    /// Whether a user has a socket of that dialect, or had one moments ago, on whatever node.
    pub fn is_online(&self, dialect: Dialect, user: &UserId) -> bool {
        let is_here = self.presence.is_online(dialect, user);
        is_here || self.is_elsewhere(&(dialect, user.clone()))
    }

    /// Everybody who is online in a dialect, on whatever node, in order of coming online.
    pub fn online_users(&self, dialect: Dialect) -> Vec<UserId> {
        let here = self.presence.online(dialect);
        let elsewhere = self.roster.online_elsewhere(dialect);
        if elsewhere.is_empty() {
            return here.into_iter().map(|(user, _)| user).collect();
        }
        let mut since: HashMap<UserId, DateTime<Utc>> = HashMap::new();
        for (user, at) in here.into_iter().chain(elsewhere) {
            let first = since.entry(user).or_insert(at);
            *first = at.min(*first);
        }
        let mut in_order: Vec<(DateTime<Utc>, UserId)> =
            since.into_iter().map(|(user, at)| (at, user)).collect();
        in_order.sort();
        in_order.into_iter().map(|(_, user)| user).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect::ALL[0];

    fn names(users: Vec<(UserId, DateTime<Utc>)>) -> Vec<String> {
        users.iter().map(|(user, _)| user.to_string()).collect()
    }

    #[test]
    fn who_is_taken_back_was_never_there() {
        let presence = Presence::default();
        let ali = UserId::from("ali");
        let first = presence.arrive(DIALECT, &ali);
        let second = presence.arrive(DIALECT, &ali);
        presence.take_back(DIALECT, &ali, &second);
        assert!(presence.is_online(DIALECT, &ali), "one socket is left");
        presence.take_back(DIALECT, &ali, &first);
        assert!(!presence.is_online(DIALECT, &ali));
        assert!(presence.online(DIALECT).is_empty());
        assert!(presence.arrive(DIALECT, &ali).came_online);
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_goes_offline_once_after_the_last_socket_and_the_grace_time() {
        let presence = Presence::default();
        let ali = UserId::from("ali");
        let first = presence.arrive(DIALECT, &ali);
        assert!(first.came_online);
        let second = presence.arrive(DIALECT, &ali);
        assert!(!second.came_online);
        presence.leave(DIALECT, &ali);
        tokio::time::advance(GRACE * 2).await;
        assert!(presence.expire().is_empty(), "one socket is left");
        presence.leave(DIALECT, &ali);
        tokio::time::advance(GRACE / 2).await;
        let back = presence.arrive(DIALECT, &ali);
        assert!(!back.came_online, "back within the grace time");
        presence.leave(DIALECT, &ali);
        tokio::time::advance(GRACE / 2).await;
        assert!(presence.expire().is_empty(), "the grace time starts again");
        tokio::time::advance(GRACE / 2).await;
        let gone = presence.expire().pop();
        assert_eq!(gone.map(|(key, _)| key), Some((DIALECT, ali)));
        assert!(presence.expire().is_empty());
    }

    #[tokio::test]
    async fn the_list_is_in_order_of_coming_online() {
        let presence = Presence::default();
        for name in ["veli", "ali", "veli"] {
            presence.arrive(DIALECT, &UserId::from(name));
        }
        presence.arrive(DIALECT, &UserId::from("can"));
        assert_eq!(names(presence.online(DIALECT)), ["veli", "ali", "can"]);
    }
}
