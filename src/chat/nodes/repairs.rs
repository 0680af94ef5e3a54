//! Holes in what this node has told: they are filled with what the database has.

use std::sync::Arc;

use sohbet_entity::ids::canonical_decimal;

use super::Moved;
use crate::chat::{Chat, Conversation, Dialect, Event, IdForm};
use crate::error::Result;
use crate::store::{ChangedMessage, MAX_REACTIONS, MessageRow};

/// Messages that a repair reads at a time.
const MAX_REPAIRED: u32 = 300;
/// Ids that are milliseconds since 1970 are larger than any from a sequence.
const FIRST_MILLIS: u64 = 1_000_000_000_000;

/// What a hole in a conversation is filled with.
pub struct Repair {
    /// Messages that are new or changed, each with its `rev`, in order.
    pub changes: Vec<(i64, Vec<Event>)>,
    /// How far that reaches.
    pub head: Moved,
}

impl Chat {
    /// Reads what changed in a conversation after that.
    pub async fn read_repair(&self, after: &Moved) -> Result<Option<Repair>> {
        let id = &after.conversation;
        let found = self.store.list_changes_after(id, after.rev, MAX_REPAIRED);
        let (Some(found), Some(conversation)) = (found.await?, self.find_conversation(id).await?)
        else {
            return Ok(None);
        };
        let (rev, seq) = found.head;
        let mut changes = Vec::with_capacity(found.rows.len());
        for row in found.rows {
            let rev = row.rev;
            changes.push((rev, self.retell(&conversation, row, after.seq).await?));
        }
        let head = Moved {
            conversation: id.clone(),
            rev,
            seq: seq.max(after.seq),
        };
        Ok(Some(Repair { changes, head }))
    }

    /// What is told of a message as it is now: that it is there, if it came after `seq`, or else that
    /// it has changed.
    async fn retell(
        &self,
        conversation: &Arc<Conversation>,
        row: MessageRow,
        seq: i64,
    ) -> Result<Vec<Event>> {
        if row.seq > seq && row.deleted_at.is_none() {
            let dialect = spoken_in(&row);
            let message = self.dress(conversation, row).await?;
            return Ok(vec![Event::Message {
                message,
                echo: None,
                origin: None,
                dialect,
            }]);
        }
        let reactions = self
            .store
            .list_reactions(&[&row.id], MAX_REACTIONS as u32)
            .await?;
        let emoji = reactions.last().map(|reaction| reaction.emoji.clone());
        let sender = self.profile(&row.sender_id).await?;
        let changed = ChangedMessage {
            last_seq: row.seq,
            row: Arc::new(row),
            reactions,
            has_changed: true,
        };
        let (_, events) = self.tell_of_change(emoji, changed, sender, Arc::clone(conversation));
        Ok(events)
    }
}

/// The dialect in which a message was most likely sent, judging by its id.
fn spoken_in(row: &MessageRow) -> Dialect {
    let form = match canonical_decimal(row.id.as_str()) {
        Some(number) if number >= FIRST_MILLIS => IdForm::Millis,
        Some(_) => IdForm::Small,
        None => IdForm::Uuid,
    };
    let mut dialects = Dialect::ALL.into_iter();
    dialects
        .find(|dialect| dialect.ids() == form)
        .unwrap_or(Dialect::ALL[0])
}
