//! Events that are held back for a socket until an answer is given.

use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, MessageId};

use crate::chat::Moved;
use crate::store::MessageRow;

/// One event.
pub struct Held {
    pub event: &'static str,
    pub body: Box<RawValue>,
    pub shown: Option<Shown>,
}

/// The message that an event shows.
pub struct Shown {
    id: MessageId,
    conversation: ConversationId,
    rev: i64,
    is_new: bool,
}

impl From<(&MessageRow, bool)> for Shown {
    fn from((row, is_new): (&MessageRow, bool)) -> Self {
        Self {
            id: row.id.clone(),
            conversation: row.conversation_id.clone(),
            rev: row.rev,
            is_new,
        }
    }
}

impl Shown {
    pub fn is_in(&self, told: &[MessageId], covered: &[Moved]) -> bool {
        let is_before =
            |head: &Moved| head.conversation == self.conversation && self.rev <= head.rev;
        // A message that was told may have changed since.
        let is_told = self.is_new && told.contains(&self.id);
        is_told || covered.iter().any(is_before)
    }
}
