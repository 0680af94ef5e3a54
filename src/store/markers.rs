//! Read markers: how far a party has read, and who was the first reader of a message.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use sohbet_entity::ids::{ConversationId, UserId};

use super::rows::Bulk;
use super::writer::{NewRead, ReadOutcome, ReadScope};
use super::{Fault, MessageRow, Store, messages, statement};

/// Stands for the place of the party's own marker.
const FROM_MARKER: i64 = -1;

/// Messages of a conversation that were told to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldSpan {
    /// `seq` before the first. If one waits that is not newer than this, all of them wait with it.
    pub after: i64,
    /// `seq` of the last.
    pub up_to: i64,
}

impl ToldSpan {
    /// All that there was, up to that `seq`.
    pub const fn up_to(seq: i64) -> Self {
        Self {
            after: 0,
            up_to: seq,
        }
    }

    /// One message.
    pub const fn only(seq: i64) -> Self {
        Self {
            after: seq - 1,
            up_to: seq,
        }
    }

    /// Takes in what else was told. What lies behind a gap is left out: it is told once more, with what
    /// follows it.
    pub fn join(&mut self, other: Self) {
        if other.after <= self.up_to && self.after <= other.up_to {
            self.after = self.after.min(other.after);
            self.up_to = self.up_to.max(other.up_to);
        }
    }
}

/// What one read covers: everything after `from`, up to and with `up_to`.
struct Mark<'a> {
    read: &'a NewRead,
    from: i64,
    up_to: i64,
    /// The end of the conversation.
    end: i64,
}

impl<'a> Mark<'a> {
    fn new(read: &'a NewRead, end: i64) -> Self {
        let (from, up_to) = match read.scope {
            ReadScope::All => (FROM_MARKER, end),
            ReadScope::UpTo(seq) => (FROM_MARKER, seq.clamp(0, end)),
            ReadScope::One(seq) => (seq - 1, seq),
        };
        Self {
            read,
            from,
            up_to,
            end,
        }
    }

    fn key(&self) -> (&'a str, &'a str) {
        (self.read.conversation.as_str(), self.read.party.as_str())
    }

    fn is_single(&self) -> bool {
        matches!(self.read.scope, ReadScope::One(_))
    }

    fn bind(&self, values: &mut Vec<Value>) {
        values.extend([
            self.read.conversation.as_str().into(),
            self.read.party.as_str().into(),
            self.read.reader.as_str().into(),
            self.read.at.into(),
            self.from.into(),
            self.up_to.into(),
        ]);
    }

    fn bind_marker(&self, up_to: i64, values: &mut Vec<Value>) {
        values.extend([
            self.read.conversation.as_str().into(),
            self.read.party.as_str().into(),
            self.read.at.into(),
            up_to.into(),
        ]);
    }
}

/// Moves read markers forward, and records the first reader on each message.
pub async fn move_forward(
    txn: &DatabaseTransaction,
    reads: &[&NewRead],
) -> Result<Vec<ReadOutcome>, Fault> {
    if reads.is_empty() {
        return Ok(Vec::new());
    }
    let ends = ends(txn, reads).await?;
    let mut marks = Vec::with_capacity(reads.len());
    for read in reads {
        if let Some(end) = ends.get(read.conversation.as_str()) {
            marks.push(Mark::new(read, *end));
        }
    }
    // One order on every node, and of several marks of one party the furthest first.
    marks.sort_by_key(|mark| (mark.key(), mark.is_single(), -mark.up_to));
    let mut n_marked = count(MARK_MESSAGES.query(txn, &marks, Mark::bind).await?)?;
    let mut moved = move_markers(txn, &marks).await?;
    let outcome = |read: &&NewRead| {
        let (conversation, party) = (read.conversation.as_str(), read.party.as_str());
        // The second of two equal markers of one batch finds nothing left to mark.
        let key = (conversation.to_owned(), read.reader.to_string());
        let wanted = ends
            .get(conversation)
            .map_or(0, |end| Mark::new(read, *end).up_to);
        let marker = (conversation.to_owned(), party.to_owned());
        // After a single message the marker stands before the next unread one, wherever that is.
        let is_single = matches!(read.scope, ReadScope::One(_));
        let is_moved = |to: &i64| is_single || *to == wanted;
        let moved_to = moved.get(&marker).copied().filter(is_moved);
        if moved_to.is_some() {
            moved.remove(&marker);
        }
        ReadOutcome {
            n_marked: n_marked.remove(&key).unwrap_or(0),
            has_moved: moved_to.is_some(),
            up_to: moved_to.unwrap_or(wanted),
            at: read.at,
        }
    };
    Ok(reads.iter().map(outcome).collect())
}

