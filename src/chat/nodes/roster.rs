//! Who is there on which node. Each node tells the others what changes about its own, and with every
//! sign of life how much that is in all; who missed something asks for all of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sohbet_entity::ids::{ConversationId, UserId};
use tokio::time::Instant;

use crate::chat::Dialect;

/// How long those of a node that says nothing are believed to be there. Their sockets come back to
/// other nodes meanwhile.
const SILENCE: Duration = Duration::from_secs(10);
/// Changes that wait for the others to be told.
const MAX_CHANGES: usize = 10_000;
/// Entries in one piece of news.
const MAX_TOGETHER: usize = 100;

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// A user, in a dialect.
    Online(Dialect, UserId),
    /// A socket of the public chat that has said a name.
    Named(Named),
}

/// Somebody who has said a name in the public chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The id that others know the socket by.
    pub socket_id: String,
    /// The name.
    pub name: String,
    /// Who is behind it.
    pub user: Option<UserId>,
    /// The room it is in; without one the lobby.
    pub room: Option<ConversationId>,
    /// When the name was said first.
    pub joined_at: DateTime<Utc>,
}
/// An entry, and whether it is there.
pub type Change = (Entry, bool);

/// What nodes tell each other about who is there.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RosterNews {
    /// Some came, and some went.
    Changes(Vec<Change>),
    /// All who are there follow.
    Begin,
    /// Those were all.
    End,
    /// So many are there, with this digest.
    State {
        /// How many.
        n_entries: usize,
        /// Of all of them, in no order.
        digest: u64,
    },
    /// Somebody missed something: that node is to name all who are there.
    Want {
        /// Which node.
        node: String,
    },
}

/// Who is there, here and elsewhere.
#[derive(Default)]
pub struct Roster {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    own: Entries,
    /// Those of `own` that are sockets, by their id.
    named: HashMap<String, Named>,
    /// What the others were not told yet.
    changes: Vec<Change>,
    /// Somebody wants to know all.
    is_wanted: bool,
    others: HashMap<String, Other>,
    /// On how many other nodes each is there.
    elsewhere: HashMap<Entry, usize>,
}

#[derive(Default)]
struct Entries {
    entries: HashSet<Entry>,
    digest: u64,
}

struct Other {
    known: Entries,
    heard_at: Instant,
    /// Those who were named since it began to name all.
    named: Option<HashSet<Entry>>,
    /// Its last sign of life did not fit what is known.
    is_doubtful: bool,
}

impl Entries {
    /// Whether that changed anything.
    fn set(&mut self, entry: &Entry, is_there: bool) -> bool {
        let has_changed = match is_there {
            true => self.entries.insert(entry.clone()),
            false => self.entries.remove(entry),
        };
        if has_changed {
            self.digest ^= digest(entry);
        }
        has_changed
    }
}

/// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>): the same on every node, whatever it was
/// built with.
fn digest(entry: &Entry) -> u64 {
    let bytes = serde_json::to_vec(entry).expect("our own types have string keys");
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Roster {
    /// Somebody is there on this node from now on, or no longer.
    pub fn set_own(&self, entry: Entry, is_there: bool) {
        self.inner().set_own(entry, is_there);
    }

    /// A socket of this node is called that from now on, and is there; or it is gone.
    pub fn set_named(&self, socket_id: &str, named: Option<Named>) {
        let mut inner = self.inner();
        let before = match &named {
            Some(named) => inner.named.insert(socket_id.to_owned(), named.clone()),
            None => inner.named.remove(socket_id),
        };
        if before == named {
            return;
        }
        if let Some(before) = before {
            inner.set_own(Entry::Named(before), false);
        }
        if let Some(named) = named {
            inner.set_own(Entry::Named(named), true);
        }
    }

    /// Whether somebody is there on another node.
    pub fn is_elsewhere(&self, entry: &Entry) -> bool {
        self.inner().elsewhere.contains_key(entry)
    }

    /// Everybody who is there in a dialect on other nodes, in no order.
    pub fn elsewhere(&self, dialect: Dialect) -> Vec<UserId> {
        let inner = self.inner();
        let of_dialect = inner.elsewhere.keys().filter_map(|entry| match entry {
            Entry::Online(other, user) if *other == dialect => Some(user.clone()),
            _ => None,
        });
        of_dialect.collect()
    }

    /// What the others are to be told since they were told last.
    pub fn take_news(&self) -> Vec<RosterNews> {
        let mut inner = self.inner();
        let changes = std::mem::take(&mut inner.changes);
        let mut news = Vec::new();
        if std::mem::take(&mut inner.is_wanted) {
            let all: Vec<Change> = inner
                .own
                .entries
                .iter()
                .map(|it| (it.clone(), true))
                .collect();
            news.push(RosterNews::Begin);
            news.extend(together(&all));
            news.push(RosterNews::End);
        } else {
            news.extend(together(&changes));
        }
        news
    }

    /// How much there is in all, for a sign of life.
    pub fn state(&self) -> RosterNews {
        let inner = self.inner();
        RosterNews::State {
            n_entries: inner.own.entries.len(),
            digest: inner.own.digest,
        }
    }

    /// Takes what another node says. Returns who came to be, or ceased to be, on other nodes by that,
    /// and what is to be asked for.
    pub fn hear(
        &self,
        own: &str,
        node: &str,
        news: RosterNews,
    ) -> (Vec<Change>, Option<RosterNews>) {
        let mut inner = self.inner();
        let Inner {
            others,
            elsewhere,
            is_wanted,
            ..
        } = &mut *inner;
        let other = others.entry(node.to_owned()).or_insert_with(Other::new);
        other.heard_at = Instant::now();
        match news {
            RosterNews::Changes(changes) => {
                if let Some(named) = &mut other.named {
                    named.extend(changes.iter().map(|(entry, _)| entry.clone()));
                }
                (other.apply(changes, elsewhere), None)
            }
            RosterNews::Begin => {
                other.named = Some(HashSet::new());
                (Vec::new(), None)
            }
            RosterNews::End => (other.forget_unnamed(elsewhere), None),
            RosterNews::State { n_entries, digest } => {
                let fits = other.known.entries.len() == n_entries && other.known.digest == digest;
                // The first time it may be only late.
                let was_doubtful = std::mem::replace(&mut other.is_doubtful, !fits);
                let is_wrong = !fits && was_doubtful;
                let want = || RosterNews::Want {
                    node: node.to_owned(),
                };
                (Vec::new(), is_wrong.then(want))
            }
            RosterNews::Want { node } => {
                *is_wanted |= node == own;
                (Vec::new(), None)
            }
        }
    }

    /// Forgets nodes that say nothing. Returns who ceased to be on other nodes by that.
    pub fn forget_silent(&self) -> Vec<Change> {
        let mut inner = self.inner();
        let Inner {
            others, elsewhere, ..
        } = &mut *inner;
        let mut gone = Vec::new();
        others.retain(|_, other| {
            let is_silent = other.heard_at.elapsed() >= SILENCE;
            if is_silent {
                let all = other.known.entries.iter().map(|it| (it.clone(), false));
                gone.extend(other.apply(all.collect(), elsewhere));
            }
            !is_silent
        });
        gone
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Inner {
    fn set_own(&mut self, entry: Entry, is_there: bool) {
        if !self.own.set(&entry, is_there) {
            return;
        }
        match self.changes.len() < MAX_CHANGES {
            true => self.changes.push((entry, is_there)),
            // All who are there are fewer than all that happened.
            false => self.is_wanted = true,
        }
    }
}

impl Other {
    fn new() -> Self {
        Self {
            known: Entries::default(),
            heard_at: Instant::now(),
            named: None,
            is_doubtful: false,
        }
    }

    fn apply(
        &mut self,
        changes: Vec<Change>,
        elsewhere: &mut HashMap<Entry, usize>,
    ) -> Vec<Change> {
        let mut made = Vec::new();
        for (entry, is_there) in changes {
            if !self.known.set(&entry, is_there) {
                continue;
            }
            let n_nodes = elsewhere.entry(entry.clone()).or_default();
            *n_nodes = match is_there {
                true => *n_nodes + 1,
                false => n_nodes.saturating_sub(1),
            };
            let n_nodes = *n_nodes;
            if n_nodes == 0 {
                elsewhere.remove(&entry);
            }
            if n_nodes == usize::from(is_there) {
                made.push((entry, is_there));
            }
        }
        made
    }

    fn forget_unnamed(&mut self, elsewhere: &mut HashMap<Entry, usize>) -> Vec<Change> {
        let Some(named) = self.named.take() else {
            return Vec::new();
        };
        let unnamed = self.known.entries.difference(&named);
        let unnamed = unnamed.map(|entry| (entry.clone(), false)).collect();
        self.is_doubtful = false;
        self.apply(unnamed, elsewhere)
    }
}

fn together(changes: &[Change]) -> impl Iterator<Item = RosterNews> {
    let parts = changes.chunks(MAX_TOGETHER);
    parts.map(|part| RosterNews::Changes(part.to_vec()))
}

#[cfg(test)]
mod tests;
