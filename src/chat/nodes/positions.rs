//! How far conversations have come.

use serde::{Deserialize, Serialize};
use sohbet_entity::ids::ConversationId;

use crate::chat::{CaughtUp, ConversationView, DeskReply, Message, Reply};
use crate::store::{ChangedMessage, MessageRow, Place};

/// How far a conversation has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Which.
    pub conversation: ConversationId,
    /// Its last change.
    pub rev: i64,
    /// Its last message at that time.
    pub seq: i64,
    /// The transaction that last changed who takes part, as far as that is known; else 0.
    pub facts_in: i64,
}

pub(super) fn moved(row: &MessageRow, last_seq: i64, facts_in: i64) -> Moved {
    Moved {
        conversation: row.conversation_id.clone(),
        rev: row.rev,
        seq: last_seq,
        facts_in,
    }
}

impl ChangedMessage {
    /// Where the change stands in the conversation.
    pub fn position(&self) -> Moved {
        moved(&self.row, self.last_seq, self.facts_in)
    }
}

impl Reply {
    /// How far the conversations have come that this shows, as far as it says.
    pub fn heads(&self) -> Vec<Moved> {
        match self {
            Self::Desk(DeskReply::Opened(view, _)) => vec![Moved::from(view)],
            Self::Desk(DeskReply::CaughtUp(caught_up)) => heads_of(Some(caught_up)),
            Self::Desk(DeskReply::Greeting(greeting)) => heads_of(greeting.caught_up.as_ref()),
            Self::Opened { messages, .. } => {
                let newest = messages.iter().max_by_key(|message| message.row.rev);
                newest.map(Message::position).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Up to which `rev` this shows everything that happened in conversations.
    pub fn covered(&self) -> Vec<Moved> {
        let caught_up = match self {
            Self::Desk(DeskReply::CaughtUp(caught_up)) => Some(caught_up),
            Self::Desk(DeskReply::Greeting(greeting)) => greeting.caught_up.as_ref(),
            _ => None,
        };
        let reached = caught_up.into_iter().flat_map(|it| &it.reached);
        reached.cloned().collect()
    }
}

fn heads_of(caught_up: Option<&CaughtUp>) -> Vec<Moved> {
    let views = caught_up.into_iter().flat_map(|it| &it.conversations);
    let reached = caught_up.into_iter().flat_map(|it| &it.reached);
    views.map(Moved::from).chain(reached.cloned()).collect()
}

impl From<&ConversationView> for Moved {
    fn from(view: &ConversationView) -> Self {
        let row = &view.facts.row;
        Self {
            conversation: row.id.clone(),
            rev: row.last_rev,
            seq: row.last_seq,
            facts_in: 0,
        }
    }
}

impl From<&Place> for Moved {
    fn from(place: &Place) -> Self {
        Self {
            conversation: place.conversation_id.clone(),
            rev: place.last_rev,
            seq: place.last_seq,
            facts_in: 0,
        }
    }
}

impl Message {
    /// Where it stands in its conversation.
    pub fn position(&self) -> Moved {
        moved(&self.row, self.row.seq, self.facts_in)
    }
}
