//! Logins of the host application: found in its table or by asking it, and asked about again while
//! their sockets live, so that a socket ends when its login does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all};
use tokio_util::sync::CancellationToken;

use super::access::cookie;
use super::{Chat, Session};
use crate::auth::{Identity, SessionToken, Shown};
use crate::error::Result;
use crate::store::{self, Fault, LoginRow};
use crate::worker::Ticks;

/// How often live sockets are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Sockets whose login is asked about in one look; others wait for the next one.
const MAX_ASKED: usize = 256;
/// How long the table of the host application is believed about a live socket: one statement finds the
/// sessions of many, so it is asked more often than the application itself.
const TABLE_RECHECK: TimeDelta = TimeDelta::seconds(5);

impl Chat {
    /// The identity behind a login of the host application: a cookie whose session is in its table in
    /// the same database, or cookies that it knows when it is asked.
    pub async fn find_login(&self, cookies: Option<&str>) -> Result<Option<Identity>> {
        let in_table = match cookies.and_then(|cookies| cookie(cookies, "session_token")) {
            Some(token) => self.store.find_logins(&[token]).await?.pop(),
            None => None,
        };
        let found = match (in_table, Shown::new(cookies, None)) {
            (Some(row), _) => Some(self.logged_in(row)),
            (None, Some(shown)) => self.auth.ask_application(&shown).await?,
            (None, None) => None,
        };
        match found {
            Some(identity) => self.check_account(identity).await.map(Some),
            None => Ok(None),
        }
    }

    fn logged_in(&self, row: LoginRow) -> Identity {
        let session = SessionToken::from(row.token);
        self.auth.logged_in(row.user, session, row.expires_at)
    }

    /// Asks the host application, and its table, again about sockets that they let in, until told to
    /// stop; the body of a worker.
    pub async fn watch_logins(&self, stop: CancellationToken) {
        let recheck = self.auth.recheck();
        if recheck.is_none() && !self.store.has_logins() {
            return;
        }
        let recheck = recheck.and_then(|recheck| TimeDelta::from_std(recheck).ok());
        let mut ticks = Ticks::new(TICK, &stop);
        let mut is_checked = true;
        while ticks.next().await {
            let now = store::now();
            let due = recheck.map(|recheck| self.logins_due(now, recheck));
            let due = due.unwrap_or_default();
            let asked = join_all(due.iter().map(|session| self.ask_again(session)));
            let looked_up = store::in_time(self.look_up_again(now));
            let checked = tokio::select! {
                () = stop.cancelled() => return,
                (_, checked) = join(asked, looked_up) => checked,
            };
            if let Err(fault) = checked
                && is_checked
            {
                tracing::warn!(%fault, "the sessions of live sockets cannot be looked up");
            }
            is_checked = checked.is_ok();
        }
    }

    /// Closes the sockets whose sessions are no longer in the table, and notes when the others end.
    async fn look_up_again(&self, now: DateTime<Utc>) -> Result<(), Fault> {
        let due = self.sessions_due(now);
        let tokens: Vec<&str> = due.iter().map(|(_, token)| token.as_str()).collect();
        let found = self.store.find_logins(&tokens).await?;
        let found: HashMap<String, LoginRow> = found
            .into_iter()
            .map(|row| (row.token.clone(), row))
            .collect();
        for (session, token) in &due {
            session.note_asked(now);
            let login = found.get(token.as_str()).cloned();
            match login.map(|row| self.logged_in(row)) {
                // It is the same login as before, however often it was looked up.
                Some(login) if session.is_still(&login) => session.renew(Identity {
                    issued_at: session.issued_at(),
                    ..login
                }),
                // It may come back with another login, so it is not thrown out.
                _ => session.end(),
            }
        }
        Ok(())
    }

    /// Sockets whose sessions were not looked up for long, or are over. They are gathered first, as all
    /// that may be closed.
    fn sessions_due(&self, now: DateTime<Utc>) -> Vec<(Arc<Session>, SessionToken)> {
        let mut due = Vec::new();
        self.sessions.each(|session| {
            if let Some(token) = session.login(|login| login.session.clone())
                && session.asked_at() + TABLE_RECHECK <= now
            {
                due.push((Arc::clone(session), token));
            }
        });
        due
    }

    /// Sockets whose login was not asked about for long, or is over unless the application says
    /// otherwise. They are gathered first: closing one may need the lock that visiting them holds.
    fn logins_due(&self, now: DateTime<Utc>, recheck: TimeDelta) -> Vec<Arc<Session>> {
        let mut due = Vec::new();
        self.sessions.each(|session| {
            if due.len() < MAX_ASKED && session.login(|login| login.shown.is_some()) {
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
        let Some(shown) = session.login(|login| login.shown.clone()) else {
            return;
        };
        session.note_asked(store::now());
        match self.auth.ask_application(&shown).await {
            Ok(Some(new)) if session.is_still(&new) => session.renew(new),
            // It may come back with another login, so it is not thrown out.
            Ok(_) => session.end(),
            // Until the application answers, its last word holds, at most until the login's end.
            Err(_) => {}
        }
    }
}
