//! Who is there on which node. Each node tells the others what changes about its own, before anything
//! that they do, and with every sign of life how much that is in all; who missed something asks for all
//! of it.

mod elsewhere;
mod entries;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sohbet_entity::ids::UserId;
use tokio::sync::Notify;
use tokio::time::Instant;

use elsewhere::Elsewhere;
use entries::Entries;
pub use entries::{Change, Entry, Named, RosterNews, Stay};

use crate::chat::Dialect;

/// How long those of a node that says nothing are believed to be there. Their sockets come back to
/// other nodes meanwhile.
const SILENCE: Duration = Duration::from_secs(10);
/// Changes that wait for the others to be told.
const MAX_CHANGES: usize = 10_000;
/// Entries in one piece of news.
const MAX_TOGETHER: usize = 100;

/// Who is there, here and elsewhere.
#[derive(Default)]
pub struct Roster {
    inner: Mutex<Inner>,
    has_news: Notify,
}

#[derive(Default)]
struct Inner {
    own: Entries,
    /// Those of `own` that are sockets, by their id.
    named: HashMap<String, Named>,
    /// Those who may have come or gone; whether they are there is looked at when the others are told.
    touched: HashSet<Entry>,
    /// What the others were not told yet.
    changes: Vec<Change>,
    /// The others are to name all who are there on them.
    is_greeting: bool,
    /// Somebody wants to know all.
    is_wanted: bool,
    others: HashMap<String, Other>,
    elsewhere: Elsewhere,
    /// Since when others can be heard; `None` while they cannot.
    hears_since: Option<Instant>,
}

struct Other {
    known: Entries,
    heard_at: Instant,
    /// Those who were named since it began to name all.
    named: Option<HashSet<Entry>>,
    /// Its last sign of life did not fit what is known.
    is_doubtful: bool,
}

impl Roster {
    /// Somebody is there on this node from now on, or no longer.
    pub fn set_own(&self, entry: Entry, is_there: bool) {
        self.inner().set_own(entry, is_there);
        self.has_news.notify_one();
    }

    /// Somebody may have come to this node, or gone.
    pub fn touch(&self, entry: Entry) {
        self.inner().touched.insert(entry);
        self.has_news.notify_one();
    }

    /// Waits until there is something to tell the others.
    pub async fn wait_for_news(&self) {
        self.has_news.notified().await;
    }

    /// Others can be heard from now on: they are asked who is there.
    pub fn greet(&self) {
        let mut inner = self.inner();
        inner.is_greeting = true;
        inner.hears_since = Some(Instant::now());
        drop(inner);
        self.has_news.notify_one();
    }

    /// Nobody can be heard from now on, and that says nothing about who is there.
    pub fn stop_hearing(&self) {
        self.inner().hears_since = None;
    }

    /// Others are to be told all who are here.
    pub fn name_all(&self) {
        self.inner().is_wanted = true;
        self.has_news.notify_one();
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
        // In this order nobody is gone in between.
        if let Some(named) = named {
            inner.set_own(Entry::Named(named), true);
        }
        if let Some(before) = before {
            inner.set_own(Entry::Named(before), false);
        }
        drop(inner);
        self.has_news.notify_one();
    }

    /// Whether a socket of this node is among those of the public chat.
    pub fn has_named(&self, socket_id: &str) -> bool {
        self.inner().named.contains_key(socket_id)
    }

    /// Whether somebody is there on another node.
    pub fn is_elsewhere(&self, entry: &Entry) -> bool {
        self.inner().elsewhere.has(entry)
    }

    /// Whether a socket listens for a user on another node.
    pub fn is_connected_elsewhere(&self, user: &UserId) -> bool {
        let inner = self.inner();
        let dialects = Dialect::ALL.into_iter().map(Some).chain([None]);
        let mut entries = dialects.map(|dialect| Entry::Connected(dialect, user.clone()));
        entries.any(|entry| inner.elsewhere.has(&entry))
    }

    /// Whether a user is online in a dialect on another node.
    pub fn is_online_elsewhere(&self, dialect: Dialect, user: &UserId) -> bool {
        let inner = self.inner();
        inner.elsewhere.online_since(dialect, user).is_some()
    }

    /// Everybody who is online in a dialect on other nodes, and since when, in no order.
    pub fn online_elsewhere(&self, dialect: Dialect) -> Vec<(UserId, DateTime<Utc>)> {
        self.inner().elsewhere.online(dialect)
    }

    /// What the others are to be told since they were told last. `is_there` says whether those are
    /// there who were touched. Without listeners it is only asked who else is there: whoever comes asks.
    pub fn take_news(
        &self,
        has_listeners: bool,
        is_there: impl Fn(&Entry) -> bool,
    ) -> Vec<RosterNews> {
        let touched = std::mem::take(&mut self.inner().touched);
        let touched: Vec<Change> = touched
            .into_iter()
            .map(|entry| (entry.clone(), is_there(&entry)))
            .collect();
        let mut inner = self.inner();
        for (entry, is_there) in touched {
            inner.set_own(entry, is_there);
        }
        let changes = std::mem::take(&mut inner.changes);
        let mut news = Vec::new();
        if std::mem::take(&mut inner.is_greeting) {
            news.push(RosterNews::Hello);
        }
        if !has_listeners {
            return news;
        }
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
                self.has_news.notify_one();
                (Vec::new(), None)
            }
            RosterNews::Hello => {
                *is_wanted = true;
                self.has_news.notify_one();
                (Vec::new(), None)
            }
            RosterNews::Bye => (other.forget_sockets(elsewhere), None),
        }
    }

    /// Forgets nodes that say nothing although they could be heard. Returns who ceased to be on other
    /// nodes by that.
    pub fn forget_silent(&self) -> Vec<Change> {
        let mut inner = self.inner();
        let Inner {
            others,
            elsewhere,
            hears_since: Some(hears_since),
            ..
        } = &mut *inner
        else {
            return Vec::new();
        };
        let mut gone = Vec::new();
        others.retain(|_, other| {
            let is_silent = other.heard_at.max(*hears_since).elapsed() >= SILENCE;
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

    fn apply(&mut self, changes: Vec<Change>, elsewhere: &mut Elsewhere) -> Vec<Change> {
        let mut made = Vec::new();
        for (entry, is_there) in changes {
            if self.known.set(&entry, is_there) && elsewhere.set(&entry, is_there) {
                made.push((entry, is_there));
            }
        }
        made
    }

    fn forget_sockets(&mut self, elsewhere: &mut Elsewhere) -> Vec<Change> {
        let sockets = self.known.entries.iter().filter(|it| it.is_of_sockets());
        let sockets = sockets.map(|entry| (entry.clone(), false)).collect();
        self.apply(sockets, elsewhere)
    }

    fn forget_unnamed(&mut self, elsewhere: &mut Elsewhere) -> Vec<Change> {
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
