//! What administrators see of all rooms.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use sohbet_entity::enums::RoomType;
use sohbet_entity::ids::ConversationId;

use super::{Fault, Store, statement};

/// A room in the list of all.
#[derive(Debug, Clone, FromQueryResult)]
pub struct ListedRoom {
    /// Id of its conversation.
    pub conversation_id: ConversationId,
    /// Its name; may be empty.
    pub name: String,
    /// What it is about.
    pub room_type: RoomType,
    /// Whether it is in use.
    pub is_active: bool,
    /// Whether anybody may join who knows its id.
    pub is_open: bool,
    /// How many take part.
    pub n_participants: i64,
    /// How many messages there are.
    pub last_seq: i64,
    /// When something was said last.
    pub last_message_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// At most `limit` rooms in order of their ids, after the one with that id.
    pub async fn list_rooms(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ListedRoom>, Fault> {
        let sql = "SELECT r.conversation_id, r.name, r.room_type, r.is_active, r.is_open, \
                   c.last_seq, c.last_message_at, c.created_at, \
                   (SELECT COUNT(*) FROM participant AS p WHERE p.conversation_id = c.id \
                   AND p.left_at IS NULL) AS n_participants \
                   FROM room AS r JOIN conversation AS c ON c.id = r.conversation_id \
                   WHERE r.conversation_id > $1 ORDER BY r.conversation_id LIMIT $2";
        let values = [after.unwrap_or_default().into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let rows = rows
            .iter()
            .map(|row| ListedRoom::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
