//! Sockets by what they listen to.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Session;

/// Parts of an index, so that joins and fan-outs rarely wait for each other.
const N_SHARDS: usize = 16;

type Shard<K> = Mutex<HashMap<K, Vec<Arc<Session>>>>;

/// Sockets by one kind of thing that they listen to.
pub struct Index<K> {
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
    pub fn add(&self, key: K, session: &Arc<Session>) {
        let mut shard = self.shard(&key);
        shard.entry(key).or_default().push(Arc::clone(session));
    }

    pub fn remove(&self, key: &K, session: &Arc<Session>) {
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

    pub fn each(&self, key: &K, visit: impl FnMut(&Arc<Session>)) {
        if let Some(sessions) = self.shard(key).get(key) {
            sessions.iter().for_each(visit);
        }
    }

    pub fn has(&self, key: &K) -> bool {
        self.shard(key).contains_key(key)
    }

    pub fn each_value(&self, mut visit: impl FnMut(&Arc<Session>)) {
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
    // Visitors encode events under this lock. One that panics has changed nothing here, and must not
    // silence everybody else in the shard.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
