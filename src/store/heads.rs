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
        // Nothing that bounds `rev` names a row of `c`, or PostgreSQL might read the whole conversation.
        let sql = "SELECT c.last_rev AS head_rev, c.last_seq AS head_seq, c.facts_in, m.* \
                   FROM conversation AS c LEFT JOIN message AS m \
                   ON m.conversation_id = c.id AND m.rev >= COALESCE((\
                   SELECT MIN(said.rev) FROM message AS said WHERE said.conversation_id = $1 \
                   AND said.rev > (SELECT last_rev FROM conversation WHERE id = $1) - $3 \
                   AND said.created_at >= $2), (SELECT last_rev FROM conversation WHERE id = $1)) \
                   WHERE c.id = $1 ORDER BY m.rev";
        let values = [id.as_str().into(), since.into(), i64::from(limit).into()];
        self.read_stretch(sql, values, 0, limit).await
    }

    /// What changed in a conversation after `rev` and `seq`; at most `limit` messages, and fewer if
    /// they are long. `None` when there is no such conversation.
    pub async fn list_changes_after(
        &self,
        id: &ConversationId,
        (rev, seq): (i64, i64),
        limit: u32,
    ) -> Result<Option<ChangedStretch>, Fault> {
        let sql = "SELECT c.last_rev AS head_rev, c.last_seq AS head_seq, c.facts_in, m.* \
                   FROM conversation AS c LEFT JOIN message AS m \
                   ON m.conversation_id = c.id AND m.rev > $2 \
                   WHERE c.id = $1 ORDER BY m.rev LIMIT $3";
        let values = [id.as_str().into(), rev.into(), i64::from(limit).into()];
        self.read_stretch(sql, values, seq, limit).await
    }

    /// Messages, reactions and head are read as they are at one moment.
    async fn read_stretch(
        &self,
        sql: &str,
        values: [Value; 3],
        after_seq: i64,
        limit: u32,
    ) -> Result<Option<ChangedStretch>, Fault> {
        let snapshot = transactions::begin_snapshot(&self.read).await?;
        let id = values[0].clone();
        let found = snapshot
            .query_all_raw(statement(&snapshot, sql, values))
            .await?;
        let Some(first) = found.first() else {
            return Ok(None);
        };
        let facts_in = first.try_get("", "facts_in")?;
        let mut head = (
            first.try_get("", "head_rev")?,
            first.try_get("", "head_seq")?,
        );
        let mut rows = Vec::with_capacity(found.len());
        let (mut n_bytes, mut is_cut) = (0, found.len() >= limit as usize);
        for row in &found {
            let id: Option<String> = row.try_get("", "id")?;
            if id.is_some() {
                let row = messages::from_row(row)?;
                n_bytes += sizes::n_bytes(&row);
                if n_bytes > MAX_STRETCH_BYTES && !rows.is_empty() {
                    is_cut = true;
                    break;
                }
                rows.push(row);
            }
        }
        let mut ahead = Vec::new();
        if let Some(last) = rows.last().filter(|_| is_cut) {
            // What was deleted is told to nobody as new, and says nothing about those before it.
            let said = rows.iter().filter(|row| row.deleted_at.is_none());
            let seqs = said.map(|row| row.seq);
            head = (last.rev, seqs.fold(after_seq, i64::max));
            let sql = "SELECT * FROM message WHERE conversation_id = $1 AND seq > $2 AND seq < $3 \
                       AND rev > $4 AND deleted_at IS NULL ORDER BY seq LIMIT $5";
            let (rev, seq) = head;
            let limit = i64::from(limit);
            let values = [id, after_seq.into(), seq.into(), rev.into(), limit.into()];
            let found = snapshot
                .query_all_raw(statement(&snapshot, sql, values))
                .await?;
            for row in &found {
                ahead.push(messages::from_row(row)?);
            }
        }
        let ids: Vec<&MessageId> = rows.iter().chain(&ahead).map(|row| &row.id).collect();
        let reactions = reactions::list(&snapshot, &ids, MAX_REACTIONS as u32).await?;
        snapshot.commit().await?;
        Ok(Some(ChangedStretch {
            rows,
            ahead,
            reactions: reactions.rows,
            head,
            facts_in,
        }))
    }
}

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
