//! What changed in conversations since somebody looked.

use sea_orm::Value;
use sohbet_entity::ids::ConversationId;

use super::rows::Bulk;
use super::{Fault, MessageRow, Store, messages};

/// A stretch of the changes of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// The conversation.
    pub conversation: &'a ConversationId,
    /// Changes after this `rev`.
    pub after: i64,
    /// Up to and with this one.
    pub up_to: i64,
}

impl Store {
    /// The messages that were new or changed in those stretches, in order of `rev` within each
    /// conversation. A message that changed twice comes once, as it is now.
    pub async fn list_changes(&self, stretches: &[Stretch<'_>]) -> Result<Vec<MessageRow>, Fault> {
        let bind = |stretch: &Stretch, values: &mut Vec<Value>| {
            values.extend([
                stretch.conversation.as_str().into(),
                stretch.after.into(),
                stretch.up_to.into(),
            ]);
        };
        let rows = LIST_CHANGES.query(&self.read, stretches, bind).await?;
        rows.iter().map(messages::from_row).collect()
    }
}

static LIST_CHANGES: Bulk = Bulk::new(
    "SELECT message.* FROM (VALUES",
    3,
    ") AS v JOIN message ON message.conversation_id = v.column1 AND message.rev > v.column2 \
     AND message.rev <= v.column3 ORDER BY message.conversation_id, message.rev",
);
