//! Live sockets and what they listen to.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};
use tokio::sync::Semaphore;

use super::Dialect;
use crate::auth::Identity;
use crate::error::{Error, Result};

/// Conversations that one socket may listen to at a time.
const MAX_CONVERSATIONS: usize = 1_000;
/// Writes of one socket that may be under way at a time.
pub const MAX_IN_FLIGHT: u32 = 512;
/// Parts of an index, so that joins and fan-outs rarely wait for each other.
const N_SHARDS: usize = 16;

/// Answers one event of a client, once.
pub type Ack = Box<dyn FnOnce(&RawValue) + Send>;

/// The way to one client.
pub trait Outbox: Send + Sync {
    /// Puts an event into the client's queue. A client that cannot take it is closed: it must not
    /// hear of later events when it missed one.
    fn emit(&self, event: &str, body: &RawValue);

    /// Closes the connection, also when the client's queue is full.
    fn close(&self);
}

/// Number of a session, unique while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(u64);

#[cfg(test)]
impl SessionId {
    /// A session that does not exist.
    pub const fn for_tests(number: u64) -> Self {
        Self(number)
    }
}

/// Marks one fan-out, so that no session gets it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

/// One live socket.
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// The id that its client knows it by.
    pub socket_id: String,
    /// Who is behind it, fixed at the handshake.
    pub identity: Identity,
    /// Where its events go.
    pub outbox: Box<dyn Outbox>,
    /// Bounds the writes under way; taking all permits waits for them to finish.
    pub in_flight: Arc<Semaphore>,
    dialect: OnceLock<Dialect>,
    last_stamp: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The user whose events it gets.
    user: Option<UserId>,
    /// The user it said it is, which stays when it stops listening.
    asserted: Option<UserId>,
    conversations: HashSet<ConversationId>,
}

