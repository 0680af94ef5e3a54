//! Logins of the host application: found in its table or by asking it, and asked about again while
//! their sockets live, so that a socket ends when its login does.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::access::cookie;
use super::{Chat, Session};
use crate::auth::{Identity, Shown};
use crate::error::Result;
use crate::store;
use crate::worker::Ticks;

/// How often live sockets are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Sockets whose login is asked about in one look; others wait for the next one.
const MAX_ASKED: usize = 256;

impl Chat {
    /// The identity behind a login of the host application: a cookie whose session is in its table in
    /// the same database, or cookies that it knows when it is asked.
    pub async fn find_login(&self, cookies: Option<&str>) -> Result<Option<Identity>> {
        let in_table = match cookies.and_then(|cookies| cookie(cookies, "session_token")) {
            Some(token) => self.store.find_login(token).await?,
            None => None,
        };
        let found = match (in_table, Shown::new(cookies, None)) {
            (Some(user), _) => Some(self.auth.logged_in(user)),
            (None, Some(shown)) => self.auth.ask_application(&shown).await?,
            (None, None) => None,
        };
        match found {
            Some(identity) => self.check_account(identity).await.map(Some),
            None => Ok(None),
        }
    }

    /// Asks the host application again about sockets that it let in, until told to stop; the body of a
    /// worker.
    pub async fn watch_logins(&self, stop: CancellationToken) {
        let Some(recheck) = self.auth.recheck() else {
            return;
        };
        let recheck = TimeDelta::from_std(recheck).unwrap_or(TimeDelta::MAX);
        let mut ticks = Ticks::new(TICK, &stop);
        while ticks.next().await {
            let due = self.logins_due(store::now(), recheck);
            tokio::select! {
                () = stop.cancelled() => return,
                _ = join_all(due.iter().map(|session| self.ask_again(session))) => {}
            }
        }
    }

    /// Sockets whose login was not asked about for long, or is over unless the application says
    /// otherwise. They are gathered first: closing one may need the lock that visiting them holds.
    fn logins_due(&self, now: DateTime<Utc>, recheck: TimeDelta) -> Vec<Arc<Session>> {
        let mut due = Vec::new();
        self.sessions.each(|session| {
            if due.len() < MAX_ASKED && session.identity().shown.is_some() {
                let asked_at = session.asked_at();
                let has_ended = |end: DateTime<Utc>| asked_at < end && end <= now;
                let is_old = asked_at + recheck <= now;
                if is_old || session.expires_at().is_some_and(has_ended) {
                    due.push(Arc::clone(session));
                }
            }
        });
        due
    }

    async fn ask_again(&self, session: &Session) {
        let Some(shown) = &session.identity().shown else {
            return;
        };
        session.note_asked(store::now());
        match self.auth.ask_application(shown).await {
            Ok(Some(new)) if session.is_still(&new) => session.renew(&new),
            // It may come back with another login, so it is not thrown out.
            Ok(_) => session.outbox.close(),
            // Until the application answers, its last word holds, at most until the login's end.
            Err(_) => {}
        }
    }
}
