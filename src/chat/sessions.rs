//! Live sockets and what they listen to.

mod awaited;
mod backlog;
mod broadcast;
mod coming;
mod held;
mod index;
mod listening;
mod muted;
mod rights;
mod session;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use sohbet_entity::ids::{ConversationId, GalleryId, UserId};
use tokio::sync::Semaphore;

pub use awaited::{AnswerId, Awaited, Due};
pub use backlog::Backlog;
pub use broadcast::{Broadcast, Reach};
pub use coming::Came;
pub use held::{Covered, Version};
pub use listening::Listening;
pub use session::{Ack, Outbox, Session, SessionId, Stamp};

use held::Waiting;
use index::Index;

use super::Dialect;
use super::dialects::{Feature, People};
use super::nodes::{Entry, Roster};
use crate::auth::Identity;
use crate::error::{Error, Result};
use crate::store;

/// Writes of one socket that may be under way at a time.
pub const MAX_IN_FLIGHT: u32 = 512;

/// All live sockets of this node.
#[derive(Default)]
pub struct Sessions {
    /// Conversations that one socket may listen to at a time.
    max_conversations: usize,
    n_opened: AtomicU64,
    n_stamps: AtomicU64,
    by_socket: Index<String>,
    by_user: Index<UserId>,
    by_gallery: Index<GalleryId>,
    by_conversation: Index<ConversationId>,
    /// Sockets per dialect, and at the end those without one.
    counts: [AtomicUsize; Dialect::ALL.len() + 1],
    waiting: Waiting,
    /// Where other nodes learn for whom sockets listen here, if there may be any.
    roster: Option<Arc<Roster>>,
}

impl Sessions {
    /// None yet; each may listen to so many conversations at a time.
    pub fn new(max_conversations: usize) -> Self {
        Self {
            max_conversations,
            ..Self::default()
        }
    }

    /// Other nodes are to know for whom sockets listen here.
    pub(super) fn tell(&mut self, roster: Arc<Roster>) {
        self.roster = Some(roster);
    }

