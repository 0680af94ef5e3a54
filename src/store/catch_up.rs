//! What changed in conversations since somebody looked.

use chrono::{DateTime, Utc};
use sea_orm::{QueryResult, Value};
use sohbet_entity::ids::ConversationId;

use super::rows::Bulk;
use super::{Fault, MessageRow, Store, messages};

/// A stretch of what took a `rev` in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The conversation.
    pub conversation: ConversationId,
    /// After this `rev`.
    pub after: i64,
    /// Up to and with this one.
    pub up_to: i64,
    /// How many of the `rev` that were taken up to then, or later, were not taken by new messages.
    pub n_changes: i64,
}

impl Stretch {
    /// No message after this stretch's `after` has this `seq` or a smaller one: at most `n_changes` of the
    /// `rev` before were no messages.
    fn after_seq(&self) -> i64 {
        self.after - self.n_changes
    }
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
    pub async fn list_changes(&self, stretches: &[Stretch]) -> Result<Vec<MessageRow>, Fault> {
        let bind = |stretch: &Stretch, values: &mut Vec<Value>| {
            values.extend([
                stretch.conversation.as_str().into(),
                stretch.after.into(),
                stretch.up_to.into(),
                stretch.after_seq().into(),
            ]);
        };
        let rows = LIST_CHANGES.query(&self.read, stretches, bind).await?;
        let mut rows = rows
            .iter()
            .map(messages::from_row)
            .collect::<Result<Vec<_>, _>>()?;
        rows.sort_by(|a, b| (&a.conversation_id, a.rev).cmp(&(&b.conversation_id, b.rev)));
        Ok(rows)
    }
}

static FIND_TOUCHED: Bulk = Bulk::new(
    "SELECT c.id FROM (VALUES",
    2,
    ") AS v JOIN conversation AS c ON c.id = v.column1 WHERE c.updated_at >= v.column2 \
     OR EXISTS (SELECT 1 FROM participant AS p WHERE p.conversation_id = c.id \
     AND p.last_read_at >= v.column2)",
);

/// Only what changed after it was said stands in an index of `rev`; in what did not, `seq` and `rev` ascend
/// together.
static LIST_CHANGES: Bulk = Bulk::new(
    "WITH v (conversation_id, after, up_to, after_seq) AS (VALUES",
    4,
    ") SELECT message.* FROM v JOIN message ON message.conversation_id = v.conversation_id \
     AND message.is_changed AND message.rev > v.after AND message.rev <= v.up_to \
     UNION ALL SELECT message.* FROM v JOIN message ON message.conversation_id = v.conversation_id \
     AND NOT message.is_changed AND message.seq > v.after_seq AND message.seq <= v.up_to \
     AND message.rev > v.after AND message.rev <= v.up_to",
);
