//! What changed in conversations since somebody looked.

use chrono::{DateTime, Utc};
use sea_orm::{QueryResult, Value};
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
    /// Those of these conversations in which something may have changed since that takes no `rev`: a
    /// name, who takes part, how far somebody has read.
    pub async fn find_touched(
        &self,
        ids: &[&ConversationId],
        since: DateTime<Utc>,
    ) -> Result<Vec<ConversationId>, Fault> {
        let bind = |id: &&ConversationId, values: &mut Vec<Value>| {
            values.extend([id.as_str().into(), since.into()]);
        };
        let rows = FIND_TOUCHED.query(&self.read, ids, bind).await?;
        let id = |row: &QueryResult| Ok(row.try_get_by_index::<String>(0)?.into());
        rows.iter().map(id).collect()
    }

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

static FIND_TOUCHED: Bulk = Bulk::new(
    "SELECT c.id FROM (VALUES",
    2,
    ") AS v JOIN conversation AS c ON c.id = v.column1 WHERE c.updated_at >= v.column2 \
     OR EXISTS (SELECT 1 FROM participant AS p WHERE p.conversation_id = c.id \
     AND p.last_read_at >= v.column2)",
);

static LIST_CHANGES: Bulk = Bulk::new(
    "SELECT message.* FROM (VALUES",
    3,
    ") AS v JOIN message ON message.conversation_id = v.column1 AND message.rev > v.column2 \
     AND message.rev <= v.column3 ORDER BY message.conversation_id, message.rev",
);
