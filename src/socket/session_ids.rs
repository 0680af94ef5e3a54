//! Secret session ids for polling clients.
//!
//! socketioxide uses one value both as `socket.id`, which other people may learn, and as the id in
//! the URL of a polling session, which is all it takes to speak for its client. This layer stands in
//! front of the engine: a polling client gets a random secret for its URLs instead, every later
//! request must bring that secret, and a request with anything else is answered like one for a
//! session that does not exist. Sessions that begin as WebSocket have no URL and get no secret.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::links::Links;
use crate::random::random_hex;

/// How long a session that left may still fetch what was sent to it.
const FAREWELL: Duration = Duration::from_secs(30);
/// Random bytes in a secret.
const SECRET_BYTES: usize = 16;

/// Which secret stands for which session.
pub struct SessionIds {
    pending_time: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_secret: HashMap<String, Entry>,
    by_id: HashMap<String, String>,
    /// Sessions that have not joined the namespace yet, oldest first.
    pending: VecDeque<(Instant, String)>,
    /// Sessions whose socket is gone, oldest first.
    leaving: VecDeque<(Instant, String)>,
}

/// A session behind a secret.
#[derive(Clone)]
pub(super) struct Entry {
    /// The engine's id.
    pub id: String,
    /// What it runs over.
    pub links: Arc<Links>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its client has not joined the namespace.
    Pending,
    /// So many of its sockets are connected: one, or two for a moment when it joins again.
    Connected(u32),
    /// Its socket is gone since then.
    Leaving(Instant),
}

impl SessionIds {
    pub(super) fn new(pending_time: Duration) -> Self {
        Self {
            pending_time,
            inner: Mutex::default(),
        }
    }

    /// Forgets sessions that are over, and with them the places that they take.
    pub(super) fn sweep(&self) {
        self.inner().forget_ended();
    }

    /// Makes a secret for a new polling session.
    pub(super) fn issue(&self, id: &str, links: Arc<Links>) -> Option<String> {
        let secret = random_hex::<SECRET_BYTES>().ok()?;
        let mut inner = self.inner();
        inner.by_id.insert(id.to_owned(), secret.clone());
        let ends_at = Instant::now() + self.pending_time;
        inner.pending.push_back((ends_at, secret.clone()));
        let entry = Entry {
            id: id.to_owned(),
            links,
            state: State::Pending,
        };
        inner.by_secret.insert(secret.clone(), entry);
        Some(secret)
    }

    pub(super) fn find(&self, secret: &str) -> Option<Entry> {
        let entry = self.inner().by_secret.get(secret).cloned()?;
        (!entry.links.is_killed()).then_some(entry)
    }

    /// A socket of the session is connected: its secret lives as long as the socket.
    pub(super) fn keep(&self, id: &str) {
        self.inner().change(id, |state| match state {
            State::Connected(n_sockets) => State::Connected(n_sockets + 1),
            State::Pending | State::Leaving(_) => State::Connected(1),
        });
    }

    /// A socket of the session is gone.
    pub(super) fn end(&self, id: &str) {
        let ends_at = Instant::now() + FAREWELL;
        let mut inner = self.inner();
        let left = inner.change(id, |state| match state {
            State::Connected(n_sockets) if n_sockets > 1 => State::Connected(n_sockets - 1),
            _ => State::Leaving(ends_at),
        });
        if let Some((secret, State::Leaving(_))) = left {
            inner.leaving.push_back((ends_at, secret));
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Inner {
    /// Changes the state of a session; returns its secret and the new state.
    fn change(&mut self, id: &str, change: impl FnOnce(State) -> State) -> Option<(String, State)> {
        let secret = self.by_id.get(id)?;
        let entry = self.by_secret.get_mut(secret)?;
        entry.state = change(entry.state);
        Some((secret.clone(), entry.state))
    }

    fn forget_ended(&mut self) {
        let now = Instant::now();
        while let Some((_, secret)) = self.pending.pop_front_if(|(at, _)| *at <= now) {
            self.forget(&secret, |state| state == State::Pending);
        }
        while let Some((at, secret)) = self.leaving.pop_front_if(|(at, _)| *at <= now) {
            self.forget(&secret, |state| state == State::Leaving(at));
        }
    }

    fn forget(&mut self, secret: &str, is_ended: impl Fn(State) -> bool) {
        let Some(entry) = self
            .by_secret
            .get(secret)
            .filter(|entry| is_ended(entry.state))
        else {
            return;
        };
        self.by_id.remove(&entry.id);
        self.by_secret.remove(secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Backlog, Client};

    fn ids(pending_time: Duration) -> SessionIds {
        SessionIds::new(pending_time)
    }

    fn issue(ids: &SessionIds, id: &str) -> String {
        let links = Links::new(
            None,
            Client::unlimited(),
            None,
            false,
            Backlog::new(10, 1_000),
        );
        ids.issue(id, Arc::new(links)).unwrap()
    }

    #[test]
    fn a_session_that_never_joins_is_forgotten() {
        let ids = ids(Duration::ZERO);
        let secret = issue(&ids, "a");
        ids.sweep();
        assert!(ids.find(&secret).is_none());
        assert!(ids.inner().by_id.is_empty());
    }

    #[test]
    fn a_session_lives_as_long_as_its_last_socket() {
        let ids = ids(Duration::ZERO);
        let secret = issue(&ids, "a");
        ids.keep("a");
        ids.keep("a");
        ids.end("a");
        ids.inner().forget_ended();
        assert!(ids.find(&secret).is_some(), "it joined again");
        ids.end("a");
        assert!(ids.find(&secret).is_some(), "it may fetch its last packets");
    }

    #[test]
    fn a_killed_session_is_unknown() {
        let ids = ids(Duration::from_secs(45));
        let secret = issue(&ids, "a");
        ids.find(&secret).unwrap().links.kill();
        assert!(ids.find(&secret).is_none());
    }
}
