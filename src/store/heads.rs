//! What other nodes committed: which conversations changed since somebody looked, and what changed in
//! one of them.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use sohbet_entity::ids::{ConversationId, MessageId};

use super::writer::MAX_REACTIONS;
use super::{
    Fault, MessageRow, ReactionRow, Store, messages, reactions, sizes, statement, transactions,
};

/// Most bytes of messages that are read for a stretch, but for its first one: those who hear it have much less
/// room for what waits for them than many long messages take.
const MAX_STRETCH_BYTES: usize = 1_000_000;

/// How far a conversation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its last message.
    pub last_seq: i64,
    /// Its last change.
    pub last_rev: i64,
    /// The transaction that last changed anything but what was said in it.
    pub facts_in: i64,
    /// The transaction that last changed anything in it.
    pub changed_in: i64,
}

impl Head {
    /// Where it stands among others that changed.
    pub fn place(&self) -> HeadPlace {
        HeadPlace(self.changed_in, self.conversation.clone())
    }
}

/// A place in the order of changes: the transaction of the last change, and the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadPlace(i64, ConversationId);

impl HeadPlace {
    /// Before all that changed.
    pub fn start() -> Self {
        Self(0, ConversationId::from(""))
    }
}

/// Which transactions had ended at some moment. All others commit later, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// The first number that was given to none.
    next: i64,
    /// Earlier ones that were under way. However long one of them takes, nothing else is read for it.
    under_way: Vec<i64>,
}

impl Horizon {
    /// Reads what PostgreSQL calls a snapshot: `xmin:xmax:` and a list with commas.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':').skip(1);
        let next = parts.next()?.parse().ok()?;
        let listed = parts.next()?.split(',').filter(|number| !number.is_empty());
        let under_way: Result<_, _> = listed.map(str::parse).collect();
        Some(Self {
            next,
            under_way: under_way.ok()?,
        })
    }

    /// Whether a transaction had not ended.
    pub fn is_before(&self, transaction: i64) -> bool {
        self.begins_before(transaction) || self.under_way.contains(&transaction)
    }

    fn begins_before(&self, transaction: i64) -> bool {
        transaction >= self.next
    }

    /// Whether all that changed there or later is also after this horizon.
    pub fn is_reached(&self, place: &HeadPlace) -> bool {
        self.begins_before(place.0)
    }
}

/// What changed in a conversation after some `rev`.
#[derive(Debug, Clone)]
pub struct ChangedStretch {
    /// Messages that are new or changed, as they are now, in order of `rev`.
    pub rows: Vec<MessageRow>,
    /// Messages that were sent before some of `rows`, changed after all of them and were not deleted, in
    /// order of `seq`; only when there were too many.
    pub ahead: Vec<MessageRow>,
    /// What others did to all of them.
    pub reactions: Vec<ReactionRow>,
    /// How far they reach: the head of the conversation, read together with them, or the last of
    /// them, deleted ones aside, when there were too many.
    pub head: (i64, i64),
    /// The transaction that last changed anything of the conversation but what was said.
    pub facts_in: i64,
}

impl Store {
    /// Whether other nodes may work on the same database.
    pub fn is_shared(&self) -> bool {
        super::is_shared(&self.read)
    }

