//! One batch: many writes in one transaction, with `seq` and `rev` assigned inside it, in the order
//! in which they were asked for.

mod batch;
mod halves;
mod names;
mod pairs;
mod senders;

pub use batch::{Batch, Step};
pub use halves::Half;
pub use pairs::{Claim, Pair};

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseConnection, DatabaseTransaction, Value};
use sohbet_entity::ids::{ConversationId, MessageId};

use super::changes::{self, MadeChange};
use super::rows::Bulk;
use super::writer::{ChangedMessage, MAX_REACTIONS, NewMessage, ReadOutcome, StoredMessage};
use super::{Fault, MessageRow, ReactionRow, markers, messages, reactions, transactions, uploads};
#[cfg(feature = "planted-bugs")]
use crate::planted;

/// Longest preview of a conversation's last message, in characters.
const PREVIEW_CHARS: usize = 100;

/// What became of the writes of one committed batch, in the order they were given.
pub struct Committed {
    /// The stored row of each message; `None` when its conversation does not exist.
    pub messages: Vec<Option<StoredMessage>>,
    /// Each changed message; `None` when it does not exist, or no longer changes.
    pub changes: Vec<Option<ChangedMessage>>,
    pub reads: Vec<ReadOutcome>,
}

impl Committed {
    /// An earlier try may have made the changes that this one found made: they are told as new.
    /// Whoever knows them already sees that by their `rev`.
    pub fn assume_changed(&mut self) {
        for changed in self.changes.iter_mut().flatten() {
            changed.has_changed = true;
        }
    }
}

/// Commits read markers, changes and messages in one transaction. A reader has seen what was
/// committed before, so markers come first: a message of the same batch stays unread.
///
/// With `look_up`, messages that are stored already (same id, or same client id of the same sender)
/// are found and left alone; without it, such a message fails the whole batch with
/// [`Fault::Unique`], which is cheaper for the usual case. Only a message that may be stored under
/// another key is always looked up.
pub async fn commit(
    db: &DatabaseConnection,
    batch: &Batch<'_>,
    look_up: bool,
) -> Result<Committed, Fault> {
    let txn = transactions::begin(db).await?;
    halves::lock(&txn, batch).await?;
    let reads = markers::move_forward(&txn, &batch.reads).await?;
    // Before anything changes: what is known is shown as it was under its `rev`.
    let known = find_known(&txn, batch, look_up).await?;
    let reactions = reactions_to(&txn, &known).await?;
    let mut changes = changes::make(&txn, &batch.changes).await?;
    let (mut rows, facts) = number(&txn, batch, &known, &mut changes).await?;
    senders::check(&txn, batch, &rows, &changes, &facts).await?;
    names::name(&txn, batch, &mut rows).await?;
    for (index, key) in pairs::claimed_keys(&txn, batch, look_up).await? {
        if let Some(row) = &mut rows[index] {
            row.client_id = Some(key.to_owned());
        }
    }
    let mut fresh: Vec<&MessageRow> = rows.iter().flatten().collect();
    // Those of one conversation stand side by side in every index but that of the ids.
    fresh.sort_by(|a, b| a.conversation_id.cmp(&b.conversation_id));
    INSERT_MESSAGES
        .execute(&txn, &fresh, |row, values| bind(row, values))
        .await?;
    uploads::mark_used(&txn, &fresh).await?;
    let changes = changes::finish(&txn, changes).await?;
    #[cfg(feature = "planted-bugs")]
    if planted::has("ack_before_commit") || planted::has("broadcast_before_commit") {
        planted::later(async move { drop(txn.commit().await) });
        return Ok(Committed {
            messages: collect(batch, known, rows, reactions, &facts),
            changes,
            reads,
        });
    }
    txn.commit().await?;
    Ok(Committed {
        messages: collect(batch, known, rows, reactions, &facts),
        changes,
        reads,
    })
}

/// What others did to messages that are stored already. Another node may change one just now; then
/// the batch is tried again.
async fn reactions_to(
    txn: &DatabaseTransaction,
    known: &[Option<MessageRow>],
) -> Result<HashMap<MessageId, Vec<ReactionRow>>, Fault> {
    let ids: Vec<&MessageId> = known.iter().flatten().map(|row| &row.id).collect();
    let found = reactions::list(txn, &ids, MAX_REACTIONS as u32).await?;
    match known.iter().flatten().all(|row| found.fits(row)) {
        true => Ok(reactions::by_message(found.rows)),
        false => Err(Fault::Collision),
    }
}