impl Store {
    /// The newest messages of direct conversations that a user neither read nor was told of, oldest
    /// first.
    pub async fn list_waiting(&self, user: &UserId, limit: u32) -> Result<Vec<MessageRow>, Fault> {
        let sql = "SELECT m.* FROM participant AS p \
                   JOIN conversation AS c ON c.id = p.conversation_id AND c.kind = 'direct' \
                   JOIN message AS m ON m.conversation_id = c.id AND m.seq > p.last_delivered_seq \
                   AND m.seq > p.last_read_seq AND m.sender_id <> p.party AND m.deleted_at IS NULL \
                   WHERE p.party = $1 ORDER BY m.created_at DESC, m.seq DESC LIMIT $2";
        let values = [user.as_str().into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        rows.iter().rev().map(messages::from_row).collect()
    }

    /// Messages that a user has not read, in all direct conversations.
    pub async fn count_unread(&self, user: &UserId) -> Result<i64, Fault> {
        let sql = "SELECT COUNT(*) FROM participant AS p \
                   JOIN conversation AS c ON c.id = p.conversation_id AND c.kind = 'direct' \
                   JOIN message AS m ON m.conversation_id = c.id AND m.seq > p.last_read_seq \
                   AND m.sender_id <> p.party AND m.read_at IS NULL AND m.deleted_at IS NULL \
                   WHERE p.party = $1 AND p.left_at IS NULL";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [user.as_str().into()]))
            .await?
            .ok_or(Fault::Other)?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Writes down which messages of conversations users were told.
    pub async fn save_delivered(
        &self,
        marks: &[((ConversationId, UserId), ToldSpan)],
    ) -> Result<(), Fault> {
        let txn = self.begin().await?;
        MOVE_DELIVERED
            .execute(&txn, marks, |((conversation, user), told), values| {
                values.extend([
                    conversation.as_str().into(),
                    user.as_str().into(),
                    told.after.into(),
                    told.up_to.into(),
                ]);
            })
            .await?;
        Ok(txn.commit().await?)
    }
}

static MOVE_DELIVERED: Bulk = Bulk::new(
    "UPDATE participant SET last_delivered_seq = v.column4 FROM (VALUES",
    4,
    ") AS v WHERE participant.conversation_id = v.column1 AND participant.party = v.column2 \
     AND participant.last_delivered_seq < v.column4 \
     AND NOT EXISTS (SELECT 1 FROM message AS m WHERE m.conversation_id = v.column1 \
     AND m.seq > participant.last_delivered_seq AND m.seq <= v.column3 AND m.seq > participant.last_read_seq \
     AND m.sender_id <> v.column2 AND m.deleted_at IS NULL)",
);

/// Ends of the conversations. They are taken once, so that messages and markers agree although
/// another node may commit in between.
async fn ends(
    txn: &DatabaseTransaction,
    reads: &[&NewRead],
) -> Result<HashMap<String, i64>, Fault> {
    let heads = FIND_HEADS
        .query(txn, reads, |read, values| {
            values.push(read.conversation.as_str().into());
        })
        .await?;
    let mut ends = HashMap::with_capacity(heads.len());
    for head in heads {
        ends.insert(head.try_get_by_index(0)?, head.try_get_by_index(1)?);
    }
    Ok(ends)
}

type ByKey<T> = HashMap<(String, String), T>;

fn count(rows: Vec<sea_orm::QueryResult>) -> Result<ByKey<u64>, Fault> {
    let mut counts = HashMap::new();
    for row in rows {
        let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        *counts.entry(key).or_default() += 1;
    }
    Ok(counts)
}

