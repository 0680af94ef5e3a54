//! What is open about a socket that has begun to listen for a user, until it is answered.

use std::collections::HashMap;

use sohbet_entity::ids::{ConversationId, UserId};

use super::Session;
use crate::chat::Event;
use crate::chat::presence::Arrival;

/// Conversations that may be told to a user before the answer. Those of which there is no room to note
/// it are told once more.
const MAX_ASIDE: usize = 10_000;

/// How far conversations were told.
pub type Marks = HashMap<ConversationId, i64>;

/// That a user came with a socket: told with its answer, or taken back.
pub struct Came {
    /// Who.
    pub user: UserId,
    /// What that changed.
    pub arrival: Arrival,
    /// What others are to hear.
    pub event: Option<Event>,
}

/// What is open.
#[derive(Default)]
pub(super) struct Coming {
    came: Option<Box<Came>>,
    /// How far conversations were told to the user since, if what waits for the user is for this socket.
    aside: Option<Marks>,
}

impl Session {
    /// Its user came with it. Returns what is open of an earlier time.
    pub fn set_came(&self, came: Came) -> Option<Box<Came>> {
        self.state().coming.came.replace(Box::new(came))
    }

    /// Whoever takes it tells it or takes it back.
    pub fn take_came(&self) -> Option<Box<Came>> {
        self.state().coming.came.take()
    }

    /// What waits for its user is for this socket. Until it is told, nothing else counts as told to the user.
    pub fn await_waiting(&self) {
        self.state().coming.aside.get_or_insert_default();
    }

    /// Whether what waits for its user is still to be told to this socket.
    pub fn awaits_waiting(&self) -> bool {
        self.state().coming.aside.is_some()
    }

    /// Notes how far a conversation is told to the user if that does not count yet; `false` if it does.
    pub fn put_aside(&self, conversation: &ConversationId, seq: i64) -> bool {
        let mut state = self.state();
        let Some(marks) = &mut state.coming.aside else {
            return false;
        };
        if marks.len() < MAX_ASIDE || marks.contains_key(conversation) {
            let mark = marks.entry(conversation.clone()).or_default();
            *mark = seq.max(*mark);
        }
        true
    }

    /// What waits is told now, or never: returns what was put aside.
    pub fn take_aside(&self) -> Option<Marks> {
        self.state().coming.aside.take()
    }
}
