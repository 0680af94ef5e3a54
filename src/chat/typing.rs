//! Who is typing where. A typing state is refreshed by its typist and ends by itself.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::{ConversationId, UserId};
use tokio::time::Instant;

use super::{Caller, Chat, Conversation, Dialect, Event, SessionId};

/// How long a typing state lives after its last refresh.
pub const LIFETIME: Duration = Duration::from_secs(6);
/// How often the others are told that somebody still types: front ends say so on every key.
const RETELL: Duration = Duration::from_secs(1);
/// How far starts after a stop may run ahead of one in [`RETELL`]: two at once are told.
const BURST: Duration = RETELL;
/// How much longer a state of another node lives here: that node ends it, unless it is gone.
const MARGIN: Duration = Duration::from_secs(2);
/// Most typing states kept; further typists are simply not shown.
const MAX_STATES: usize = 50_000;

type Key = (Dialect, ConversationId, UserId);

/// Typing states of this node.
#[derive(Default)]
pub struct Typing {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    states: HashMap<Key, State>,
    by_session: HashMap<SessionId, HashSet<Key>>,
    /// One entry per state, by the time at which to look at it again.
    oldest_first: VecDeque<(Instant, Key)>,
    /// Started again too soon: told a little later, unless it has ended by then.
    held: HashSet<Key>,
}

/// Outlives its end by what is left of [`LIFETIME`]: whoever starts and stops all the time is known by it.
struct State {
    refreshed: Instant,
    /// When the others were told last.
    told: Instant,
    /// When one more start may be told, were it not for [`BURST`].
    free_at: Instant,
    /// The socket that types; `None` after the end.
    session: Option<SessionId>,
    /// Whether the others know that it began.
    is_heard: bool,
}

impl State {
    fn new(refreshed: Instant) -> Self {
        let now = Instant::now();
        Self {
            refreshed,
            told: now,
            free_at: now,
            session: None,
            is_heard: false,
        }
    }

    /// Whether the others are to be told now; then they count as told.
    fn tell(&mut self, now: Instant) -> bool {
        let is_too_soon = match self.is_heard {
            true => self.told + RETELL > now,
            false => self.free_at > now + BURST,
        };
        if is_too_soon {
            return false;
        }
        (self.is_heard, self.told) = (true, now);
        self.free_at = self.free_at.max(now) + RETELL;
        true
    }
}

/// A state that has begun or ended, and the socket that started it.
struct Typed {
    key: Key,
    session: SessionId,
}

impl Typing {
    /// Starts or refreshes a state. Returns whether the others are to be told: not when they were a moment
    /// ago, from whichever socket, nor when there are too many.
    fn start(&self, key: Key, session: SessionId) -> bool {
        let (mut inner, now) = (self.inner(), Instant::now());
        let is_elsewhere = session == SessionId::ELSEWHERE;
        let refreshed = if is_elsewhere { now + MARGIN } else { now };
        if !inner.states.contains_key(&key) {
            if inner.states.len() >= MAX_STATES {
                return false;
            }
            inner.look_again(refreshed, key.clone());
            inner.states.insert(key.clone(), State::new(refreshed));
        }
        inner.enter(&key, session);
        let Some(state) = inner.states.get_mut(&key) else {
            return false;
        };
        state.refreshed = state.refreshed.max(refreshed);
        let is_told = state.tell(now);
        // What another node tells is heard here at once.
        state.is_heard |= is_elsewhere;
        let _ = match state.is_heard {
            true => inner.held.remove(&key),
            false => inner.held.insert(key),
        };
        is_told
    }

    /// Ends a state; `None` when there was none that the others know of.
    fn stop(&self, key: &Key) -> Option<Typed> {
        self.inner().end(key)
    }

    /// Ends the states that a socket started: in one conversation, or in all.
    fn stop_session(&self, session: SessionId, only: Option<&ConversationId>) -> Vec<Typed> {
        let mut inner = self.inner();
        let keys = inner.by_session.get(&session).cloned().unwrap_or_default();
        let is_meant = |(_, conversation, _): &&Key| only.is_none_or(|only| only == conversation);
        let keys = keys.iter().filter(is_meant);
        keys.filter_map(|key| inner.end(key)).collect()
    }

    /// Ends the states that nobody refreshed.
    fn expire(&self) -> Vec<Typed> {
        let mut inner = self.inner();
        let mut ended = Vec::new();
        while let Some((_, key)) = inner
            .oldest_first
            .pop_front_if(|(since, _)| since.elapsed() >= LIFETIME)
        {
            match inner.states.get(&key).map(|state| state.refreshed) {
                Some(refreshed) if refreshed.elapsed() < LIFETIME => {
                    inner.look_again(refreshed, key);
                }
                _ => {
                    ended.extend(inner.end(&key));
                    inner.states.remove(&key);
                }
            }
        }
        ended
    }