    /// Registers a socket that was admitted. Without a dialect it is undecided, and what is
    /// addressed to its user reaches it.
    pub fn open(
        &self,
        socket_id: String,
        identity: Identity,
        dialect: Option<Dialect>,
        outbox: Box<dyn Outbox>,
    ) -> Arc<Session> {
        let session = Arc::new(Session {
            id: SessionId(self.n_opened.fetch_add(1, Ordering::Relaxed) + 1),
            socket_id,
            identity,
            person: OnceLock::new(),
            outbox,
            connected_at: store::now(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize)),
            dialect: OnceLock::new(),
            spelling: AtomicU8::new(0),
            last_stamp: AtomicU64::new(0),
            is_holding: AtomicBool::new(false),
            waiting: self.waiting.clone(),
            n_muted: AtomicUsize::new(0),
            state: Mutex::default(),
        });
        self.by_socket.add(session.socket_id.clone(), &session);
        self.count(None).fetch_add(1, Ordering::Relaxed);
        match dialect {
            Some(dialect) => self.decide(&session, dialect),
            None => self.listen_as_identified(&session),
        }
        session
    }

    /// Sockets whose answer is made: what is told now they hear later, as far as it does not show it.
    pub fn n_waiting(&self) -> usize {
        self.waiting.count()
    }

    fn listen_as_identified(&self, session: &Arc<Session>) {
        if let Some(user) = session.identity.user.clone()
            && session.may_hear()
        {
            session.state().user = Some(user.clone());
            self.add_user(&user, session);
        }
    }

    fn add_user(&self, user: &UserId, session: &Arc<Session>) {
        self.by_user.add(user.clone(), session);
        self.touch_user(user, session);
    }

    fn remove_user(&self, user: &UserId, session: &Arc<Session>) {
        self.by_user.remove(user, session);
        self.touch_user(user, session);
    }

    fn touch_user(&self, user: &UserId, session: &Session) {
        let dialect = session.dialect();
        self.touch(|| Entry::Connected(dialect, user.clone()));
        if dialect.is_some() {
            // It may have listened before it was decided.
            self.touch(|| Entry::Connected(None, user.clone()));
        }
    }

    fn add_gallery(&self, gallery: &GalleryId, session: &Arc<Session>) {
        self.by_gallery.add(gallery.clone(), session);
        self.touch(|| Entry::GalleryConnected(gallery.clone()));
    }

    fn remove_gallery(&self, gallery: &GalleryId, session: &Arc<Session>) {
        self.by_gallery.remove(gallery, session);
        self.touch(|| Entry::GalleryConnected(gallery.clone()));
    }

    fn touch(&self, entry: impl FnOnce() -> Entry) {
        if let Some(roster) = &self.roster {
            roster.touch(entry());
        }
    }

    /// Fixes the dialect of an undecided socket. From now on it hears what its words ask for. It goes
    /// on listening for its gallery, so that it misses nothing: dialects without galleries have
    /// nothing to say there.
    pub fn decide(&self, session: &Arc<Session>, dialect: Dialect) {
        if dialect.people() == People::Roles {
            // It can only be set once, like the dialect.
            let _ = session.person.set(session.identity.with_role());
        }
        if session.dialect.set(dialect).is_ok() {
            self.unlisten_user(session);
            self.count(Some(dialect)).fetch_add(1, Ordering::Relaxed);
            self.count(None).fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether any socket could hear an event of `dialect`, caused in `cause`.
    pub fn has_listeners(&self, dialect: Dialect, cause: Dialect) -> bool {
        let has = |dialect| self.count(dialect).load(Ordering::Relaxed) > 0;
        has(Some(dialect)) || (dialect == cause && has(None))
    }

    /// The dialects that ask for something and have sockets.
    pub(super) fn listening_with(&self, feature: Feature) -> Vec<Dialect> {
        let listening = |dialect: &Dialect| self.has_listeners(*dialect, *dialect);
        Dialect::with(feature).filter(listening).collect()
    }

    fn count(&self, dialect: Option<Dialect>) -> &AtomicUsize {
        &self.counts[dialect.map_or(Dialect::ALL.len(), |dialect| dialect as usize)]
    }

    /// Forgets a socket.
    pub fn close(&self, session: &Arc<Session>) {
        session.state().is_closed = true;
        self.by_socket.remove(&session.socket_id, session);
        self.count(session.dialect())
            .fetch_sub(1, Ordering::Relaxed);
        self.unlisten_user(session);
        self.unlisten_gallery(session);
        let conversations = std::mem::take(&mut session.state().conversations);
        for conversation in conversations.into_keys() {
            self.by_conversation.remove(&conversation, session);
        }
    }

    /// Listens for a user, instead of the one before. Returns that one. A socket that may hear nothing
    /// listens for nobody, here and below.
    pub fn listen_user(&self, session: &Arc<Session>, user: &UserId) -> Option<UserId> {
        if !session.may_hear() {
            session.assert_user(user.clone());
            return None;
        }
        let earlier = self.unlisten_user(session);
        let mut state = session.state();
        state.user = Some(user.clone());
        state.asserted = Some(user.clone());
        drop(state);
        self.add_user(user, session);
        // Another task may have closed it, or let it listen for somebody else, meanwhile.
        let state = session.state();
        let is_stale = state.is_closed || state.user.as_ref() != Some(user);
        drop(state);
        if is_stale {
            self.remove_user(user, session);
        }
        earlier
    }

    /// Stops listening for a user. Returns whom it was.
    pub fn unlisten_user(&self, session: &Arc<Session>) -> Option<UserId> {
        let user = session.state().user.take()?;
        self.remove_user(&user, session);
        Some(user)
    }

    /// Listens for a gallery, instead of the one before.
    pub fn listen_gallery(&self, session: &Arc<Session>, gallery: &GalleryId) {
        self.unlisten_gallery(session);
        if !session.may_hear() {
            return;
        }
        session.state().gallery = Some(gallery.clone());
        self.add_gallery(gallery, session);
        let state = session.state();
        let is_stale = state.is_closed || state.gallery.as_ref() != Some(gallery);
        drop(state);
        if is_stale {
            self.remove_gallery(gallery, session);
        }
    }

    fn unlisten_gallery(&self, session: &Arc<Session>) {
        let gallery = session.state().gallery.take();
        if let Some(gallery) = gallery {
            self.remove_gallery(&gallery, session);
        }
    }

    /// Listens to a conversation.
    pub fn listen(
        &self,
        session: &Arc<Session>,
        conversation: &ConversationId,
        access: Listening,
    ) -> Result<()> {
        if !session.may_hear() {
            return Ok(());
        }
        let mut state = session.state();
        if let Some(known) = state.conversations.get_mut(conversation) {
            *known = access;
            return Ok(());
        }
        if state.conversations.len() >= self.max_conversations {
            return Err(Error::TooLarge("Too many conversations joined"));
        }
        state.conversations.insert(conversation.clone(), access);
        drop(state);
        self.by_conversation.add(conversation.clone(), session);
        if session.state().is_closed {
            self.by_conversation.remove(conversation, session);
        }
        Ok(())
    }

    /// Stops listening to a conversation.
    pub fn unlisten(&self, session: &Arc<Session>, conversation: &ConversationId) {
        if session.state().conversations.remove(conversation).is_some() {
            self.by_conversation.remove(conversation, session);
        }
    }

    /// A mark for one fan-out.
    pub fn stamp(&self) -> Stamp {
        Stamp(self.n_stamps.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The socket with that id, as its client knows it.
    pub fn find(&self, socket_id: &str) -> Option<Arc<Session>> {
        let mut found = None;
        let find = |session: &Arc<Session>| found = Some(Arc::clone(session));
        self.by_socket.each(&socket_id.to_owned(), find);
        found
    }

    /// Whether a socket that is not known to be gone listens for the user, in whatever dialect.
    pub fn is_connected(&self, user: &UserId) -> bool {
        let mut is_connected = false;
        self.each_of_user(user, |session| is_connected |= session.outbox.is_open());
        is_connected
    }

    /// Whether a socket listens for the gallery, in whatever dialect.
    pub fn is_gallery_connected(&self, gallery: &GalleryId) -> bool {
        self.by_gallery.has(gallery)
    }

    /// Whether a socket that hears that dialect listens for the user and is not known to be gone.
    pub fn is_heard_in(&self, user: &UserId, dialect: Dialect) -> bool {
        let mut is_heard = false;
        self.each_of_user(user, |session| {
            is_heard |= session.hears(dialect, dialect) && session.outbox.is_open();
        });
        is_heard
    }

    /// Whether a socket that speaks that dialect, or none yet, listens for the user.
    pub(super) fn has_socket_in(&self, user: &UserId, dialect: Option<Dialect>) -> bool {
        let mut has_socket = false;
        self.each_of_user(user, |session| has_socket |= session.dialect() == dialect);
        has_socket
    }

    /// Visits every socket that listens to a conversation.
    pub fn each_of_conversation(&self, id: &ConversationId, visit: impl FnMut(&Arc<Session>)) {
        self.by_conversation.each(id, visit);
    }

    /// Visits every socket that listens for a user.
    pub fn each_of_user(&self, id: &UserId, visit: impl FnMut(&Arc<Session>)) {
        self.by_user.each(id, visit);
    }

    /// Visits every socket that listens for a gallery.
    pub fn each_of_gallery(&self, id: &GalleryId, visit: impl FnMut(&Arc<Session>)) {
        self.by_gallery.each(id, visit);
    }

    /// Visits every socket.
    pub fn each(&self, visit: impl FnMut(&Arc<Session>)) {
        self.by_socket.each_value(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Trust;
    use crate::chat::tests_support::nowhere;

    #[test]
    fn a_socket_that_is_gone_listens_to_nothing_any_more() {
        let sessions = Sessions::new(10);
        let session = sessions.open(
            "s".into(),
            Identity::nobody(Trust::Claimed),
            None,
            nowhere(),
        );
        let (user, gallery, conversation) = ("1".into(), "g".into(), "c".into());
        sessions.listen_user(&session, &user);
        assert!(sessions.is_connected(&user));
        sessions.close(&session);
        sessions.listen_user(&session, &user);
        sessions.listen_gallery(&session, &gallery);
        assert!(
            sessions
                .listen(&session, &conversation, Listening::Guest)
                .is_ok()
        );
        assert!(!sessions.is_connected(&user) && !sessions.is_gallery_connected(&gallery));
        let mut n_listeners = 0;
        sessions.each_of_conversation(&conversation, |_| n_listeners += 1);
        assert_eq!(n_listeners, 0);
    }

    #[test]
    fn a_visitor_that_panics_leaves_the_others_their_index() {
        let sessions = Sessions::new(10);
        let session = sessions.open(
            "s".into(),
            Identity::nobody(Trust::Claimed),
            None,
            nowhere(),
        );
        let user = "1".into();
        sessions.listen_user(&session, &user);
        let visit = || sessions.each_of_user(&user, |_| panic!("a bug"));
        let visited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(visit));
        assert!(visited.is_err());
        assert!(sessions.is_connected(&user));
    }
}
