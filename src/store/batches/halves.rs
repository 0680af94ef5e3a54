//! The two halves of a double send (contract/messaging.md, section 4) that come to two nodes. Each
//! half that is stored leaves a note, and the half that takes the note is the same message. Nodes take
//! turns by a lock of the database for each text, and its clock says how old a note is.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use sha2::{Digest, Sha256};

use super::{Batch, Pair, pairs};
use crate::store::rows::Bulk;
use crate::store::writer::{Channel, TWIN_WINDOW};
use crate::store::{Fault, MessageRow, statement};

/// How the keys of notes in `server_meta` begin.
const KEY_START: &str = "half:";
/// How much of a hash names what a half says.
const DIGEST_BYTES: usize = 16;
/// How old a note is when it is thrown away, in milliseconds.
const MAX_AGE: i64 = 10_000;

/// A message of a batch that may be one of two halves.
#[derive(Debug)]
pub struct Half {
    /// Its number in the batch.
    pub message: usize,
    channel: Channel,
    digest: [u8; DIGEST_BYTES],
}

impl Half {
    pub fn new(message: usize, row: &MessageRow, channel: Channel) -> Self {
        let mut hash = Sha256::new();
        let parts = [
            Some(row.conversation_id.as_str()),
            Some(row.sender_id.as_str()),
            Some(row.kind.as_str()),
            row.content.as_deref(),
            row.file_url.as_deref(),
        ];
        for part in parts {
            // The length in front keeps "ab" + "c" apart from "a" + "bc".
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            hash.update(length.to_le_bytes());
            hash.update(part.unwrap_or_default());
        }
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(&hash.finalize()[..DIGEST_BYTES]);
        Self {
            message,
            channel,
            digest,
        }
    }

    fn key(&self, channel: Channel) -> String {
        let channel = match channel {
            Channel::Socket => "socket",
            Channel::Rest => "rest",
        };
        format!("{KEY_START}{channel}:{}", hex::encode(self.digest))
    }

    fn other_key(&self) -> String {
        self.key(match self.channel {
            Channel::Socket => Channel::Rest,
            Channel::Rest => Channel::Socket,
        })
    }

    fn lock(&self) -> i64 {
        let mut start = [0; size_of::<i64>()];
        start.copy_from_slice(&self.digest[..size_of::<i64>()]);
        i64::from_le_bytes(start)
    }
}

/// Waits until no other node stores what a half of this batch says; until the transaction ends. This
/// comes before all other locks, and in one order on every node: so nobody waits in a circle.
pub async fn lock(txn: &DatabaseTransaction, batch: &Batch<'_>) -> Result<(), Fault> {
    let mut locks: Vec<i64> = batch.halves.iter().map(Half::lock).collect();
    locks.sort_unstable();
    locks.dedup();
    let bind = |lock: &i64, values: &mut Vec<Value>| values.push((*lock).into());
    LOCK.query(txn, &locks, bind).await?;
    Ok(())
}

/// Finds the halves of a batch whose other half is stored, and leaves notes of the others that are not
/// known.
pub async fn pair(
    txn: &DatabaseTransaction,
    batch: &Batch<'_>,
    known: &mut [Option<MessageRow>],
) -> Result<(), Fault> {
    let is_open = |half: &&Half| known[half.message].is_none();
    let mut open: Vec<&Half> = batch.halves.iter().filter(is_open).collect();
    if open.is_empty() {
        return Ok(());
    }
    let pairs = take_notes(txn, &open).await?;
    let unpaired = pairs::join(txn, batch, pairs, known).await?;
    // Their notes are put back.
    let back = |half: &&Half| {
        let pair = unpaired.iter().find(|it| it.message == half.message)?;
        Some((half.other_key(), pair.row.as_str().to_owned()))
    };
    let mut notes: HashMap<String, String> = open.iter().filter_map(back).collect();
    open.retain(|half| known[half.message].is_none());
    // Of equal ones the last.
    notes.extend(open.iter().map(|half| {
        let id = &batch.messages[half.message].row.id;
        (half.key(half.channel), id.as_str().to_owned())
    }));
    leave_notes(txn, notes).await?;
    throw_away(txn, &open).await
}