async fn find_known(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    look_up: bool,
) -> Result<Vec<Option<MessageRow>>, Fault> {
    let new = &batch.messages;
    let is_asked = |index: &usize| look_up || new[*index].earlier.is_some();
    let asked: Vec<usize> = (0..new.len()).filter(is_asked).collect();
    let mut known = vec![None; new.len()];
    if !asked.is_empty() {
        let messages: Vec<&NewMessage> = asked.iter().map(|index| new[*index]).collect();
        let found = messages::find_stored(txn, &messages).await?;
        for (index, row) in asked.into_iter().zip(found) {
            known[index] = row;
        }
    }
    for (index, row) in batch.names.find_stored(txn, new).await? {
        known[index] = Some(row);
    }
    pairs::join(txn, batch, batch.pairs.clone(), &mut known).await?;
    halves::pair(txn, batch, &mut known).await?;
    Ok(known)
}

fn collect(
    batch: &Batch<'_>,
    known: Vec<Option<MessageRow>>,
    fresh: Vec<Option<MessageRow>>,
    reactions: HashMap<MessageId, Vec<ReactionRow>>,
    facts: &HashMap<ConversationId, i64>,
) -> Vec<Option<StoredMessage>> {
    let rows = known
        .into_iter()
        .zip(fresh)
        .map(|(known, fresh)| known.or(fresh));
    let stored = |(index, (row, new)): (usize, (Option<MessageRow>, &&NewMessage))| {
        let row = Arc::new(row?);
        // A row under the very id of this send is this send: an earlier try stored it, and its
        // answer was lost. Nobody has heard of it yet.
        let duplicate = row.id != new.row.id && !batch.names.has_stored(index, &row);
        let facts_in = facts.get(&row.conversation_id).copied().unwrap_or(0);
        Some(StoredMessage {
            reactions: reactions.get(&row.id).cloned().unwrap_or_default(),
            facts_in: if duplicate { 0 } else { facts_in },
            row,
            duplicate,
        })
    };
    rows.zip(&batch.messages).enumerate().map(stored).collect()
}

/// How a batch changes one conversation.
struct Advance<'a> {
    id: &'a ConversationId,
    n_messages: i64,
    /// Messages and changes.
    n_revs: i64,
    /// When the last message was sent, if there is one.
    last_at: Option<DateTime<Utc>>,
    preview: Option<String>,
    at: DateTime<Utc>,
}

/// Gives each new message its `seq` and `rev`, and each change its `rev`, in the order of the batch;
/// also says when who takes part was changed last, by conversation. `None` for a message that is known
/// already and for one whose conversation does not exist.
async fn number(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    known: &[Option<MessageRow>],
    changes: &mut [Option<MadeChange>],
) -> Result<(Vec<Option<MessageRow>>, HashMap<ConversationId, i64>), Fault> {
    let mut next = advance(txn, batch, known, changes).await?;
    let mut rows = vec![None; batch.messages.len()];
    // What changes nothing has the `rev` of the change before it.
    let mut newest: HashMap<MessageId, i64> = HashMap::new();
    for step in &batch.steps {
        match *step {
            Step::Message(index) if known[index].is_none() => {
                let message = &batch.messages[index].row;
                let Some(next) = next.get_mut(&message.conversation_id) else {
                    continue;
                };
                rows[index] = Some(MessageRow {
                    seq: take(&mut next.seq),
                    rev: take(&mut next.rev),
                    ..message.clone()
                });
            }
            Step::Message(_) => {}
            Step::Change(index) => {
                let Some(change) = &mut changes[index] else {
                    continue;
                };
                if let Some(next) = next.get_mut(&change.row.conversation_id)
                    && change.has_changed
                {
                    change.facts_in = next.facts_in;
                    change.last_seq = next.seq - 1;
                    change.row.rev = take(&mut next.rev);
                    newest.insert(change.row.id.clone(), change.row.rev);
                } else if let Some(rev) = newest.get(&change.row.id) {
                    change.row.rev = *rev;
                }
            }
        }
    }
    let facts = next.into_iter().map(|(id, next)| (id, next.facts_in));
    Ok((rows, facts.collect()))
}

/// What the next message of a conversation gets.
struct Next {
    seq: i64,
    rev: i64,
    /// The transaction that last changed anything of the conversation but what was said.
    facts_in: i64,
}

fn take(next: &mut i64) -> i64 {
    *next += 1;
    *next - 1
}

