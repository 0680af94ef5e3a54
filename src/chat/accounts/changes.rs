//! Changes of users, made on whatever node or by a command: made true here, each once. The node that makes
//! one tells the others; who does not hear of it, and who was not there to tell it, finds it in the store.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use sohbet_entity::ids::UserId;

use crate::chat::{Chat, Profile, Session};
use crate::store::{Fault, NumberedChange, UserChange};

/// Changes that were heard of before they were found in the store. One more is made true twice.
const MAX_AHEAD: usize = 10_000;

/// Which changes were made true here.
#[derive(Default)]
pub struct Changes {
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// All up to this one; `None` before the store was looked at.
    seen: Option<i64>,
    /// Later ones.
    ahead: BTreeSet<i64>,
}

impl Changes {
    fn seen(&self) -> Option<i64> {
        self.progress().seen
    }

    /// Notes that all up to `last` were found, by who began when `from` was the last. A number that is
    /// lower than before is that of another database.
    fn note_seen(&self, from: Option<i64>, last: i64) {
        let mut progress = self.progress();
        if progress.seen == from {
            progress.seen = Some(last);
            progress.ahead.retain(|number| *number > last);
        }
    }

    /// Whether a change is still to be made true, which the caller does. Nobody knows of a change without
    /// a number.
    fn claim(&self, number: i64) -> bool {
        let mut progress = self.progress();
        if number <= 0 {
            return true;
        }
        if progress.seen.is_some_and(|seen| number <= seen) {
            return false;
        }
        progress.ahead.len() >= MAX_AHEAD || progress.ahead.insert(number)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Chat {
    /// Makes a change true here, unless it was before.
    pub(in crate::chat) fn follow_change(&self, change: &NumberedChange) {
        self.follow_all(std::slice::from_ref(change));
    }

    /// Makes true what was changed since the last time.
    pub(super) async fn follow_changes(&self) -> Result<(), Fault> {
        let changes = &self.accounts.changes;
        let (seen, last) = (changes.seen(), self.store.count_user_changes().await?);
        if seen == Some(last) {
            return Ok(());
        }
        let listed = match seen {
            Some(seen) => self.store.list_user_changes(seen, last).await?,
            None => None,
        };
        match listed {
            Some(listed) => self.follow_all(&listed),
            None => self.look_at_everybody().await?,
        }
        changes.note_seen(seen, last);
        Ok(())
    }

    /// What is believed about the logins and tokens of a user is asked for anew.
    pub(super) fn forget_logins(&self, user: &UserId) {
        self.accounts.slots.remove(user);
        self.tokens.forget_lookups();
    }

    fn follow_all(&self, changes: &[NumberedChange]) {
        let is_new = |change: &&NumberedChange| self.accounts.changes.claim(change.number);
        let changes: Vec<_> = changes.iter().filter(is_new).collect();
        if changes.is_empty() {
            return;
        }
        // First of all, so that whoever comes meanwhile is who they are now.
        for change in &changes {
            self.forget_profile(&change.user);
        }
        let users: HashSet<_> = changes.iter().map(|change| &change.user).collect();
        let sessions = self.sessions_by_user(|user| users.contains(user));
        for change in changes {
            let own = sessions.get(&change.user).map_or(&[][..], Vec::as_slice);
            match &change.change {
                UserChange::Login => {
                    // Who is cut off comes back at once, and must not be believed from before.
                    self.forget_logins(&change.user);
                    self.accounts.look_soon();
                }
                UserChange::Gallery { old, new } => {
                    self.move_sessions(own, old.as_ref(), new.as_ref());
                }
                UserChange::Role => close_with_role_of_user(own),
            }
        }
    }

    /// Nobody knows what was changed: what is in memory is compared with the store.
    async fn look_at_everybody(&self) -> Result<(), Fault> {
        self.accounts.slots.clear();
        self.tokens.forget_lookups();
        self.accounts.look_soon();
        let sessions = self.sessions_by_user(|_| true);
        let users: Vec<_> = sessions.keys().collect();
        let rows = self.store.find_users(&users).await?;
        let known = rows.into_iter().map(|row| {
            let known = self.peek_profile(&row.id);
            (known, Profile::from(row))
        });
        let known: Vec<_> = known.collect();
        self.forget_profiles();
        for (before, now) in known {
            let own = &sessions[&now.id];
            let old = before.as_ref().and_then(|before| before.gallery.as_ref());
            self.move_sessions(own, old, now.gallery.as_ref());
            if before.is_some_and(|before| before.role != now.role) {
                close_with_role_of_user(own);
            }
        }
        Ok(())
    }

    /// Live sockets by the user who is behind them. They are gathered first: closing one may need the
    /// lock that visiting them holds.
    fn sessions_by_user(
        &self,
        is_wanted: impl Fn(&UserId) -> bool,
    ) -> HashMap<UserId, Vec<Arc<Session>>> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        self.sessions.each(|session| {
            if let Some(user) = session.user().filter(&is_wanted) {
                found.entry(user).or_default().push(Arc::clone(session));
            }
        });
        found
    }
}

/// Closes the sockets whose login names no role: their role is that of the user, and they may be where
/// the new one lets nobody. They come back with the new one.
fn close_with_role_of_user(sessions: &[Arc<Session>]) {
    for session in sessions {
        let identity = session.identity();
        if identity.role.is_none() && !identity.is_program() {
            session.outbox.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_made_true_once_whether_it_is_told_or_found_first() {
        let changes = Changes::default();
        assert!(changes.claim(7), "told before the store was looked at");
        assert!(!changes.claim(7));
        changes.note_seen(None, 6);
        assert!(!changes.claim(7), "now it is found");
        assert!(changes.claim(8));
        changes.note_seen(Some(6), 8);
        assert!(!changes.claim(8) && !changes.claim(7));
        assert!(changes.claim(9), "what comes later is new");
        assert!(changes.claim(0) && changes.claim(0), "one without a number");
    }

    #[test]
    fn an_older_look_does_not_take_back_what_a_newer_one_found() {
        let changes = Changes::default();
        changes.note_seen(None, 3);
        changes.note_seen(Some(3), 5);
        changes.note_seen(Some(3), 4);
        assert_eq!(changes.seen(), Some(5));
    }
}
