//! One batch: many writes in one transaction, with `seq` and `rev` assigned inside it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseConnection, DatabaseTransaction, Value};
use sohbet_entity::ids::ConversationId;

use super::rows::Bulk;
use super::writer::{NewMessage, NewRead, ReadOutcome};
use super::{Fault, MessageRow, connections, messages, uploads};

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
    let reads = mark_read(&txn, reads).await?;
    let known = find_known(&txn, new, look_up).await?;
    let rows = number(&txn, new, &known).await?;
    let fresh: Vec<&MessageRow> = rows.iter().flatten().collect();
    INSERT_MESSAGES
        .execute(&txn, &fresh, |row, values| bind(row, values))
        .await?;
    uploads::mark_used(&txn, &fresh).await?;
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
        advance.preview = preview(message);
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
     last_message_at = v.column3, updated_at = v.column3, last_message_preview = v.column4 \
     FROM (VALUES",
    4,
    ") AS v WHERE conversation.id = v.column1 \
     RETURNING conversation.id, conversation.last_seq, conversation.last_rev",
);

/// The start of a text, or the name of a file; cut at a character.
fn preview(message: &MessageRow) -> Option<String> {
    let text = message.content.as_deref().or(message.file_name.as_deref());
    text.map(|text| text.chars().take(PREVIEW_CHARS).collect())
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

/// How far a reader has read: everything that is committed now, and nothing that comes later.
struct Mark<'a> {
    read: &'a NewRead,
    up_to: i64,
}

impl Mark<'_> {
    fn bind(&self, values: &mut Vec<Value>) {
        values.extend([
            self.read.conversation.as_str().into(),
            self.read.reader.as_str().into(),
            self.read.at.into(),
            self.up_to.into(),
        ]);
    }
}

/// Moves read markers forward, and records the first reader on each message.
async fn mark_read(
    txn: &DatabaseTransaction,
    reads: &[&NewRead],
) -> Result<Vec<ReadOutcome>, Fault> {
    let marks = marks(txn, reads).await?;
    let marked = MARK_MESSAGES.query(txn, &marks, Mark::bind).await?;
    MOVE_MARKERS.execute(txn, &marks, Mark::bind).await?;
    let mut counts: HashMap<(String, String), u64> = HashMap::new();
    for row in marked {
        *counts
            .entry((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
            .or_default() += 1;
    }
    // The second of two equal markers of one batch finds nothing left to mark.
    let outcome = |read: &&NewRead| ReadOutcome {
        n_marked: counts
            .remove(&(read.conversation.to_string(), read.reader.to_string()))
            .unwrap_or(0),
        at: read.at,
    };
    Ok(reads.iter().map(outcome).collect())
}

/// One mark per read of a conversation that exists, in one order on every node. The end is taken
/// once, so that messages and marker agree although another node may commit in between.
async fn marks<'a>(
    txn: &DatabaseTransaction,
    reads: &[&'a NewRead],
) -> Result<Vec<Mark<'a>>, Fault> {
    let heads = FIND_HEADS
        .query(txn, reads, |read, values| {
            values.push(read.conversation.as_str().into());
        })
        .await?;
    let mut ends: HashMap<String, i64> = HashMap::new();
    for head in heads {
        ends.insert(head.try_get_by_index(0)?, head.try_get_by_index(1)?);
    }
    let mark = |read: &&'a NewRead| {
        let up_to = *ends.get(read.conversation.as_str())?;
        Some(Mark { read, up_to })
    };
    let mut marks: Vec<Mark> = reads.iter().filter_map(mark).collect();
    let key = |mark: &Mark<'a>| (&mark.read.conversation, &mark.read.reader);
    marks.sort_by(|a, b| key(a).cmp(&key(b)));
    Ok(marks)
}

static FIND_HEADS: Bulk = Bulk::new(
    "SELECT id, last_seq FROM conversation WHERE id IN (SELECT column1 FROM (VALUES",
    1,
    ") AS v)",
);

/// Only messages after the reader's marker can be unread, so the range is short.
static MARK_MESSAGES: Bulk = Bulk::new(
    "UPDATE message SET read_at = v.column3, read_by = v.column2 FROM (VALUES",
    4,
    ") AS v JOIN participant AS p ON p.conversation_id = v.column1 AND p.party = v.column2 \
     WHERE message.conversation_id = v.column1 AND message.seq > p.last_read_seq \
     AND message.seq <= v.column4 AND message.sender_id <> v.column2 AND message.read_at IS NULL \
     RETURNING message.conversation_id, message.read_by",
);

static MOVE_MARKERS: Bulk = Bulk::new(
    "UPDATE participant SET last_read_at = v.column3, last_read_seq = v.column4 FROM (VALUES",
    4,
    ") AS v WHERE participant.conversation_id = v.column1 AND participant.party = v.column2 \
     AND participant.last_read_seq < v.column4",
);
