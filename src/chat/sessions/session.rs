//! One live socket.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, GalleryId, UserId};
use tokio::sync::Semaphore;

use super::awaited::Answers;
use super::broadcast::Broadcast;
use super::coming::Coming;
use super::held::{Covered, Holdback, Verdict, Waiting};
use super::listening::Listening;
use crate::auth::{Identity, Permission, Trust};
use crate::chat::{Dialect, Viewer};
use crate::store::MessageRow;

/// Answers one event of a client, once.
pub type Ack = Box<dyn FnOnce(&RawValue) + Send>;

/// The way to one client.
pub trait Outbox: Send + Sync {
    /// Puts an event into the client's queue. A client that cannot take it is closed: it must not
    /// hear of later events when it missed one.
    fn emit(&self, event: &str, body: &RawValue);

    /// As [`Outbox::emit`], together with all others whose `broadcast` it is, when that is told.
    fn join(&self, event: &str, body: &RawValue, broadcast: &mut Broadcast) {
        let _ = broadcast;
        self.emit(event, body);
    }

    /// Whether what is emitted may still come to the client.
    fn is_open(&self) -> bool {
        true
    }

    /// Closes the connection, also when the client's queue is full. The client comes back.
    fn close(&self);

    /// Closes the connection for good: the client is told that it is not wanted, as far as it takes
    /// anything, and does not come back by itself.
    fn expel(&self);

    /// Whether the client does not keep up, so that it is better not told what is soon over.
    fn is_behind(&self) -> bool {
        false
    }

    /// What carries the events now: `websocket` or `polling`.
    fn transport(&self) -> &'static str {
        "websocket"
    }
}

/// Number of a session, unique while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(super) u64);

impl SessionId {
    /// The number itself; later sockets have larger ones.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Stands for a socket of another node.
    pub const ELSEWHERE: Self = Self(0);

    /// Stands for one of many sockets of other nodes. No socket here has that number.
    pub const fn stand_in(number: u64) -> Self {
        Self(u64::MAX - number)
    }
}

#[cfg(test)]
impl SessionId {
    /// A session that does not exist.
    pub const fn for_tests(number: u64) -> Self {
        Self(number)
    }
}

/// Marks one fan-out, so that no session gets it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(pub(super) u64);

/// One live socket.
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// The id that its client knows it by.
    pub socket_id: String,
    /// Where its events go.
    pub outbox: Box<dyn Outbox>,
    /// When it came.
    pub connected_at: DateTime<Utc>,
    /// Bounds the writes under way; taking all permits waits for them to finish.
    pub in_flight: Arc<Semaphore>,
    /// Who is behind it, fixed at the handshake.
    pub(super) identity: Identity,
    /// The same, as a dialect sees it in which a role is part of who somebody is.
    pub(super) person: OnceLock<Identity>,
    pub(super) dialect: OnceLock<Dialect>,
    pub(super) spelling: AtomicU8,
    pub(super) last_stamp: AtomicU64,
    pub(super) is_holding: AtomicBool,
    pub(super) waiting: Waiting,
    /// Length of `muted`, so that the usual socket is asked without a lock.
    pub(super) n_muted: AtomicUsize,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// The user whose events it gets.
    pub(super) user: Option<UserId>,
    /// The user it said it is, which stays when it stops listening.
    pub(super) asserted: Option<UserId>,
    /// The gallery whose events it gets.
    pub(super) gallery: Option<GalleryId>,
    pub(super) conversations: HashMap<ConversationId, Listening>,
    /// The one room of a socket in a dialect in which it has only one.
    pub(super) room: Option<ConversationId>,
    /// Conversations that it is not told of, although its user takes part.
    pub(super) muted: HashSet<ConversationId>,
    /// What the handshake brought for the dialect to read.
    opening: Option<Box<RawValue>>,
    /// A login of the same user that was shown later than the one of the handshake.
    renewed: Option<Box<Identity>>,
    /// When the host application was asked about its login again.
    asked_at: Option<DateTime<Utc>>,
    /// The end that its client was warned of.
    warned_of: Option<DateTime<Utc>>,
    /// Events that wait until an answer is given.
    holdback: Holdback,
    /// What is open until it is answered that it listens for a user.
    pub(super) coming: Coming,
    /// Answers that it waits for.
    pub(super) answers: Answers,
    /// It is gone: nothing is listened for any more.
    pub(super) is_closed: bool,
    /// Nothing is done for it any more.
    pub(super) has_lost_rights: bool,
}