/// Moves the counters of all conversations of a batch. Returns the first `seq` and `rev` that the
/// batch may use in each.
async fn advance(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    known: &[Option<MessageRow>],
    changes: &[Option<MadeChange>],
) -> Result<HashMap<ConversationId, Next>, Fault> {
    let advances = advances(batch, known, changes);
    let heads = ADVANCE_CONVERSATIONS
        .query(txn, &advances, |advance, values| {
            values.extend([
                advance.id.as_str().into(),
                advance.n_messages.into(),
                advance.n_revs.into(),
                advance.last_at.into(),
                advance.preview.clone().into(),
                advance.at.into(),
            ]);
        })
        .await?;
    let lengths: HashMap<&str, (i64, i64)> = advances
        .iter()
        .map(|advance| (advance.id.as_str(), (advance.n_messages, advance.n_revs)))
        .collect();
    let mut first = HashMap::with_capacity(heads.len());
    for head in heads {
        let id: String = head.try_get_by_index(0)?;
        let (seq, rev): (i64, i64) = (head.try_get_by_index(1)?, head.try_get_by_index(2)?);
        let length = lengths.get(id.as_str());
        let (n_messages, n_revs) = length.copied().ok_or(Fault::Other)?;
        let next = Next {
            seq: seq - n_messages + 1,
            rev: rev - n_revs + 1,
            facts_in: head.try_get_by_index(3)?,
        };
        first.insert(ConversationId::from(id), next);
    }
    Ok(first)
}

/// How the batch changes each conversation, in the order of their ids: the same order on every node
/// makes it rare that two wait for each other in a circle. The database finds out when they do, and
/// the batch is tried again.
fn advances<'a>(
    batch: &Batch<'a>,
    known: &[Option<MessageRow>],
    changes: &'a [Option<MadeChange>],
) -> Vec<Advance<'a>> {
    let mut advances: Vec<Advance> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut touch = |id: &'a ConversationId, at: DateTime<Utc>, message: Option<&MessageRow>| {
        let position = *positions.entry(id.as_str()).or_insert_with(|| {
            advances.push(Advance {
                id,
                n_messages: 0,
                n_revs: 0,
                last_at: None,
                preview: None,
                at,
            });
            advances.len() - 1
        });
        let advance = &mut advances[position];
        advance.n_revs += 1;
        advance.at = at;
        if let Some(message) = message {
            advance.n_messages += 1;
            advance.last_at = Some(at);
            advance.preview = preview(message).or(advance.preview.take());
        }
    };
    for step in &batch.steps {
        match *step {
            Step::Message(index) if known[index].is_none() => {
                let row = &batch.messages[index].row;
                touch(&row.conversation_id, row.created_at, Some(row));
            }
            Step::Message(_) => {}
            Step::Change(index) => {
                if let Some(change) = changes[index].as_ref().filter(|it| it.has_changed) {
                    touch(&change.row.conversation_id, batch.changes[index].at, None);
                }
            }
        }
    }
    advances.sort_unstable_by(|a, b| a.id.cmp(b.id));
    advances
}

static ADVANCE_CONVERSATIONS: Bulk = Bulk::new(
    "UPDATE conversation SET last_seq = last_seq + v.column2, last_rev = last_rev + v.column3, \
     last_message_at = COALESCE(v.column4, conversation.last_message_at), updated_at = v.column6, \
     last_message_preview = COALESCE(v.column5, conversation.last_message_preview) FROM (VALUES",
    6,
    ") AS v WHERE conversation.id = v.column1 \
     RETURNING conversation.id, conversation.last_seq, conversation.last_rev, conversation.facts_in",
);

/// The start of a text, or the name of a bare file; cut at a character. A message that shows
/// neither leaves the preview as it was.
pub fn preview(message: &MessageRow) -> Option<String> {
    let cut = |text: &str| text.chars().take(PREVIEW_CHARS).collect();
    match (&message.content, &message.file_name) {
        (Some(text), _) => Some(cut(text)),
        (None, Some(name)) => Some(cut(&format!("File: {name}"))),
        (None, None) => None,
    }
}

static INSERT_MESSAGES: Bulk = Bulk::new(
    "INSERT INTO message (id, conversation_id, seq, rev, sender_id, sender_party, client_id, kind, \
     content, file_url, file_name, file_size, file_type, metadata, reply_to, created_at, room_sender_id) VALUES",
    17,
    "",
);

/// Values of the columns that a new message can have, in the order of [`INSERT_MESSAGES`].
fn bind(row: &MessageRow, values: &mut Vec<Value>) {
    let optional = |id: Option<&str>| Value::String(id.map(str::to_owned));
    values.extend([
        row.id.as_str().into(),
        row.conversation_id.as_str().into(),
        row.seq.into(),
        row.rev.into(),
        row.sender_id.as_str().into(),
        optional(row.sender_party.as_ref().map(|party| party.as_str())),
        row.client_id.clone().into(),
        row.kind.clone().into(),
        row.content.clone().into(),
        row.file_url.clone().into(),
        row.file_name.clone().into(),
        row.file_size.into(),
        row.file_type.clone().into(),
        Value::Json(row.metadata.clone().map(Box::new)),
        optional(row.reply_to.as_ref().map(|id| id.as_str())),
        row.created_at.into(),
        optional(row.room_sender_id.as_ref().map(|user| user.as_str())),
    ]);
}

#[cfg(test)]
mod tests;
