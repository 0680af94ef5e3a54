//! Holes in what this node has told: they are filled with what the database has.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::canonical_decimal;

use super::Moved;
use crate::chat::{Chat, Conversation, Dialect, Event, IdForm, Message};
use crate::error::Result;
use crate::store::{self, ChangedMessage, MessageRow, ReactionRow};

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

/// How far a change may lie behind the time that its message says: it was written down before, and
/// clocks differ.
const SLACK: TimeDelta = TimeDelta::seconds(5);

/// When the database was looked at, as far as that succeeded.
pub struct Looks {
    last_two: Mutex<[DateTime<Utc>; 2]>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            last_two: Mutex::new([store::now(); 2]),
        }
    }
}

impl Looks {
    /// It was looked at now.
    pub fn note(&self) {
        let mut last_two = self.last_two.lock().expect("no code panics with it held");
        *last_two = [last_two[1], store::now()];
    }

    /// What was said earlier than this was seen with the look before the last.
    fn before_last(&self) -> DateTime<Utc> {
        let last_two = self.last_two.lock().expect("no code panics with it held");
        last_two[0] - SLACK
    }
}

impl Chat {
    /// Reads what changed in a conversation after that; where that is not known, what was said since
    /// the database was looked at before.
    pub async fn read_repair(&self, after: &Moved) -> Result<Option<Repair>> {
        let (id, since) = (&after.conversation, self.looks.before_last());
        let found = async {
            match after.rev < 0 {
                true => self.store.list_changes_since(id, since, MAX_REPAIRED).await,
                false => {
                    let (rev, store) = (after.rev, &self.store);
                    store.list_changes_after(id, rev, MAX_REPAIRED).await
                }
            }
        };
        let Some(found) = store::in_time(found).await? else {
            return Ok(None);
        };
        let (rev, seq) = found.head;
        let head = Moved {
            conversation: id.clone(),
            rev,
            seq: seq.max(after.seq),
            facts_in: found.facts_in,
        };
        self.forget_if_older(&head);
        let Some(conversation) = self.find_conversation(id).await? else {
            return Ok(None);
        };
        let is_new = |row: &MessageRow| match after.rev < 0 {
            true => row.created_at >= since,
            false => row.seq > after.seq,
        };
        let mut changes = Vec::with_capacity(found.rows.len());
        let mut reactions = store::by_message(found.reactions);
        for row in found.rows {
            let rev = row.rev;
            let is_new = is_new(&row);
            let reactions = reactions.remove(&row.id).unwrap_or_default();
            let events = self.retell(&conversation, row, reactions, is_new).await?;
            changes.push((rev, events));
        }
        Ok(Some(Repair { changes, head }))
    }

    /// What is told of a message as it is now: that it is there, if it is new, or else that it has
    /// changed.
    async fn retell(
        &self,
        conversation: &Arc<Conversation>,
        row: MessageRow,
        reactions: Vec<ReactionRow>,
        is_new: bool,
    ) -> Result<Vec<Event>> {
        if is_new && row.deleted_at.is_none() {
            let dialect = spoken_in(&row);
            let message = self.dress(conversation, row).await?;
            return Ok(vec![Event::Message {
                message: Message {
                    reactions,
                    ..message
                },
                echo: None,
                origin: None,
                dialect,
            }]);
        }
        let emoji = reactions.last().map(|reaction| reaction.emoji.clone());
        let sender = self.profile(&row.sender_id).await?;
        let changed = ChangedMessage {
            last_seq: row.seq,
            facts_in: 0,
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