impl Session {
    /// The dialect, once it is fixed.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect.get().copied()
    }

    /// Who is behind it, as its dialect sees people.
    pub fn identity(&self) -> &Identity {
        self.person.get().unwrap_or(&self.identity)
    }

    /// Whether it may be told what others do; a token that only writes is answered, and hears nothing.
    /// A relay is nobody's socket, and hears what everybody does.
    pub fn may_hear(&self) -> bool {
        self.identity.trust == Trust::Relay || self.identity.may(Permission::Read)
    }

    /// Whether it is believed what it says: development mode.
    pub fn is_believed(&self) -> bool {
        self.identity.trust == Trust::Claimed
    }

    /// The user that this socket said it is, apart from its identity.
    pub fn asserted(&self) -> Option<UserId> {
        self.state().asserted.clone()
    }

    /// Who is behind it, as far as anybody knows.
    pub fn user(&self) -> Option<UserId> {
        self.asserted().or_else(|| self.identity().user.clone())
    }

    /// Whether that user is behind it.
    pub fn is_of(&self, user: &UserId) -> bool {
        match &self.state().asserted {
            Some(asserted) => asserted == user,
            None => self.identity().user.as_ref() == Some(user),
        }
    }

    /// The gallery whose events it gets.
    pub fn gallery(&self) -> Option<GalleryId> {
        self.state().gallery.clone()
    }

    /// In whose name it looks at conversations, once it listens for somebody.
    pub fn viewer(&self) -> Option<Viewer> {
        let state = self.state();
        Some(Viewer {
            user: state.user.clone()?,
            gallery: state.gallery.clone(),
        })
    }

    /// Keeps what the handshake brought until the dialect takes it.
    pub fn set_opening(&self, opening: Box<RawValue>) {
        self.state().opening = Some(opening);
    }

    /// Takes what the handshake brought for the dialect.
    pub fn take_opening(&self) -> Option<Box<RawValue>> {
        self.state().opening.take()
    }

    /// When the token ends that it connected with, or the one shown since; `None` if it never does.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        let grant = self.identity.grant.as_ref();
        let of_grant = grant.and_then(|grant| grant.expires_at);
        of_grant.or_else(|| self.login(|login| login.expires_at))
    }

    /// When the login was made that counts now, as far as it says.
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        self.login(|login| login.issued_at)
    }

    /// Reads something of the login that counts now.
    pub fn login<T>(&self, read: impl FnOnce(&Identity) -> T) -> T {
        read(self.state().renewed.as_deref().unwrap_or(&self.identity))
    }

    /// Another login of the same user takes the place of the one before.
    pub fn renew(&self, login: Identity) {
        self.state().renewed = Some(Box::new(login));
    }

    /// When the host application was last asked about its login.
    pub fn asked_at(&self) -> DateTime<Utc> {
        self.state().asked_at.unwrap_or(self.connected_at)
    }

    /// The host application is asked about its login now.
    pub fn note_asked(&self, at: DateTime<Utc>) {
        self.state().asked_at = Some(at);
    }

    /// Whether another login says the same of the same user: who is behind a socket never changes.
    pub fn is_still(&self, login: &Identity) -> bool {
        let own = &self.identity;
        own.user == login.user && own.role == login.role && own.gallery == login.gallery
    }

    /// Notes that its client is warned of that end; `false` when it was before.
    pub fn note_warning(&self, end: DateTime<Utc>) -> bool {
        self.state().warned_of.replace(end) != Some(end)
    }

    /// The one room it is in, in dialects in which a socket has only one.
    pub fn room(&self) -> Option<ConversationId> {
        self.state().room.clone()
    }

    /// Whether that is its one room.
    pub fn is_in(&self, room: &ConversationId) -> bool {
        self.state().room.as_ref() == Some(room)
    }

    /// Whether it is in a room at all, in dialects in which a socket has only one.
    pub fn has_room(&self) -> bool {
        self.state().room.is_some()
    }

    /// Says which is its one room. Returns the one before.
    pub fn set_room(&self, room: Option<ConversationId>) -> Option<ConversationId> {
        std::mem::replace(&mut self.state().room, room)
    }

    /// It is no longer in that room, if that is its one room.
    pub fn leave_room(&self, room: &ConversationId) {
        let mut state = self.state();
        if state.room.as_ref() == Some(room) {
            state.room = None;
        }
    }

    /// It says which user it is, without listening for that user.
    pub fn assert_user(&self, user: UserId) {
        self.state().asserted = Some(user);
    }

    /// Which of the spellings of its dialect it uses; 0 at first.
    pub fn spelling(&self) -> u8 {
        self.spelling.load(Ordering::Relaxed)
    }

    /// It uses another spelling from now on.
    pub fn set_spelling(&self, spelling: u8) {
        self.spelling.store(spelling, Ordering::Relaxed);
    }

    /// Whether an event of `dialect`, caused by a caller of `cause`, is for this socket. An
    /// undecided socket with an identity hears the dialect of whoever caused it.
    pub fn hears(&self, dialect: Dialect, cause: Dialect) -> bool {
        let is_addressed = match self.dialect() {
            Some(own) => own == dialect,
            None => dialect == cause && self.identity.user.is_some(),
        };
        is_addressed && self.may_hear()
    }

    /// Claims this session for a fan-out; `false` when it has had it already.
    pub fn claim(&self, stamp: Stamp) -> bool {
        self.last_stamp.swap(stamp.0, Ordering::Relaxed) != stamp.0
    }

    /// Tells it what others did, with all others whose `broadcast` it is, or keeps that until an answer
    /// is given; with the message that it shows, and whether that is new.
    pub fn tell(
        &self,
        event: &'static str,
        body: &RawValue,
        message: Option<(&MessageRow, bool)>,
        broadcast: &mut Broadcast,
    ) {
        if self.is_holding.load(Ordering::Acquire) {
            let mut state = self.state();
            let verdict = state.holdback.judge(event, body, message);
            let is_open = state.holdback.is_open();
            self.is_holding.store(!is_open, Ordering::Release);
            match verdict {
                Verdict::Tell => {}
                Verdict::Keep => return,
                Verdict::Overflow => return self.outbox.close(),
            }
        }
        self.outbox.join(event, body, broadcast);
    }

    /// From now on, what others do waits for [`Session::release`].
    pub fn hold(&self) {
        self.state().holdback.hold(&self.waiting);
        self.is_holding.store(true, Ordering::Release);
    }

    /// Tells what was held back, except what it knows from the answer. If the answer was given before
    /// the others were told of that (`is_early`), it is not told later either.
    pub fn release(&self, covered: Covered, is_early: bool) {
        if !self.is_holding.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state();
        for held in state.holdback.release(covered, is_early) {
            self.outbox.emit(held.event, &held.body);
        }
        let is_open = state.holdback.is_open();
        self.is_holding.store(!is_open, Ordering::Release);
    }

    /// Tells what was held back for an answer that is not given.
    pub fn let_go(&self) {
        self.release(Covered::default(), true);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics with this lock held")
    }
}
