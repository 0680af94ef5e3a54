//! Logins of users who were shut out, or who were signed out everywhere: refused at the door, and cut
//! off within a second where they are connected. Changes of users are followed in the same way
//! (`changes`).

mod changes;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use sohbet_entity::ids::UserId;
use tokio::sync::Mutex;
use tokio::time::Instant;

use changes::Changes;

use super::administration::check_admin;
use super::api_tokens::known_token;
use super::users::is_gallery;
use super::{Caller, Chat, Session};
use crate::auth::{Identity, REFUSAL, Trust};
use crate::error::{Error, Result};
use crate::store::{Account, AccountChange, Fault, Proof, UserRow};

/// How long what the store said about a user is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Users of whom is remembered what the store said.
const REMEMBERED_USERS: usize = 10_000;
/// Each so many looks everybody who is connected is looked at, for changes that were made by hand.
const LOOKS_PER_FULL_LOOK: u32 = 30;
/// Looks at everybody after a change: who was let in by what the store said before it is found too.
const LOOKS_AFTER_CHANGE: u32 = 5;

/// What the store said lately, by user.
pub struct Accounts {
    slots: Cache<UserId, Arc<Mutex<Option<Found>>>>,
    changes: Changes,
    n_looks: AtomicU32,
    /// Looks that are still made at everybody.
    n_due: AtomicU32,
}

struct Found {
    account: Option<Account>,
    believed_until: Instant,
}

impl Accounts {
    pub fn new() -> Self {
        Self {
            slots: Cache::new(REMEMBERED_USERS),
            changes: Changes::default(),
            n_looks: AtomicU32::new(0),
            n_due: AtomicU32::new(0),
        }
    }

    /// Whether everybody is to be looked at now.
    fn is_look_due(&self) -> bool {
        let n_looks = self.n_looks.fetch_add(1, Ordering::Relaxed);
        let n_due = self.n_due.load(Ordering::Relaxed);
        n_due > 0 || n_looks.is_multiple_of(LOOKS_PER_FULL_LOOK)
    }

    /// Everybody is to be looked at: somebody's logins were changed.
    fn look_soon(&self) {
        self.n_due.store(LOOKS_AFTER_CHANGE, Ordering::Relaxed);
    }

    /// Everybody was looked at. What fails is not noted, and made again.
    fn note_look(&self) {
        let less = |n_due: u32| Some(n_due.saturating_sub(1));
        let _ = self
            .n_due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// The ids under which an identity can be a user: where people are an id and a role, it is both.
fn user_ids(identity: &Identity) -> Vec<UserId> {
    let own = identity.user.clone();
    let with_role = identity.with_role().user;
    let with_role = with_role.filter(|with_role| own.as_ref() != Some(with_role));
    own.into_iter().chain(with_role).collect()
}

/// Whether somebody's account matters: it is proved who they are, by something else than an API token of
/// the store, which is looked up itself, and no program acts for them.
fn is_login(identity: &Identity) -> bool {
    let has_token = identity
        .grant
        .as_ref()
        .is_some_and(|grant| grant.token.is_some());
    identity.trust == Trust::Verified && !has_token && identity.agent.is_none()
}

/// What somebody acts by. In development mode nothing is proved.
pub(super) fn proof(identity: &Identity) -> Proof {
    if identity.trust != Trust::Verified {
        return Proof::Nothing;
    }
    let grant = identity.grant.as_deref();
    match (grant.and_then(known_token), &identity.agent) {
        (Some(token), _) => Proof::Token(token),
        (None, agent) => Proof::Login {
            users: agent
                .clone()
                .map_or_else(|| user_ids(identity), |agent| vec![agent]),
            issued_at: identity.issued_at,
        },
    }
}

impl Chat {
    /// The identity, if its login still counts.
    pub async fn check_account(&self, identity: Identity) -> Result<Identity> {
        if is_login(&identity) {
            for user in user_ids(&identity) {
                let account = self.account(&user).await?;
                if account.is_some_and(|account| !account.admits(identity.issued_at)) {
                    return Err(REFUSAL);
                }
            }
        }
        Ok(identity)
    }

    async fn account(&self, user: &UserId) -> Result<Option<Account>, Fault> {
        let slot = self
            .accounts
            .slots
            .get_or_insert_with(user, || Ok::<_, Infallible>(Arc::default()));
        let slot = slot.unwrap_or_else(|never| match never {});
        // One caller asks, the others of the same user wait here for the answer.
        let mut slot = slot.lock().await;
        if let Some(found) = slot.as_ref()
            && found.believed_until > Instant::now()
        {
            return Ok(found.account.clone());
        }
        let believed_until = Instant::now() + BELIEVED_FOR;
        let account = self.store.find_restricted(&[user]).await?.pop();
        *slot = Some(Found {
            account: account.clone(),
            believed_until,
        });
        Ok(account)
    }

    /// Shuts a user out, lets them in again, or ends all their logins; who is connected is cut off.
    /// Administrators may; `by` is who the caller proved to be.
    pub async fn change_account(
        &self,
        by: &Identity,
        caller: &Caller,
        user: &UserId,
        change: AccountChange,
    ) -> Result<UserRow> {
        check_admin(caller)?;
        if is_gallery(user) {
            return Err(Error::InvalidPayload("Invalid user ID"));
        }
        let by = proof(by);
        let row = self.store.change_account(user, change, &by).await?;
        self.forget_logins(user);
        self.auth.forget_logins();
        self.follow_accounts().await?;
        Ok(row)
    }

    /// Makes true here what was changed about users, and cuts off those who are connected by a login that
    /// no longer counts; looks at nobody when there was no change.
    pub(super) async fn follow_accounts(&self) -> Result<(), Fault> {
        self.follow_changes().await?;
        if self.accounts.is_look_due() {
            self.cut_logins().await?;
            self.accounts.note_look();
        }
        Ok(())
    }

    async fn cut_logins(&self) -> Result<(), Fault> {
        let sessions = self.sessions_of_users();
        let users: Vec<&UserId> = sessions.keys().collect();
        for account in self.store.find_restricted(&users).await? {
            for session in sessions.get(&account.id).into_iter().flatten() {
                if !account.admits(session.issued_at()) {
                    self.cut(session);
                }
            }
        }
        Ok(())
    }

    /// Sockets that came with a login, by user. They are gathered first: closing one may need the
    /// lock that visiting them holds.
    fn sessions_of_users(&self) -> HashMap<UserId, Vec<Arc<Session>>> {
        let mut found: HashMap<UserId, Vec<Arc<Session>>> = HashMap::new();
        self.sessions.each(|session| {
            let users = session.login(|login| is_login(login).then(|| user_ids(login)));
            for user in users.into_iter().flatten() {
                found.entry(user).or_default().push(Arc::clone(session));
            }
        });
        found
    }

    /// Throws a socket out whose login or token is over.
    pub(super) fn cut(&self, session: &Session) {
        tracing::debug!(
            user.id = session.identity().user.as_ref().map(|user| user.as_str()),
            "the login of a socket is over"
        );
        session.end_rights();
        session.outbox.expel();
    }
}
