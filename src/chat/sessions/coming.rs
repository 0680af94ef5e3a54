//! What is open about a socket that has begun to listen for a user, until it is answered.

use std::collections::HashMap;

use sohbet_entity::ids::{ConversationId, UserId};

use super::{Session, SessionId, Sessions};
use crate::chat::presence::Arrival;
use crate::chat::{Dialect, Event};
use crate::store::MessageRow;

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
    /// The first and the last message of conversations that were told to it before its dialect was decided:
    /// they do not wait for it.
    early: HashMap<ConversationId, (i64, i64)>,
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
    pub fn await_waiting(&self, user: &UserId) {
        let was_named = self.identity.user.as_ref() == Some(user);
        let coming = &mut self.state().coming;
        if !was_named {
            // It heard that as somebody else.
            coming.early.clear();
        }
        let early = coming.early.iter();
        let marks = early.map(|(conversation, (_, last))| (conversation.clone(), *last));
        let marks: Marks = marks.collect();
        coming.aside.get_or_insert(marks);
    }

    /// Notes a message that is told to it although its dialect is not decided, if it can be told anything.
    pub fn note_early(&self, message: &MessageRow) {
        if !self.outbox.is_open() {
            return;
        }
        let (conversation, seq) = (&message.conversation_id, message.seq);
        let mut state = self.state();
        let early = &mut state.coming.early;
        if early.len() < MAX_ASIDE || early.contains_key(conversation) {
            let (first, last) = early.entry(conversation.clone()).or_insert((seq, seq));
            (*first, *last) = (seq.min(*first), seq.max(*last));
        }
    }

    /// Whether a message was told to it before its dialect was decided.
    pub fn was_told_early(&self, message: &MessageRow) -> bool {
        let state = self.state();
        let span = state.coming.early.get(&message.conversation_id);
        span.is_some_and(|(first, last)| (*first..=*last).contains(&message.seq))
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
        let coming = &mut self.state().coming;
        coming.early = HashMap::new();
        coming.aside.take()
    }
}

impl Sessions {
    /// Whether a socket of that dialect, besides one, listens for the user and is not known to be gone. One
    /// whose dialect is not decided may hear it, but was not told what waits.
    pub fn has_come(&self, user: &UserId, dialect: Dialect, besides: SessionId) -> bool {
        let mut has_come = false;
        self.each_of_user(user, |session| {
            let is_meant = session.id != besides && session.dialect() == Some(dialect);
            has_come |= is_meant && session.may_hear() && session.outbox.is_open();
        });
        has_come
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::value::RawValue;

    use super::*;
    use crate::auth::{Identity, Trust};
    use crate::chat::Outbox;
    use crate::chat::tests_support::message;

    /// A way to a client that is open or not.
    struct Way {
        is_open: bool,
    }

    impl Outbox for Way {
        fn emit(&self, _: &str, _: &RawValue) {}

        fn is_open(&self) -> bool {
            self.is_open
        }

        fn close(&self) {}

        fn expel(&self) {}
    }

    /// A socket that was named in the handshake as user `2`.
    fn session(is_open: bool) -> Arc<Session> {
        let identity = Identity {
            user: Some("2".into()),
            ..Identity::nobody(Trust::Claimed)
        };
        let outbox = Box::new(Way { is_open });
        Sessions::new(10).open("s".into(), identity, None, outbox)
    }

    #[test]
    fn what_was_told_early_is_told_and_nothing_else_is() {
        let heard = message("c", "live").row;
        let waiting = MessageRow {
            seq: heard.seq - 1,
            ..(*heard).clone()
        };
        let session = session(true);
        session.note_early(&heard);
        session.await_waiting(&"2".into());
        assert!(session.was_told_early(&heard) && !session.was_told_early(&waiting));
        let marks = session.take_aside().unwrap();
        assert_eq!(marks, Marks::from([("c".into(), heard.seq)]));
        assert!(!session.was_told_early(&heard), "that is over");
    }

    #[test]
    fn what_a_socket_could_not_hear_or_heard_as_somebody_else_waits() {
        let heard = message("c", "live").row;
        for (is_open, user) in [(false, "2"), (true, "1")] {
            let session = session(is_open);
            session.note_early(&heard);
            session.await_waiting(&user.into());
            assert!(!session.was_told_early(&heard));
            assert_eq!(session.take_aside(), Some(Marks::new()));
        }
    }
}
