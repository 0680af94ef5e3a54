//! Logins that end while their sockets live: the client is sent away, to connect anew with what it has by
//! then. Where the dialect asks for it, it is warned before and may show a new token.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::dialects::Feature;
use super::{Chat, Client, DeskEvent, Event, Session};
use crate::auth::{Credentials, Identity, REFUSAL, Shown};
use crate::error::{Error, Result};
use crate::store;
use crate::worker::Ticks;

/// How long before its end a client is warned.
const WARNING: TimeDelta = TimeDelta::seconds(60);
/// How often tokens are looked at.
const TICK: Duration = Duration::from_millis(500);

impl Chat {
    /// Lets a socket go on under a new token, which must say the same of the same user: who is
    /// behind a socket never changes. Returns when the new token ends.
    pub(super) async fn refresh_token(
        &self,
        session: &Session,
        token: String,
    ) -> Result<Option<DateTime<Utc>>> {
        let credentials = Credentials {
            shown: Shown::new(None, Some(&token)),
            ..Credentials::of_token(token)
        };
        let (old, new) = (session.identity(), self.identify_anew(credentials).await?);
        // What an API token permits is its own; it cannot stand in for another one.
        if !session.is_still(&new) || new.grant.is_some() || old.grant.is_some() {
            return Err(Error::Forbidden("Not a token of this user"));
        }
        session.renew(new);
        Ok(session.expires_at())
    }

    /// Who shows a token on a socket that is open. One that is no good counts like one that is shown at the
    /// door: each may be a question to the host application.
    async fn identify_anew(&self, credentials: Credentials) -> Result<Identity> {
        let client = Client::current();
        self.limits.check_logins(&client)?;
        let identified = self.identify(credentials).await;
        let identified = identified.and_then(|identity| match identity.user {
            Some(_) => Ok(identity),
            None => Err(REFUSAL),
        });
        if let Err(Error::Unauthenticated(_)) = identified {
            self.limits.note_failed_login(&client);
        }
        identified
    }

    /// Warns and closes sockets whose tokens end, again and again until told to stop; the body of
    /// a worker. It does without the store, which may not answer.
    pub async fn watch_expiry(&self, stop: CancellationToken) {
        let mut ticks = Ticks::new(TICK, &stop);
        while ticks.next().await {
            self.check_expiry(store::now()).await;
        }
    }

    async fn check_expiry(&self, now: DateTime<Utc>) {
        let mut warnings = Vec::new();
        for (session, end) in self.ending_sessions(now) {
            let grant = session.identity().grant.as_ref();
            if grant.is_some_and(|grant| grant.has_expired(now)) {
                self.cut(&session);
            } else if grant.is_none() && end + self.auth.leeway() <= now {
                // It may come back with another token, so it is not thrown out.
                session.end();
            } else if warns(&session)
                && let Some(viewer) = session.viewer()
                && session.note_warning(end)
            {
                // Who does not listen yet is warned at the next look.
                warnings.push(DeskEvent::Expiring {
                    user: viewer.user,
                    session: session.id,
                    expires_at: end,
                });
            }
        }
        // Telling may take a moment, and no end waits for that.
        for warning in warnings {
            self.publish(Event::Desk(warning)).await;
        }
    }

    /// Sockets whose logins end soon. They are gathered first: closing one may need the lock that
    /// visiting them holds.
    fn ending_sessions(&self, now: DateTime<Utc>) -> Vec<(Arc<Session>, DateTime<Utc>)> {
        let mut ending = Vec::new();
        self.sessions.each(|session| {
            let end = session.expires_at();
            if let Some(end) = end.filter(|end| *end - WARNING <= now) {
                ending.push((Arc::clone(session), end));
            }
        });
        ending
    }
}

/// Whether the dialect of a socket has a word for a login that ends soon.
fn warns(session: &Session) -> bool {
    let dialect = session.dialect();
    dialect.is_some_and(|dialect| dialect.has(Feature::EndingTokens))
}
