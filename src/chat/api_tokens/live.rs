//! Tokens in use: their sockets end with them, and their last use is written down.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::ApiTokenId;
use tokio_util::sync::CancellationToken;

use super::ApiTokens;
use crate::auth::Grant;
use crate::chat::{Chat, Session};
use crate::store::{self, Fault, KnownToken, TokenEnd};
use crate::worker::Ticks;

/// How often the tokens of live sockets are looked at: a socket ends within a second after its
/// token, so that half of it is left for the look itself.
const TICK: Duration = Duration::from_millis(500);
/// Looks between two notes that the tokens of live sockets are in use: a minute.
const TICKS_PER_NOTE: u32 = 120;
/// How old a written last use must be to be written anew.
const USE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// Tokens whose use waits to be written. A use that finds no place is noted with the next one.
const MAX_NOTED: usize = 10_000;

/// Tokens that were used and whose last use is not written yet.
#[derive(Default)]
pub struct Uses {
    noted: Mutex<HashSet<ApiTokenId>>,
}

impl Uses {
    /// Notes a use, unless one within the last minute is written already.
    pub fn note(&self, grant: &Grant, written: Option<DateTime<Utc>>) {
        let is_written = written.is_some_and(|written| store::now() - written < USE_INTERVAL);
        let Some(token) = grant.token.as_ref().filter(|_| !is_written) else {
            return;
        };
        let mut noted = self.noted();
        if noted.len() < MAX_NOTED && !noted.contains(token) {
            noted.insert(token.clone());
        }
    }

    fn take(&self) -> Vec<ApiTokenId> {
        std::mem::take(&mut *self.noted()).into_iter().collect()
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, HashSet<ApiTokenId>> {
        self.noted
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl ApiTokens {
    async fn write_again_and_again(&self, stop: &CancellationToken) {
        let mut ticks = Ticks::new(TICK, stop);
        while ticks.next().await {
            self.write_uses().await;
        }
        self.write_uses().await;
    }

    /// Writes down who was used since the last time.
    async fn write_uses(&self) {
        let used = self.uses.take();
        if used.is_empty() {
            return;
        }
        let saved = self.store.save_token_uses(&used, store::now());
        if let Err(fault) = store::in_time(saved).await {
            tracing::warn!(%fault, "the last use of tokens was not saved");
        }
    }
}

impl Chat {
    /// Closes the sockets of tokens and logins that are over, and writes down which tokens were used;
    /// the body of a worker.
    pub async fn watch_tokens(&self, stop: CancellationToken) {
        // Nobody stays longer because a store is slow to write.
        tokio::join!(
            self.cut_again_and_again(&stop),
            self.tokens.write_again_and_again(&stop)
        );
    }

    async fn cut_again_and_again(&self, stop: &CancellationToken) {
        let mut ticks = Ticks::new(TICK, stop);
        let mut n_ticks = 0_u32;
        let mut is_checked = true;
        while ticks.next().await {
            n_ticks = n_ticks.wrapping_add(1);
            let is_minute = n_ticks.is_multiple_of(TICKS_PER_NOTE);
            let tokens = store::in_time(self.check_live_tokens(is_minute)).await;
            let checked = store::in_time(self.follow_accounts()).await.and(tokens);
            if let Err(fault) = checked
                && is_checked
            {
                tracing::warn!(%fault, "the tokens and logins of live sockets cannot be checked");
            }
            is_checked = checked.is_ok();
        }
    }

    /// Closes the sockets of a token.
    pub(super) fn cut_token(&self, token: &ApiTokenId) {
        for (session, grant) in self.sessions_with_token() {
            if grant.token.as_ref() == Some(token) {
                self.cut(&session);
            }
        }
    }

    async fn check_live_tokens(&self, note_uses: bool) -> Result<(), Fault> {
        let sessions = self.sessions_with_token();
        let mut tokens: HashMap<KnownToken, Vec<&Session>> = HashMap::new();
        for (session, grant) in &sessions {
            if note_uses {
                self.tokens.uses.note(grant, None);
            }
            if let Some(known) = known_token(grant) {
                tokens.entry(known).or_default().push(session);
            }
        }
        if tokens.is_empty() {
            return Ok(());
        }
        let known: Vec<_> = tokens.keys().cloned().collect();
        let ended = self.tokens.store.find_ended_tokens(&known).await?;
        if !ended.is_empty() {
            // Whoever comes back must not be told what is believed from before.
            self.tokens.forget_lookups();
        }
        let ended: HashMap<_, _> = ended.into_iter().collect();
        for (token, sessions) in &tokens {
            for session in sessions {
                match ended.get(token) {
                    Some(TokenEnd::Over) => self.cut(session),
                    Some(TokenEnd::OwnerChanged) => session.end(),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Sockets that came with an API token. They are gathered first: closing one may need the
    /// lock that visiting them holds.
    fn sessions_with_token(&self) -> Vec<(Arc<Session>, Arc<Grant>)> {
        let mut found = Vec::new();
        self.sessions.each(|session| {
            if let Some(grant) = &session.identity().grant {
                found.push((Arc::clone(session), Arc::clone(grant)));
            }
        });
        found
    }
}

/// A token that has a row, as it was when its socket came.
pub fn known_token(grant: &Grant) -> Option<KnownToken> {
    let owner = grant.owner.clone();
    Some(KnownToken {
        id: grant.token.clone()?,
        owner: owner.map(|owner| (owner.role, owner.party)),
    })
}