/// A half takes at most one note, and a note is taken once: the next equal half is another message.
async fn take_notes(txn: &DatabaseTransaction, open: &[&Half]) -> Result<Vec<Pair>, Fault> {
    let window = TWIN_WINDOW.as_millis() as i64;
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for half in open {
        by_key.entry(half.other_key()).or_insert(half.message);
    }
    let keys: Vec<&String> = by_key.keys().collect();
    let bind = |key: &&String, values: &mut Vec<Value>| {
        values.extend([key.as_str().into(), window.into()]);
    };
    let mut taken = Vec::new();
    for note in TAKE_NOTES.query(txn, &keys, bind).await? {
        let (key, id): (String, String) = (note.try_get_by_index(0)?, note.try_get_by_index(1)?);
        taken.push(Pair {
            message: by_key.get(&key).copied().ok_or(Fault::Other)?,
            row: id.into(),
        });
    }
    Ok(taken)
}

/// Notes by their key, each the id of a message.
async fn leave_notes(
    txn: &DatabaseTransaction,
    notes: HashMap<String, String>,
) -> Result<(), Fault> {
    let notes: Vec<(String, String)> = notes.into_iter().collect();
    let bind = |(key, id): &(String, String), values: &mut Vec<Value>| {
        values.extend([key.as_str().into(), id.as_str().into()]);
    };
    LEAVE_NOTES.execute(txn, &notes, bind).await?;
    Ok(())
}

/// One half of some hundred throws away what nobody took.
async fn throw_away(txn: &DatabaseTransaction, halves: &[&Half]) -> Result<(), Fault> {
    if halves.iter().any(|half| half.digest[0] == 0) {
        let values = [KEY_START.into(), MAX_AGE.into()];
        txn.execute_raw(statement(txn, THROW_AWAY, values)).await?;
    }
    Ok(())
}

static LOCK: Bulk = Bulk::new(
    "SELECT CAST(pg_advisory_xact_lock(v.column1) AS TEXT) FROM (VALUES",
    1,
    ") AS v",
);

static TAKE_NOTES: Bulk = Bulk::new(
    "DELETE FROM server_meta USING (VALUES",
    2,
    ") AS v WHERE server_meta.key = v.column1 \
     AND server_meta.number >= EXTRACT(EPOCH FROM clock_timestamp()) * 1000 - v.column2 \
     RETURNING server_meta.key, server_meta.text",
);

static LEAVE_NOTES: Bulk = Bulk::new(
    "INSERT INTO server_meta (key, text, number) SELECT v.column1, v.column2, \
     CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) FROM (VALUES",
    2,
    ") AS v ON CONFLICT (key) DO UPDATE SET text = EXCLUDED.text, number = EXCLUDED.number",
);

/// Notes that another node takes just now are left alone: to wait for it could be a circle.
const THROW_AWAY: &str = "DELETE FROM server_meta WHERE key IN (\
     SELECT key FROM server_meta WHERE starts_with(key, $1) \
     AND number < EXTRACT(EPOCH FROM clock_timestamp()) * 1000 - $2 FOR UPDATE SKIP LOCKED)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests_support;

    fn row(content: Option<&str>, file_url: Option<&str>) -> MessageRow {
        MessageRow {
            content: content.map(str::to_owned),
            file_url: file_url.map(str::to_owned),
            ..tests_support::row()
        }
    }

    #[test]
    fn halves_of_the_same_message_look_for_each_other() {
        let socket = Half::new(0, &row(Some("ok"), None), Channel::Socket);
        let rest = Half::new(1, &row(Some("ok"), None), Channel::Rest);
        assert_eq!(socket.other_key(), rest.key(Channel::Rest));
        assert_eq!(rest.other_key(), socket.key(Channel::Socket));
        assert_eq!(socket.lock(), rest.lock());
    }

    #[test]
    fn what_says_something_else_is_no_other_half() {
        let all = [
            (Some("ok"), None),
            (None, Some("ok")),
            (Some("o"), Some("k")),
            (Some(""), None),
            (None, None),
        ];
        let keys =
            all.map(|(content, file)| Half::new(0, &row(content, file), Channel::Rest).other_key());
        let distinct: std::collections::HashSet<&String> = keys.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