    /// Which transactions have ended by now.
    pub async fn horizon(&self) -> Result<Horizon, Fault> {
        let sql = "SELECT pg_current_snapshot()::text";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, []))
            .await?;
        let text: String = row.ok_or(Fault::Other)?.try_get_by_index(0)?;
        Horizon::parse(&text).ok_or(Fault::Other)
    }

    /// At most `limit` conversations that were changed by transactions that had not ended then, after that
    /// place and in order.
    pub async fn list_heads(
        &self,
        since: &Horizon,
        after: &HeadPlace,
        limit: u32,
    ) -> Result<Vec<Head>, Fault> {
        let under_way: Vec<_> = since.under_way.iter().map(i64::to_string).collect();
        let values: [Value; 5] = [
            since.next.into(),
            under_way.join(",").into(),
            after.0.into(),
            after.1.as_str().into(),
            i64::from(limit).into(),
        ];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, LIST_HEADS, values))
            .await?;
        rows.iter().map(head).collect()
    }

    /// The transaction that last changed anything of a conversation but what was said in it; 0 when there
    /// is no such conversation.
    pub async fn find_facts(&self, id: &ConversationId) -> Result<i64, Fault> {
        let sql = "SELECT facts_in FROM conversation WHERE id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
    }

    /// What changed in a conversation since the first that was said after that time, and what changed
    /// last; at most `limit` messages, and fewer if they are long. `None` when there is no
    /// such conversation.
    pub async fn list_changes_since(
        &self,
        id: &ConversationId,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Option<ChangedStretch>, Fault> {
        self.read_stretch(id, From::Time(since), limit).await
    }

    /// What changed in a conversation after `rev` and `seq`; at most `limit` messages, and fewer if
    /// they are long. `None` when there is no such conversation.
    pub async fn list_changes_after(
        &self,
        id: &ConversationId,
        (rev, seq): (i64, i64),
        limit: u32,
    ) -> Result<Option<ChangedStretch>, Fault> {
        self.read_stretch(id, From::Position { rev, seq }, limit)
            .await
    }

    /// Messages, reactions and head are read as they are at one moment.
    async fn read_stretch(
        &self,
        id: &ConversationId,
        from: From,
        limit: u32,
    ) -> Result<Option<ChangedStretch>, Fault> {
        let snapshot = transactions::begin_snapshot(&self.read).await?;
        let Some(end) = find_end(&snapshot, id).await? else {
            return Ok(None);
        };
        let (after, after_seq) = match from {
            From::Position { rev, seq } => (rev, seq),
            From::Time(_) => (end.rev - i64::from(limit), 0),
        };
        let mut rows = list_changed(&snapshot, id, after, &end, limit).await?;
        if let From::Time(time) = from {
            let said = rows.iter().position(|row| row.created_at >= time);
            let first = said.unwrap_or(rows.len().saturating_sub(1));
            rows.drain(..first);
        }
        let is_cut = cut(&mut rows) || rows.len() >= limit as usize;
        let (mut ahead, mut head) = (Vec::new(), (end.rev, end.seq));
        if let Some(last) = rows.last().filter(|_| is_cut) {
            // What was deleted is told to nobody as new, and says nothing about those before it.
            let said = rows.iter().filter(|row| row.deleted_at.is_none());
            let seqs = said.map(|row| row.seq);
            head = (last.rev, seqs.fold(after_seq, i64::max));
            let sql = "SELECT * FROM message WHERE conversation_id = $1 AND seq > $2 AND seq < $3 \
                       AND is_changed AND rev > $4 AND deleted_at IS NULL ORDER BY seq LIMIT $5";
            let (rev, seq) = head;
            let values = [after_seq, seq, rev, limit.into()];
            ahead = list(&snapshot, sql, id, values).await?;
        }
        let ids: Vec<&MessageId> = rows.iter().chain(&ahead).map(|row| &row.id).collect();
        let reactions = reactions::list(&snapshot, &ids, MAX_REACTIONS as u32).await?;
        snapshot.commit().await?;
        Ok(Some(ChangedStretch {
            rows,
            ahead,
            reactions: reactions.rows,
            head,
            facts_in: end.facts_in,
        }))
    }
}

/// Where a stretch begins.
#[derive(Clone, Copy)]
enum From {
    /// After what was told last.
    Position { rev: i64, seq: i64 },
    /// With the first that was said since then, if that is among the last ones; else with the very last.
    Time(DateTime<Utc>),
}

/// How far a conversation has come.
struct End {
    rev: i64,
    seq: i64,
    facts_in: i64,
}

async fn find_end(db: &impl ConnectionTrait, id: &ConversationId) -> Result<Option<End>, Fault> {
    let sql = "SELECT last_rev, last_seq, facts_in FROM conversation WHERE id = $1";
    let row = db
        .query_one_raw(statement(db, sql, [id.as_str().into()]))
        .await?;
    let end = |row: QueryResult| -> Result<End, Fault> {
        Ok(End {
            rev: row.try_get_by_index(0)?,
            seq: row.try_get_by_index(1)?,
            facts_in: row.try_get_by_index(2)?,
        })
    };
    row.map(end).transpose()
}

