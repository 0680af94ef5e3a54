//! One batch: many writes in one transaction, with `seq` and `rev` assigned inside it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseConnection, DatabaseTransaction, Value};
use sohbet_entity::ids::ConversationId;

use super::rows::Bulk;
use super::writer::{NewMessage, NewRead, ReadOutcome};
use super::{Fault, MessageRow, connections, markers, messages, uploads};
#[cfg(feature = "planted-bugs")]
use crate::planted;

/// Longest preview of a conversation's last message, in characters.
const PREVIEW_CHARS: usize = 100;

/// What became of the writes of one committed batch, in the order they were given.
pub struct Committed {
    /// The stored row of each message; `None` when its conversation does not exist.
    pub messages: Vec<Option<Stored>>,
    pub reads: Vec<ReadOutcome>,
}

/// A message row, and whether an earlier send had stored it.
#[derive(Clone)]
pub struct Stored {
    pub row: Arc<MessageRow>,
    pub duplicate: bool,
}

/// Commits read markers and messages in one transaction. A reader has seen what was committed
/// before, so markers come first: a message of the same batch stays unread.
///
/// With `look_up`, messages that are stored already (same id, or same client id of the same sender)
/// are found and left alone; without it, such a message fails the whole batch with
/// [`Fault::Unique`], which is cheaper for the usual case. Only a message that may be stored under
/// another key is always looked up.
pub async fn commit(
    db: &DatabaseConnection,
    new: &[&NewMessage],
    reads: &[&NewRead],
    look_up: bool,
) -> Result<Committed, Fault> {
    let txn = connections::begin(db).await?;
    let reads = markers::move_forward(&txn, reads).await?;
    let known = find_known(&txn, new, look_up).await?;
    let rows = number(&txn, new, &known).await?;
    let fresh: Vec<&MessageRow> = rows.iter().flatten().collect();
    INSERT_MESSAGES
        .execute(&txn, &fresh, |row, values| bind(row, values))
        .await?;
    uploads::mark_used(&txn, &fresh).await?;
    #[cfg(feature = "planted-bugs")]
    if planted::has("ack_before_commit") || planted::has("broadcast_before_commit") {
        planted::later(async move { drop(txn.commit().await) });
        return Ok(Committed {
            messages: collect(new, known, rows),
            reads,
        });
    }
    txn.commit().await?;
    Ok(Committed {
        messages: collect(new, known, rows),
        reads,
    })
}

async fn find_known(
    txn: &DatabaseTransaction,
    new: &[&NewMessage],
    look_up: bool,
) -> Result<Vec<Option<MessageRow>>, Fault> {
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
    Ok(known)
}

fn collect(
    new: &[&NewMessage],
    known: Vec<Option<MessageRow>>,
    fresh: Vec<Option<MessageRow>>,
) -> Vec<Option<Stored>> {
    let rows = known
        .into_iter()
        .zip(fresh)
        .map(|(known, fresh)| known.or(fresh));
    let stored = |(row, new): (Option<MessageRow>, &&NewMessage)| {
        let row = Arc::new(row?);
        // A row under the very id of this send is this send: an earlier try stored it, and its
        // answer was lost. Nobody has heard of it yet.
        let duplicate = row.id != new.row.id;
        Some(Stored { row, duplicate })
    };
    rows.zip(new).map(stored).collect()
}

/// How a batch changes one conversation.
struct Advance<'a> {
    id: &'a ConversationId,
    n_messages: i64,
    last_at: DateTime<Utc>,
    preview: Option<String>,
}

/// Gives each new message its `seq` and `rev`. `None` for one that is known already and for one
/// whose conversation does not exist.
async fn number(
    txn: &DatabaseTransaction,
    new: &[&NewMessage],
    known: &[Option<MessageRow>],
) -> Result<Vec<Option<MessageRow>>, Fault> {
    let is_fresh = |index: &usize| known[*index].is_none();
    let fresh: Vec<usize> = (0..new.len()).filter(is_fresh).collect();
    let mut next = advance(txn, fresh.iter().map(|index| &new[*index].row)).await?;
    let mut rows = vec![None; new.len()];
    for index in fresh {
        let message = &new[index].row;
        let Some((seq, rev)) = next.get_mut(&message.conversation_id) else {
            continue;
        };
        rows[index] = Some(MessageRow {
            seq: *seq,
            rev: *rev,
            ..message.clone()
        });
        *seq += 1;
        *rev += 1;
    }
    Ok(rows)
}

/// Moves the counters of all conversations that get messages, and returns the first `seq` and
/// `rev` of each. The row lock that this takes orders the writers of several nodes.
async fn advance<'a>(
    txn: &DatabaseTransaction,
    messages: impl Iterator<Item = &'a MessageRow>,
) -> Result<HashMap<ConversationId, (i64, i64)>, Fault> {
    let mut advances: Vec<Advance> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for message in messages {
        let position = *positions
            .entry(message.conversation_id.as_str())
            .or_insert_with(|| {
                advances.push(Advance {
                    id: &message.conversation_id,
                    n_messages: 0,
                    last_at: message.created_at,
                    preview: None,
                });
                advances.len() - 1
            });
        let advance = &mut advances[position];
        advance.n_messages += 1;
        advance.last_at = message.created_at;
        advance.preview = preview(message).or(advance.preview.take());
    }
    // The same order on every node makes it rare that two wait for each other in a circle. The
    // database finds out when they do, and the batch is tried again.
    advances.sort_unstable_by(|a, b| a.id.cmp(b.id));
    let heads = ADVANCE_CONVERSATIONS
        .query(txn, &advances, |advance, values| {
            values.extend([
                advance.id.as_str().into(),
                advance.n_messages.into(),
                advance.last_at.into(),
                advance.preview.clone().into(),
            ]);
        })
        .await?;
    let n_messages: HashMap<&str, i64> = advances
        .iter()
        .map(|advance| (advance.id.as_str(), advance.n_messages))
        .collect();
    let mut first = HashMap::with_capacity(heads.len());
    for head in heads {
        let id: String = head.try_get_by_index(0)?;
        let (seq, rev): (i64, i64) = (head.try_get_by_index(1)?, head.try_get_by_index(2)?);
        let n = n_messages.get(id.as_str()).copied().ok_or(Fault::Other)?;
        first.insert(ConversationId::from(id), (seq - n + 1, rev - n + 1));
    }
    Ok(first)
}

static ADVANCE_CONVERSATIONS: Bulk = Bulk::new(
    "UPDATE conversation SET last_seq = last_seq + v.column2, last_rev = last_rev + v.column2, \
     last_message_at = v.column3, updated_at = v.column3, \
     last_message_preview = COALESCE(v.column4, conversation.last_message_preview) FROM (VALUES",
    4,
    ") AS v WHERE conversation.id = v.column1 \
     RETURNING conversation.id, conversation.last_seq, conversation.last_rev",
);

/// The start of a text, or the name of a bare file; cut at a character. A message that shows
/// neither leaves the preview as it was.
fn preview(message: &MessageRow) -> Option<String> {
    let cut = |text: &str| text.chars().take(PREVIEW_CHARS).collect();
    match (&message.content, &message.file_name) {
        (Some(text), _) => Some(cut(text)),
        (None, Some(name)) => Some(cut(&format!("File: {name}"))),
        (None, None) => None,
    }
}

static INSERT_MESSAGES: Bulk = Bulk::new(
    "INSERT INTO message (id, conversation_id, seq, rev, sender_id, sender_party, client_id, kind, \
     content, file_url, file_name, file_size, file_type, metadata, reply_to, created_at) VALUES",
    16,
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
    ]);
}
