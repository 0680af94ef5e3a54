//! The rooms of people, looked at from outside: lists of them, and messages across them.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use sohbet_entity::ids::{ConversationId, PartyId, UserId};

use super::messages::from_row;
use super::rows::Bulk;
use super::{Fault, MessageRow, RoomRow, Store, statement};

/// A room of people as lists show it.
#[derive(Debug, Clone, FromQueryResult)]
pub struct RoomSummary {
    /// Id of its conversation.
    pub id: ConversationId,
    /// Its name; may be empty.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its name or description changed last.
    pub updated_at: DateTime<Utc>,
    /// Messages in it, deleted ones included.
    pub n_messages: i64,
    /// Users who take part.
    pub n_members: i64,
}

/// A room in which something was said.
#[derive(Debug, Clone, FromQueryResult)]
pub struct ActiveRoom {
    /// Id of its conversation.
    pub id: ConversationId,
    /// When something was said last.
    pub last_message_at: DateTime<Utc>,
}

impl Store {
    /// The newest rooms of people, oldest first: all, or those in which a party takes part.
    pub async fn list_halls(
        &self,
        party: Option<&PartyId>,
        limit: u32,
    ) -> Result<Vec<RoomSummary>, Fault> {
        let mut values: Vec<Value> = vec![i64::from(limit).into()];
        let part = match party {
            Some(party) => {
                values.push(party.as_str().into());
                "JOIN participant AS own ON own.conversation_id = r.conversation_id \
                 AND own.party = $2 AND own.left_at IS NULL"
            }
            None => "",
        };
        let sql = format!(
            "SELECT r.conversation_id AS id, r.name, r.created_at, r.updated_at, \
             c.last_seq AS n_messages, \
             (SELECT COUNT(*) FROM participant AS p WHERE p.conversation_id = r.conversation_id \
              AND p.left_at IS NULL) AS n_members \
             FROM room AS r JOIN conversation AS c ON c.id = r.conversation_id {part} \
             WHERE r.gallery_a_id IS NULL \
             ORDER BY r.created_at DESC, r.conversation_id DESC LIMIT $1"
        );
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let rows = rows.iter().rev();
        let rows = rows.map(|row| RoomSummary::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Rooms of people, by the ids of their conversations.
    pub async fn find_rooms(&self, ids: &[&ConversationId]) -> Result<Vec<RoomRow>, Fault> {
        let rows = FIND_ROOMS
            .query(&self.read, ids, |id, values| {
                values.push(id.as_str().into());
            })
            .await?;
        let rows = rows.iter().map(|row| RoomRow::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The rooms of people in which something was said most recently, latest first.
    pub async fn list_active_rooms(&self, limit: u32) -> Result<Vec<ActiveRoom>, Fault> {
        let sql = "SELECT c.id, c.last_message_at FROM conversation AS c \
                   JOIN room AS r ON r.conversation_id = c.id \
                   WHERE r.gallery_a_id IS NULL AND c.last_message_at IS NOT NULL \
                   ORDER BY c.last_message_at DESC, c.id LIMIT $1";
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, [i64::from(limit).into()]))
            .await?;
        let rows = rows
            .iter()
            .map(|row| ActiveRoom::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a user wrote in rooms of people, newest first.
    pub async fn list_written(&self, user: &UserId, limit: u32) -> Result<Vec<MessageRow>, Fault> {
        let sql = "SELECT * FROM message WHERE room_sender_id = $1 \
                   ORDER BY created_at DESC, seq DESC LIMIT $2";
        let values = [user.as_str().into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        rows.iter().map(from_row).collect()
    }
}

static FIND_ROOMS: Bulk = Bulk::new(
    "SELECT * FROM room WHERE gallery_a_id IS NULL AND conversation_id IN \
     (SELECT column1 FROM (VALUES",
    1,
    ") AS v)",
);
