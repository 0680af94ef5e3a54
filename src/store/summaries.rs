//! The list of conversations that a user sees.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use sohbet_entity::ids::UserId;

use super::{Fault, Store, is_shared, statement};

/// A line of the conversation list; its fields are in the order of `COLUMNS`.
#[derive(Debug, Deserialize)]
pub struct ConversationSummary {
    /// Conversation id.
    pub id: String,
    /// The other user's id; the caller's own in a talk with oneself.
    pub other_user_id: String,
    /// The other user's display name.
    pub other_user_name: Option<String>,
    /// The other user's picture.
    pub other_user_avatar: Option<String>,
    /// Time of the newest message.
    pub last_message_at: Option<DateTime<Utc>>,
    /// Text of the newest message, unless that is deleted.
    pub last_content: Option<String>,
    /// Its kind; `None` when there is no message.
    pub last_kind: Option<String>,
    /// Its time.
    pub last_created_at: Option<DateTime<Utc>>,
    /// Messages after the caller's marker that others wrote and that are not deleted.
    pub unread: i64,
}

impl Store {
    /// The direct conversations of a user: never used ones first, then newest activity first.
    pub async fn list_pairs(
        &self,
        user: &UserId,
        limit: u32,
    ) -> Result<Vec<ConversationSummary>, Fault> {
        // Few have more than that. To sort all the same here costs less than a database that keeps the best.
        let mut summaries = self.read_pairs(user, limit + 1, "").await?;
        if summaries.len() > limit as usize {
            summaries = self.read_pairs(user, limit, NEWEST_FIRST).await?;
        }
        summaries.sort_unstable_by(|a, b| a.place().cmp(&b.place()));
        Ok(summaries)
    }

    /// At most so many, the first in that order, and in any order. They come as one value: the driver hands each
    /// row over by itself, which takes longer than to find it.
    async fn read_pairs(
        &self,
        user: &UserId,
        limit: u32,
        order: &str,
    ) -> Result<Vec<ConversationSummary>, Fault> {
        let (before, after) = match is_shared(&self.read) {
            true => ("CAST(json_agg(json_build_array(", ")) AS text)"),
            false => ("json_group_array(json_array(", "))"),
        };
        let sql = format!(
            "SELECT {before}{COLUMNS}{after} FROM ({OWN} {order} LIMIT $2) AS own {WITH_NEWEST}"
        );
        let values = [user.as_str().into(), i64::from(limit).into()];
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, values))
            .await?
            .ok_or(Fault::Other)?;
        // Of no rows PostgreSQL makes no list.
        let Some(list) = row.try_get_by_index::<Option<String>>(0)? else {
            return Ok(Vec::new());
        };
        serde_json::from_str(&list).map_err(|_| Fault::Other)
    }
}

impl ConversationSummary {
    fn place(&self) -> (Option<Reverse<DateTime<Utc>>>, &str) {
        (self.last_message_at.map(Reverse), &self.id)
    }
}

/// What a user takes part in, and how far it was read.
const OWN: &str = "SELECT c.id, c.last_seq, c.last_message_at, p.party, p.last_read_seq, \
    CASE WHEN c.user1_id = p.party THEN c.user2_id ELSE c.user1_id END AS other_id \
    FROM participant AS p JOIN conversation AS c ON c.id = p.conversation_id AND c.kind = 'direct' \
    WHERE p.party = $1 AND p.left_at IS NULL";

const NEWEST_FIRST: &str = "ORDER BY CASE WHEN c.last_message_at IS NULL THEN 0 ELSE 1 END, \
    c.last_message_at DESC, c.id";

/// Most conversations are read to the end: nothing is counted there.
const COLUMNS: &str = "own.id, other.id, other.display_name, other.avatar_url, own.last_message_at, \
    m.content, m.kind, m.created_at, \
    CASE WHEN own.last_seq > own.last_read_seq THEN (SELECT COUNT(*) FROM message AS u \
    WHERE u.conversation_id = own.id AND u.seq > own.last_read_seq AND u.sender_id <> own.party \
    AND u.read_at IS NULL AND u.deleted_at IS NULL) ELSE 0 END";

const WITH_NEWEST: &str = "JOIN \"user\" AS other ON other.id = own.other_id \
    LEFT JOIN message AS m ON m.conversation_id = own.id AND m.seq = own.last_seq AND m.deleted_at IS NULL";