impl Session {
    /// The dialect, once it is fixed.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect.get().copied()
    }

    /// The user that this socket said it is, apart from its identity.
    pub fn asserted(&self) -> Option<UserId> {
        self.state().asserted.clone()
    }

    /// Who is behind it, as far as anybody knows.
    pub fn user(&self) -> Option<UserId> {
        self.asserted().or_else(|| self.identity.user.clone())
    }

    /// Whether an event of `dialect`, caused by a caller of `cause`, is for this socket. An
    /// undecided socket with an identity hears the dialect of whoever caused it.
    pub fn hears(&self, dialect: Dialect, cause: Dialect) -> bool {
        match self.dialect() {
            Some(own) => own == dialect,
            None => dialect == cause && self.identity.user.is_some(),
        }
    }

    /// Claims this session for a fan-out; `false` when it has had it already.
    pub fn claim(&self, stamp: Stamp) -> bool {
        self.last_stamp.swap(stamp.0, Ordering::Relaxed) != stamp.0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// All live sockets of this node.
#[derive(Default)]
pub struct Sessions {
    n_opened: AtomicU64,
    n_stamps: AtomicU64,
    all: Index<SessionId>,
    by_user: Index<UserId>,
    by_conversation: Index<ConversationId>,
}

impl Sessions {
    /// Registers a socket that was admitted. Without a dialect it is undecided, and what is
    /// addressed to its user reaches it.
    pub fn open(
        &self,
        socket_id: String,
        identity: Identity,
        dialect: Option<Dialect>,
        outbox: Box<dyn Outbox>,
    ) -> Arc<Session> {
        let session = Arc::new(Session {
            id: SessionId(self.n_opened.fetch_add(1, Ordering::Relaxed) + 1),
            socket_id,
            identity,
            outbox,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize)),
            dialect: dialect.map_or_else(OnceLock::new, OnceLock::from),
            last_stamp: AtomicU64::new(0),
            state: Mutex::default(),
        });
        self.all.add(session.id, &session);
        if dialect.is_none()
            && let Some(user) = session.identity.user.clone()
        {
            session.state().user = Some(user.clone());
            self.by_user.add(user, &session);
        }
        session
    }

    /// Fixes the dialect of an undecided socket. From now on it hears what its words ask for.
    pub fn decide(&self, session: &Arc<Session>, dialect: Dialect) {
        if session.dialect.set(dialect).is_ok() {
            self.unlisten_user(session);
        }
    }

    /// Forgets a socket. Returns the user it listened for.
    pub fn close(&self, session: &Arc<Session>) -> Option<UserId> {
        self.all.remove(&session.id, session);
        let user = self.unlisten_user(session);
        let conversations = std::mem::take(&mut session.state().conversations);
        for conversation in conversations {
            self.by_conversation.remove(&conversation, session);
        }
        user
    }

    /// Listens for a user, instead of the one before. Returns that one.
    pub fn listen_user(&self, session: &Arc<Session>, user: &UserId) -> Option<UserId> {
        let earlier = self.unlisten_user(session);
        let mut state = session.state();
        state.user = Some(user.clone());
        state.asserted = Some(user.clone());
        drop(state);
        self.by_user.add(user.clone(), session);
        earlier
    }

    /// Stops listening for a user. Returns whom it was.
    pub fn unlisten_user(&self, session: &Arc<Session>) -> Option<UserId> {
        let user = session.state().user.take()?;
        self.by_user.remove(&user, session);
        Some(user)
    }

    /// Listens to a conversation.
    pub fn listen(&self, session: &Arc<Session>, conversation: &ConversationId) -> Result<()> {
        let mut state = session.state();
        if state.conversations.contains(conversation) {
            return Ok(());
        }
        if state.conversations.len() >= MAX_CONVERSATIONS {
            return Err(Error::TooLarge("Too many conversations joined"));
        }
        state.conversations.insert(conversation.clone());
        drop(state);
        self.by_conversation.add(conversation.clone(), session);
        Ok(())
    }

    /// Stops listening to a conversation.
    pub fn unlisten(&self, session: &Arc<Session>, conversation: &ConversationId) {
        if session.state().conversations.remove(conversation) {
            self.by_conversation.remove(conversation, session);
        }
    }

    /// A mark for one fan-out.
    pub fn stamp(&self) -> Stamp {
        Stamp(self.n_stamps.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Visits every socket that listens to a conversation.
    pub fn each_of_conversation(&self, id: &ConversationId, visit: impl FnMut(&Arc<Session>)) {
        self.by_conversation.each(id, visit);
    }

    /// Visits every socket that listens for a user.
    pub fn each_of_user(&self, id: &UserId, visit: impl FnMut(&Arc<Session>)) {
        self.by_user.each(id, visit);
    }

    /// Visits every socket.
    pub fn each(&self, visit: impl FnMut(&Arc<Session>)) {
        self.all.each_value(visit);
    }
}

type Shard<K> = Mutex<HashMap<K, Vec<Arc<Session>>>>;

/// Sockets by what they listen to.
struct Index<K> {
    hasher: RandomState,
    shards: [Shard<K>; N_SHARDS],
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl<K: Hash + Eq> Index<K> {
    fn add(&self, key: K, session: &Arc<Session>) {
        let mut shard = self.shard(&key);
        shard.entry(key).or_default().push(Arc::clone(session));
    }

    fn remove(&self, key: &K, session: &Arc<Session>) {
        let mut shard = self.shard(key);
        let Some(sessions) = shard.get_mut(key) else {
            return;
        };
        if let Some(position) = sessions.iter().position(|other| other.id == session.id) {
            sessions.swap_remove(position);
        }
        if sessions.is_empty() {
            shard.remove(key);
        }
    }

    fn each(&self, key: &K, visit: impl FnMut(&Arc<Session>)) {
        if let Some(sessions) = self.shard(key).get(key) {
            sessions.iter().for_each(visit);
        }
    }

    fn each_value(&self, mut visit: impl FnMut(&Arc<Session>)) {
        for shard in &self.shards {
            lock(shard).values().flatten().for_each(&mut visit);
        }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, HashMap<K, Vec<Arc<Session>>>> {
        let index = self.hasher.hash_one(key) as usize % N_SHARDS;
        lock(&self.shards[index])
    }
}

fn lock<K>(shard: &Shard<K>) -> MutexGuard<'_, HashMap<K, Vec<Arc<Session>>>> {
    shard.lock().expect("no code panics with this lock held")
}
