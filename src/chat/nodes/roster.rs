//! Who is there on which node. Each node tells the others what changes about its own, and with every
//! sign of life how much that is in all; who missed something asks for all of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sohbet_entity::ids::UserId;
use tokio::time::Instant;

use crate::chat::Dialect;

/// How long those of a node that says nothing are believed to be there. Their sockets come back to
/// other nodes meanwhile.
const SILENCE: Duration = Duration::from_secs(10);
/// Changes that wait for the others to be told.
const MAX_CHANGES: usize = 10_000;
/// Entries in one piece of news.
const MAX_TOGETHER: usize = 100;

/// Somebody who is there in a dialect.
pub type Entry = (Dialect, UserId);
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
fn digest((dialect, user): &Entry) -> u64 {
    let bytes = dialect
        .name()
        .bytes()
        .chain([0])
        .chain(user.as_str().bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Roster {
    /// Somebody is there on this node from now on, or no longer.
    pub fn set_own(&self, entry: Entry, is_there: bool) {
        let mut inner = self.inner();
        if !inner.own.set(&entry, is_there) {
            return;
        }
        match inner.changes.len() < MAX_CHANGES {
            true => inner.changes.push((entry, is_there)),
            // All of them are less than all that happened.
            false => inner.is_wanted = true,
        }
    }

    /// Whether somebody is there on another node.
    pub fn is_elsewhere(&self, entry: &Entry) -> bool {
        self.inner().elsewhere.contains_key(entry)
    }

    /// Everybody who is there in a dialect on other nodes, in no order.
    pub fn elsewhere(&self, dialect: Dialect) -> Vec<UserId> {
        let inner = self.inner();
        let of_dialect = inner.elsewhere.keys().filter(|(it, _)| *it == dialect);
        of_dialect.map(|(_, user)| user.clone()).collect()
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
                let is_wrong = !fits && std::mem::replace(&mut other.is_doubtful, !fits);
                other.is_doubtful = !fits;
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
mod tests {
    use super::*;

    fn entry(user: &str) -> Entry {
        (Dialect::ALL[0], user.into())
    }

    /// Lets `to` hear what `from` has to say. What changed there, and what it asks.
    fn tell(from: &Roster, name: &str, to: &Roster) -> Vec<Change> {
        let news = from.take_news();
        news.into_iter()
            .flat_map(|news| to.hear("to", name, news).0)
            .collect()
    }

    #[test]
    fn who_comes_and_goes_on_one_node_is_known_on_the_other() {
        let (a, b) = (Roster::default(), Roster::default());
        a.set_own(entry("ali"), true);
        assert_eq!(tell(&a, "a", &b), [(entry("ali"), true)]);
        assert!(b.is_elsewhere(&entry("ali")) && !a.is_elsewhere(&entry("ali")));
        assert_eq!(b.elsewhere(Dialect::ALL[0]), ["ali".into()]);
        a.set_own(entry("ali"), false);
        assert_eq!(tell(&a, "a", &b), [(entry("ali"), false)]);
        assert!(!b.is_elsewhere(&entry("ali")));
    }

    #[test]
    fn who_is_on_two_nodes_goes_with_the_second() {
        let (a, b, c) = (Roster::default(), Roster::default(), Roster::default());
        for (name, node) in [("a", &a), ("b", &b)] {
            node.set_own(entry("ali"), true);
            tell(node, name, &c);
        }
        a.set_own(entry("ali"), false);
        assert!(tell(&a, "a", &c).is_empty());
        b.set_own(entry("ali"), false);
        assert_eq!(tell(&b, "b", &c), [(entry("ali"), false)]);
    }

    #[test]
    fn what_was_missed_is_asked_for() {
        let (a, b) = (Roster::default(), Roster::default());
        for user in ["ali", "veli"] {
            a.set_own(entry(user), true);
        }
        tell(&a, "a", &b);
        a.set_own(entry("ali"), false);
        a.set_own(entry("can"), true);
        a.take_news(); // lost on the way
        assert_eq!(b.hear("b", "a", a.state()), (Vec::new(), None));
        let (_, want) = b.hear("b", "a", a.state());
        a.hear("a", "b", want.expect("it does not fit for the second time"));
        let mut changes = tell(&a, "a", &b);
        changes.sort_by_key(|((_, user), _)| user.to_string());
        assert_eq!(changes, [(entry("ali"), false), (entry("can"), true)]);
        assert_eq!(b.hear("b", "a", a.state()).1, None);
        assert_eq!(b.hear("b", "a", a.state()).1, None);
    }

    #[tokio::test(start_paused = true)]
    async fn those_of_a_silent_node_are_gone_after_a_while() {
        let (a, b) = (Roster::default(), Roster::default());
        a.set_own(entry("ali"), true);
        tell(&a, "a", &b);
        tokio::time::advance(SILENCE / 2).await;
        b.hear("b", "a", a.state());
        tokio::time::advance(SILENCE / 2).await;
        assert!(b.forget_silent().is_empty());
        tokio::time::advance(SILENCE).await;
        assert_eq!(b.forget_silent(), [(entry("ali"), false)]);
        assert!(!b.is_elsewhere(&entry("ali")));
    }
}