    /// The starts that came too soon and are to be told now.
    fn due(&self) -> Vec<Typed> {
        let (mut inner, now) = (self.inner(), Instant::now());
        let Inner { states, held, .. } = &mut *inner;
        let mut due = Vec::new();
        held.retain(|key| {
            let Some(state) = states.get_mut(key) else {
                return false;
            };
            let is_due = state.tell(now);
            let session = state.session.filter(|_| is_due);
            due.extend(session.map(|session| Typed {
                key: key.clone(),
                session,
            }));
            !is_due
        });
        due
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Inner {
    /// Makes a state that of a socket.
    fn enter(&mut self, key: &Key, session: SessionId) {
        let state = self.states.get_mut(key);
        let before = state.and_then(|state| state.session.replace(session));
        if before == Some(session) {
            return;
        }
        self.leave(key, before);
        let keys = self.by_session.entry(session).or_default();
        keys.insert(key.clone());
    }

    fn leave(&mut self, key: &Key, session: Option<SessionId>) {
        if let Some(session) = session
            && let Some(keys) = self.by_session.get_mut(&session)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.by_session.remove(&session);
            }
        }
    }

    /// `None` when there was nothing to end, or nothing that the others know of.
    fn end(&mut self, key: &Key) -> Option<Typed> {
        let state = self.states.get_mut(key)?;
        let session = state.session.take()?;
        let was_heard = std::mem::take(&mut state.is_heard);
        self.held.remove(key);
        self.leave(key, Some(session));
        was_heard.then(|| Typed {
            key: key.clone(),
            session,
        })
    }

    /// Puts an entry where its time belongs. Times are close together, so that is near the end.
    fn look_again(&mut self, since: Instant, key: Key) {
        let position = self
            .oldest_first
            .iter()
            .rposition(|(other, _)| *other <= since);
        let position = position.map_or(0, |position| position + 1);
        self.oldest_first.insert(position, (since, key));
    }
}

impl Chat {
    /// Tells the others in a conversation that somebody types, or stopped.
    pub(super) async fn set_typing(
        &self,
        session: SessionId,
        caller: &Caller,
        conversation: ConversationId,
        is_typing: bool,
    ) {
        let key = (caller.dialect, conversation, caller.user.clone());
        if is_typing {
            if self.typing.start(key.clone(), session) {
                self.publish_typing(Typed { key, session }, true).await;
            }
        } else if self.typing.stop(&key).is_some() {
            self.publish_typing(Typed { key, session }, false).await;
        }
    }

    /// A message ends its author's typing. Returns the event to be heard before the message.
    pub(super) fn stop_typing_of(
        &self,
        dialect: Dialect,
        conversation: &ConversationId,
        user: &UserId,
    ) -> Option<Event> {
        let key = (dialect, conversation.clone(), user.clone());
        let ended = self.typing.stop(&key)?;
        Some(self.typing_event(ended, false))
    }

    /// A socket that goes, or leaves a conversation, ends its typing.
    pub(super) async fn stop_typing_by(&self, session: SessionId, only: Option<&ConversationId>) {
        for ended in self.typing.stop_session(session, only) {
            self.publish_typing(ended, false).await;
        }
    }

    /// A user who no longer takes part ends typing there, in all dialects.
    pub(super) async fn stop_typing_in(&self, conversation: &ConversationId, user: &UserId) {
        for dialect in Dialect::ALL {
            if let Some(ended) = self.stop_typing_of(dialect, conversation, user) {
                self.publish(ended).await;
            }
        }
    }

    /// Somebody on another node types, or stopped. It ends by itself here too, in case that node goes.
    pub(super) fn type_elsewhere(
        &self,
        dialect: Dialect,
        conversation: ConversationId,
        user: UserId,
        is_typing: bool,
        known: Option<Arc<Conversation>>,
    ) -> Event {
        let (key, session) = ((dialect, conversation, user), SessionId::ELSEWHERE);
        if is_typing {
            self.typing.start(key.clone(), session);
        } else {
            self.typing.stop(&key);
        }
        let (dialect, conversation, user) = key;
        Event::Typing {
            dialect,
            known,
            typist: self.shown_profile(&user),
            conversation,
            is_typing,
            except: None,
        }
    }

    /// Tells what ends by itself, and what was held back.
    pub(super) async fn expire_typing(&self) {
        for ended in self.typing.expire() {
            self.publish_typing(ended, false).await;
        }
        for started in self.typing.due() {
            self.publish_typing(started, true).await;
        }
    }

    async fn publish_typing(&self, state: Typed, is_typing: bool) {
        self.publish(self.typing_event(state, is_typing)).await;
    }

    fn typing_event(&self, state: Typed, is_typing: bool) -> Event {
        let (dialect, conversation, user) = state.key;
        Event::Typing {
            dialect,
            known: self.conversations.peek(&conversation),
            typist: self.shown_profile(&user),
            conversation,
            is_typing,
            except: Some(state.session).filter(|session| *session != SessionId::ELSEWHERE),
        }
    }
}

#[cfg(test)]
mod tests;
