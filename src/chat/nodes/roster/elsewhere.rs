//! Who is there on other nodes, all of them together.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sohbet_entity::ids::UserId;

use super::Entry;
use crate::chat::Dialect;

/// Who is there on other nodes.
#[derive(Default)]
pub struct Elsewhere {
    /// On how many of them each is there.
    n_nodes: HashMap<Entry, usize>,
    /// Since when users are online, once for each node that says so.
    online: HashMap<(Dialect, UserId), Vec<DateTime<Utc>>>,
}

impl Elsewhere {
    /// Notes that somebody is there on a node, or no longer. Says whether that was the first of the
    /// nodes, or the last.
    pub fn set(&mut self, entry: &Entry, is_there: bool) -> bool {
        let n_nodes = match entry {
            Entry::Online(dialect, user, since) => {
                self.set_online(*dialect, user, *since, is_there)
            }
            entry => self.count(entry, is_there),
        };
        n_nodes == usize::from(is_there)
    }

    fn count(&mut self, entry: &Entry, is_there: bool) -> usize {
        let n_nodes = self.n_nodes.entry(entry.clone()).or_default();
        *n_nodes = match is_there {
            true => *n_nodes + 1,
            false => n_nodes.saturating_sub(1),
        };
        let n_nodes = *n_nodes;
        if n_nodes == 0 {
            self.n_nodes.remove(entry);
        }
        n_nodes
    }

    fn set_online(
        &mut self,
        dialect: Dialect,
        user: &UserId,
        since: DateTime<Utc>,
        is_there: bool,
    ) -> usize {
        let key = (dialect, user.clone());
        let times = self.online.entry(key.clone()).or_default();
        if is_there {
            times.push(since);
        } else if let Some(position) = times.iter().position(|time| *time == since) {
            times.swap_remove(position);
        }
        let n_nodes = times.len();
        if n_nodes == 0 {
            self.online.remove(&key);
        }
        n_nodes
    }

    /// Whether somebody who is not counted as online is there.
    pub fn has(&self, entry: &Entry) -> bool {
        self.n_nodes.contains_key(entry)
    }

    /// Since when a user is online.
    pub fn online_since(&self, dialect: Dialect, user: &UserId) -> Option<DateTime<Utc>> {
        let times = self.online.get(&(dialect, user.clone()))?;
        times.iter().min().copied()
    }

    /// Everybody who is online in a dialect, and since when.
    pub fn online(&self, dialect: Dialect) -> Vec<(UserId, DateTime<Utc>)> {
        let of_dialect = self
            .online
            .iter()
            .filter(|((other, _), _)| *other == dialect);
        let earliest = of_dialect
            .filter_map(|((_, user), times)| Some((user.clone(), times.iter().min().copied()?)));
        earliest.collect()
    }
}
