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
}

struct State {
    refreshed: Instant,
    /// When the others were told last.
    told: Instant,
    session: SessionId,
}

/// A state that has ended, and the socket that had started it.
struct Ended {
    key: Key,
    session: SessionId,
}

impl Typing {
    /// Starts or refreshes a state. Returns whether the others are to be told: not when they were a moment
    /// ago, from whichever socket, nor when there are too many.
    fn start(&self, key: Key, session: SessionId) -> bool {
        let (mut inner, now) = (self.inner(), Instant::now());
        let refreshed = match session {
            SessionId::ELSEWHERE => now + MARGIN,
            _ => now,
        };
        let told_before = inner.states.get(&key).map(|state| state.told);
        let told_lately = told_before.filter(|told| *told + RETELL > now);
        let told = told_lately.unwrap_or(now);
        if let Some(state) = inner.states.get_mut(&key)
            && state.session == session
        {
            (state.refreshed, state.told) = (refreshed, told);
            return told_lately.is_none();
        }
        inner.remove(&key);
        if inner.oldest_first.len() >= MAX_STATES {
            return false;
        }
        inner.oldest_first.push_back((refreshed, key.clone()));
        let keys = inner.by_session.entry(session).or_default();
        keys.insert(key.clone());
        let state = State {
            refreshed,
            told,
            session,
        };
        inner.states.insert(key, state);
        told_lately.is_none()
    }

    /// Ends a state; `None` when there was none.
    fn stop(&self, key: &Key) -> Option<Ended> {
        self.inner().remove(key)
    }

    /// Ends the states that a socket started: in one conversation, or in all.
    fn stop_session(&self, session: SessionId, only: Option<&ConversationId>) -> Vec<Ended> {
        let mut inner = self.inner();
        let keys = inner.by_session.get(&session).cloned().unwrap_or_default();
        let is_meant = |(_, conversation, _): &&Key| only.is_none_or(|only| only == conversation);
        let keys = keys.iter().filter(is_meant);
        keys.filter_map(|key| inner.remove(key)).collect()
    }

    /// Ends the states that nobody refreshed.
    fn expire(&self) -> Vec<Ended> {
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
                _ => ended.extend(inner.remove(&key)),
            }
        }
        ended
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Inner {
    fn remove(&mut self, key: &Key) -> Option<Ended> {
        let session = self.states.remove(key)?.session;
        if let Some(keys) = self.by_session.get_mut(&session) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_session.remove(&session);
            }
        }
        Some(Ended {
            key: key.clone(),
            session,
        })
    }

    /// Puts an entry back where its time belongs. Times are close together, so that is near the end.
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
                self.publish_typing(Ended { key, session }, true).await;
            }
        } else {
            self.typing.stop(&key);
            self.publish_typing(Ended { key, session }, false).await;
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

    pub(super) async fn expire_typing(&self) {
        for ended in self.typing.expire() {
            self.publish_typing(ended, false).await;
        }
    }

    async fn publish_typing(&self, state: Ended, is_typing: bool) {
        self.publish(self.typing_event(state, is_typing)).await;
    }

    fn typing_event(&self, state: Ended, is_typing: bool) -> Event {
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
mod tests {
    use super::*;

    fn key(conversation: &str, user: &str) -> Key {
        (Dialect::ALL[0], conversation.into(), user.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_ends_six_seconds_after_its_last_refresh() {
        let (typing, session) = (Typing::default(), SessionId::for_tests(1));
        typing.start(key("c", "ali"), session);
        tokio::time::advance(LIFETIME / 2).await;
        typing.start(key("c", "ali"), session);
        typing.start(key("c", "veli"), session);
        tokio::time::advance(LIFETIME / 2).await;
        assert!(typing.expire().is_empty(), "both were refreshed since");
        tokio::time::advance(LIFETIME / 2).await;
        assert_eq!(typing.expire().len(), 2);
        assert!(typing.expire().is_empty());
        assert!(typing.inner().by_session.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_is_told_once_a_second_whichever_socket_it_comes_from() {
        let typing = Typing::default();
        let start = |number| typing.start(key("c", "ali"), SessionId::for_tests(number));
        assert!(start(1));
        assert!(!start(1) && !start(2) && !start(1));
        tokio::time::advance(RETELL / 2).await;
        assert!(!start(1));
        tokio::time::advance(RETELL / 2).await;
        assert!(start(2), "who came meanwhile is told too");
        assert!(!start(1));
        typing.stop(&key("c", "ali"));
        assert!(start(1), "after a stop it is news");
        assert!(typing.start(key("d", "ali"), SessionId::for_tests(1)));
        assert!(typing.start(key("c", "veli"), SessionId::for_tests(1)));
    }

    #[tokio::test]
    async fn a_socket_ends_only_its_own_states() {
        let typing = Typing::default();
        typing.start(key("c", "ali"), SessionId::for_tests(1));
        typing.start(key("d", "ali"), SessionId::for_tests(1));
        typing.start(key("c", "veli"), SessionId::for_tests(2));
        let only = ConversationId::from("c");
        assert_eq!(
            typing
                .stop_session(SessionId::for_tests(1), Some(&only))
                .len(),
            1
        );
        assert_eq!(typing.stop_session(SessionId::for_tests(1), None).len(), 1);
        assert!(typing.stop(&key("c", "veli")).is_some());
    }
}
