//! Who is online. A user with several sockets goes offline with the last one, and not at once:
//! a page reload closes one socket and opens another.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::UserId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Chat, Event};
use crate::store;

/// How long a user stays online after the last socket is gone.
const GRACE: Duration = Duration::from_secs(10);
/// How often grace times and typing states are looked at.
const TICK: Duration = Duration::from_millis(200);

/// Who is online on this node.
#[derive(Default)]
pub struct Presence {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    users: HashMap<UserId, Online>,
    /// Users by the order in which they came online.
    in_order: BTreeMap<u64, UserId>,
    n_arrivals: u64,
    /// Users whose last socket is gone, oldest first. The grace time is the same for all, so the
    /// queue is sorted by itself.
    leaving: VecDeque<(Instant, UserId)>,
}

struct Online {
    n_sockets: usize,
    arrival: u64,
    /// When the last socket went; an entry of `leaving` with another time is out of date.
    left_at: Option<Instant>,
}

impl Presence {
    /// Counts a socket of a user in; `true` when the user was offline before.
    pub fn arrive(&self, user: &UserId) -> bool {
        let mut inner = self.inner();
        let came_online = !inner.users.contains_key(user);
        if came_online {
            inner.n_arrivals += 1;
            let arrival = inner.n_arrivals;
            inner.in_order.insert(arrival, user.clone());
        }
        let arrival = inner.n_arrivals;
        let entry = inner.users.entry(user.clone()).or_insert(Online {
            n_sockets: 0,
            arrival,
            left_at: None,
        });
        entry.n_sockets += 1;
        entry.left_at = None;
        came_online
    }

    fn is_online(&self, user: &UserId) -> bool {
        self.inner().users.contains_key(user)
    }

    fn online(&self) -> Vec<UserId> {
        self.inner().in_order.values().cloned().collect()
    }

    /// Counts a socket of a user out.
    pub fn leave(&self, user: &UserId) {
        let mut inner = self.inner();
        let now = Instant::now();
        let Some(entry) = inner.users.get_mut(user) else {
            return;
        };
        entry.n_sockets = entry.n_sockets.saturating_sub(1);
        if entry.n_sockets == 0 {
            entry.left_at = Some(now);
            inner.leaving.push_back((now, user.clone()));
        }
    }

    /// Users whose grace time is over.
    fn expire(&self) -> Vec<UserId> {
        let mut inner = self.inner();
        let mut gone = Vec::new();
        while let Some((left_at, user)) = inner
            .leaving
            .pop_front_if(|(left_at, _)| left_at.elapsed() >= GRACE)
        {
            let arrival = match inner.users.get(&user) {
                Some(entry) if entry.left_at == Some(left_at) => entry.arrival,
                _ => continue,
            };
            inner.users.remove(&user);
            inner.in_order.remove(&arrival);
            gone.push(user);
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
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {
                    self.expire_typing().await;
                    self.expire_presence().await;
                }
            }
        }
    }

    async fn expire_presence(&self) {
        let gone = self.presence.expire();
        if gone.is_empty() {
            return;
        }
        for user in gone.clone() {
            self.publish(Event::Offline { user }).await;
        }
        if let Err(fault) = self.store.save_last_seen(&gone, store::now()).await {
            tracing::warn!(%fault, "last seen was not saved");
        }
    }

    /// Whether a user has a socket, or had one moments ago.
    pub fn is_online(&self, user: &UserId) -> bool {
        self.presence.is_online(user)
    }

    /// Everybody who is online, in order of coming online.
    pub fn online_users(&self) -> Vec<UserId> {
        self.presence.online()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(users: Vec<UserId>) -> Vec<String> {
        users.iter().map(ToString::to_string).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_goes_offline_once_after_the_last_socket_and_the_grace_time() {
        let presence = Presence::default();
        let ali = UserId::from("ali");
        assert!(presence.arrive(&ali));
        assert!(!presence.arrive(&ali));
        presence.leave(&ali);
        tokio::time::advance(GRACE * 2).await;
        assert!(presence.expire().is_empty(), "one socket is left");
        presence.leave(&ali);
        tokio::time::advance(GRACE / 2).await;
        assert!(!presence.arrive(&ali), "back within the grace time");
        presence.leave(&ali);
        tokio::time::advance(GRACE / 2).await;
        assert!(presence.expire().is_empty(), "the grace time starts again");
        tokio::time::advance(GRACE / 2).await;
        assert_eq!(names(presence.expire()), ["ali"]);
        assert!(presence.expire().is_empty());
    }

    #[tokio::test]
    async fn the_list_is_in_order_of_coming_online() {
        let presence = Presence::default();
        for name in ["veli", "ali", "veli"] {
            presence.arrive(&UserId::from(name));
        }
        presence.arrive(&UserId::from("can"));
        assert_eq!(names(presence.online()), ["veli", "ali", "can"]);
    }
}