/// Moves the markers themselves. Returns where those stand now that moved.
async fn move_markers(txn: &DatabaseTransaction, marks: &[Mark<'_>]) -> Result<ByKey<i64>, Fault> {
    let (single, spans): (Vec<&Mark>, Vec<&Mark>) = marks.iter().partition(|mark| mark.is_single());
    // Of one party only the furthest: with two, the database would pick any.
    let furthest = dedup(spans);
    let bind = |mark: &&Mark, values: &mut Vec<Value>| mark.bind_marker(mark.up_to, values);
    let mut moved = MOVE_MARKERS.query(txn, &furthest, bind).await?;
    if !single.is_empty() {
        let bind = |mark: &&Mark, values: &mut Vec<Value>| mark.bind_marker(mark.end, values);
        moved.extend(SETTLE_MARKERS.query(txn, &dedup(single), bind).await?);
    }
    let mut positions = HashMap::with_capacity(moved.len());
    for row in moved {
        let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        positions.insert(key, row.try_get_by_index(2)?);
    }
    Ok(positions)
}

fn dedup<'a, 'b>(mut marks: Vec<&'b Mark<'a>>) -> Vec<&'b Mark<'a>> {
    marks.dedup_by_key(|mark| mark.key());
    marks
}

static FIND_HEADS: Bulk = Bulk::new(
    "SELECT id, last_seq FROM conversation WHERE id IN (SELECT column1 FROM (VALUES",
    1,
    ") AS v)",
);

/// Only messages after the party's marker can be unread, so the range is short.
static MARK_MESSAGES: Bulk = Bulk::new(
    "UPDATE message SET read_at = v.column4, read_by = v.column3 FROM (VALUES",
    6,
    ") AS v JOIN participant AS p ON p.conversation_id = v.column1 AND p.party = v.column2 \
     WHERE message.conversation_id = v.column1 \
     AND message.seq > CASE WHEN v.column5 < 0 THEN p.last_read_seq ELSE v.column5 END \
     AND message.seq <= v.column6 AND message.read_at IS NULL \
     AND COALESCE(message.sender_party, message.sender_id) <> v.column2 \
     RETURNING message.conversation_id, message.read_by",
);

static MOVE_MARKERS: Bulk = Bulk::new(
    "UPDATE participant SET last_read_at = v.column3, last_read_seq = v.column4 FROM (VALUES",
    4,
    ") AS v WHERE participant.conversation_id = v.column1 AND participant.party = v.column2 \
     AND participant.last_read_seq < v.column4 \
     RETURNING participant.conversation_id, participant.party, participant.last_read_seq",
);

/// Where the marker of a participant is to stand after single messages were read: before the first
/// that is still unread.
macro_rules! settled {
    () => {
        "COALESCE((SELECT MIN(m.seq) - 1 FROM message AS m \
         WHERE m.conversation_id = participant.conversation_id \
         AND m.seq > participant.last_read_seq AND m.read_at IS NULL AND m.deleted_at IS NULL \
         AND COALESCE(m.sender_party, m.sender_id) <> participant.party), v.column4)"
    };
}

static SETTLE_MARKERS: Bulk = Bulk::new(
    concat!(
        "UPDATE participant SET last_read_at = v.column3, last_read_seq = ",
        settled!(),
        " FROM (VALUES"
    ),
    4,
    concat!(
        ") AS v WHERE participant.conversation_id = v.column1 AND participant.party = v.column2 \
         AND participant.last_read_seq < ",
        settled!(),
        " RETURNING participant.conversation_id, participant.party, participant.last_read_seq"
    ),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_joined_where_it_touches() {
        let join = |mut told: ToldSpan, other| {
            told.join(other);
            (told.after, told.up_to)
        };
        assert_eq!(join(ToldSpan::only(5), ToldSpan::only(6)), (4, 6));
        assert_eq!(join(ToldSpan::only(6), ToldSpan::only(5)), (4, 6));
        assert_eq!(join(ToldSpan::only(5), ToldSpan::only(7)), (4, 5));
        assert_eq!(join(ToldSpan::only(5), ToldSpan::up_to(9)), (0, 9));
        assert_eq!(join(ToldSpan::up_to(9), ToldSpan::only(5)), (0, 9));
        assert_eq!(join(ToldSpan::up_to(3), ToldSpan::only(5)), (0, 3));
    }
}