/// The first messages after a `rev`, as they are now, in order of `rev`.
async fn list_changed(
    db: &impl ConnectionTrait,
    id: &ConversationId,
    after: i64,
    end: &End,
    limit: u32,
) -> Result<Vec<MessageRow>, Fault> {
    // Of the last `n` that took a `rev`, no more than `n` are messages.
    let after_seq = end.seq - (end.rev - after);
    list(db, LIST_CHANGED, id, [after, after_seq, limit.into()]).await
}

async fn list<const N: usize>(
    db: &impl ConnectionTrait,
    sql: &str,
    id: &ConversationId,
    numbers: [i64; N],
) -> Result<Vec<MessageRow>, Fault> {
    let numbers = numbers.into_iter().map(Value::from);
    let values = std::iter::once(id.as_str().into()).chain(numbers);
    let rows = db.query_all_raw(statement(db, sql, values)).await?;
    rows.iter().map(messages::from_row).collect()
}

/// Leaves out what is too much to be read together. Returns whether that is anything.
fn cut(rows: &mut Vec<MessageRow>) -> bool {
    let mut n_bytes = 0;
    let mut fits = |row: &&MessageRow| {
        n_bytes += sizes::n_bytes(row);
        n_bytes <= MAX_STRETCH_BYTES
    };
    let n_fitting = rows.iter().take_while(&mut fits).count().max(1);
    let is_cut = n_fitting < rows.len();
    rows.truncate(n_fitting);
    is_cut
}

/// What changed after it was said stands in an index of `rev`; in what did not, `seq` and `rev` ascend
/// together.
const LIST_CHANGED: &str = "SELECT * FROM (SELECT * FROM message \
     WHERE conversation_id = $1 AND is_changed AND rev > $2 ORDER BY rev LIMIT $4) AS changed \
     UNION ALL SELECT * FROM (SELECT * FROM message \
     WHERE conversation_id = $1 AND NOT is_changed AND seq > $3 AND rev > $2 ORDER BY seq LIMIT $4) AS said \
     ORDER BY rev LIMIT $4";

/// Each half is read in the order of the index, so that neither reads more than its limit.
const LIST_HEADS: &str = "SELECT * FROM (\
     (SELECT id, last_seq, last_rev, facts_in, changed_in FROM conversation \
     WHERE changed_in = ANY (string_to_array($2, ',')::bigint[]) AND (changed_in, id) > ($3, $4) \
     ORDER BY changed_in, id LIMIT $5) UNION ALL \
     (SELECT id, last_seq, last_rev, facts_in, changed_in FROM conversation \
     WHERE changed_in >= $1 AND (changed_in, id) > ($3, $4) \
     ORDER BY changed_in, id LIMIT $5)) AS heads ORDER BY changed_in, id LIMIT $5";

fn head(row: &QueryResult) -> Result<Head, Fault> {
    let id: String = row.try_get_by_index(0)?;
    Ok(Head {
        conversation: id.into(),
        last_seq: row.try_get_by_index(1)?,
        last_rev: row.try_get_by_index(2)?,
        facts_in: row.try_get_by_index(3)?,
        changed_in: row.try_get_by_index(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_knows_which_transactions_had_ended() {
        let horizon = Horizon::parse("10:20:10,14").unwrap();
        assert!([10, 14, 20, 21].iter().all(|it| horizon.is_before(*it)));
        assert!([9, 11, 13, 19].iter().all(|it| !horizon.is_before(*it)));
        let quiet = Horizon::parse("20:20:").unwrap();
        assert!(quiet.is_before(20) && !quiet.is_before(19));
        for odd in ["", "1", "1:2", "1:x:", "1:2:x"] {
            assert_eq!(Horizon::parse(odd), None, "{odd}");
        }
    }
}
