//! Who is typing where. A typing state is refreshed by its typist and ends by itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::{ConversationId, UserId};
use tokio::time::Instant;

use super::{Chat, Event, SessionId};

/// How long a typing state lives after its last refresh.
const LIFETIME: Duration = Duration::from_secs(6);
/// Most typing states kept; further typists are simply not shown.
const MAX_STATES: usize = 50_000;

type Key = (ConversationId, UserId);

/// Typing states of this node.
#[derive(Default)]
pub struct Typing {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    states: HashMap<Key, State>,
    /// Every refresh, oldest first; one that was refreshed since is skipped.
    oldest_first: VecDeque<(Instant, Key)>,
}

struct State {
    since: Instant,
    session: SessionId,
}

impl Typing {
    /// Starts or refreshes a state. `false` when there are too many.
    fn start(&self, key: Key, session: SessionId) -> bool {
        let mut inner = self.inner();
        if inner.oldest_first.len() >= MAX_STATES {
            return false;
        }
        let since = Instant::now();
        inner.oldest_first.push_back((since, key.clone()));
        inner.states.insert(key, State { since, session });
        true
    }

    /// Ends a state; `false` when there was none.
    fn stop(&self, key: &Key) -> bool {
        self.inner().states.remove(key).is_some()
    }

    /// Ends the states that a socket started: in one conversation, or in all.
    fn stop_session(&self, session: SessionId, only: Option<&ConversationId>) -> Vec<Key> {
        let mut inner = self.inner();
        let is_ended = |(conversation, _): &Key, state: &mut State| {
            state.session == session && only.is_none_or(|only| only == conversation)
        };
        let ended = inner.states.extract_if(is_ended);
        ended.map(|(key, _)| key).collect()
    }

    fn expire(&self) -> Vec<Key> {
        let mut inner = self.inner();
        let mut ended = Vec::new();
        while let Some((since, key)) = inner
            .oldest_first
            .pop_front_if(|(since, _)| since.elapsed() >= LIFETIME)
        {
            let is_current = |state: &State| state.since == since;
            if inner.states.get(&key).is_some_and(is_current) {
                inner.states.remove(&key);
                ended.push(key);
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

impl Chat {
    /// Tells the others in a conversation that somebody types, or stopped.
    pub(super) async fn set_typing(
        &self,
        session: SessionId,
        conversation: ConversationId,
        user: UserId,
        is_typing: bool,
    ) {
        let key = (conversation, user);
        if is_typing {
            if self.typing.start(key.clone(), session) {
                self.publish_typing(key, true).await;
            }
        } else {
            self.typing.stop(&key);
            self.publish_typing(key, false).await;
        }
    }

    /// A message ends its author's typing.
    pub(super) async fn stop_typing_of(&self, conversation: &ConversationId, user: &UserId) {
        let key = (conversation.clone(), user.clone());
        if self.typing.stop(&key) {
            self.publish_typing(key, false).await;
        }
    }

    /// A socket that goes, or leaves a conversation, ends its typing.
    pub(super) async fn stop_typing_by(&self, session: SessionId, only: Option<&ConversationId>) {
        for key in self.typing.stop_session(session, only) {
            self.publish_typing(key, false).await;
        }
    }

    pub(super) async fn expire_typing(&self) {
        for key in self.typing.expire() {
            self.publish_typing(key, false).await;
        }
    }

    async fn publish_typing(&self, (conversation, user): Key, is_typing: bool) {
        self.publish(Event::Typing {
            conversation,
            user,
            is_typing,
        })
        .await;
    }
}
