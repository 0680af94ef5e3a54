//! Rooms and who takes part in them.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveEnum, ConnectionTrait, DatabaseTransaction, FromQueryResult, QueryResult, Value,
};
use sohbet_entity::enums::{ParticipantRole, RoomType};
use sohbet_entity::ids::{ConversationId, GalleryId, OfferId, PartyId, UserId, VehicleId};

use super::rows::Bulk;
use super::{ConversationRow, Fault, ParticipantRow, RoomRow, Store, now, statement, users};

/// A room to make.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Id of its conversation.
    pub id: ConversationId,
    /// Name; may be empty where the system it comes from knows none.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it is about.
    pub room_type: RoomType,
    /// The offer of an offer room.
    pub offer_id: Option<OfferId>,
    /// The vehicle of a vehicle room.
    pub vehicle_id: Option<VehicleId>,
    /// The two galleries of a dealer room.
    pub galleries: Option<[GalleryId; 2]>,
    /// Whether anybody may join who knows its id.
    pub is_open: bool,
    /// A text that only one room can have: who makes it again gets that room.
    pub dedup_key: Option<String>,
    /// Who takes part from the start.
    pub members: Vec<(PartyId, ParticipantRole)>,
}

impl NewRoom {
    /// A room of people in which nobody is yet, and into which nobody comes alone.
    pub fn of_people(id: ConversationId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            description: None,
            room_type: RoomType::Group,
            offer_id: None,
            vehicle_id: None,
            galleries: None,
            is_open: false,
            dedup_key: None,
            members: Vec::new(),
        }
    }
}

/// What changes about a room; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomChange {
    /// New name.
    pub name: Option<String>,
    /// New description; the inner `None` removes it.
    pub description: Option<Option<String>>,
    /// Open for messages, or closed.
    pub is_active: Option<bool>,
}

/// A conversation as the store has it.
#[derive(Debug)]
pub struct StoredConversation {
    /// The log.
    pub row: ConversationRow,
    /// What a room has beyond it.
    pub room: Option<RoomRow>,
    /// Who takes part in a room, in order of joining; empty for direct conversations, which name
    /// their users themselves.
    pub participants: Vec<ParticipantRow>,
}

impl Store {
    /// The conversation with that id, and if it is a room, who takes part.
    pub async fn load_conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<StoredConversation>, Fault> {
        let Some(row) = self.find_conversation(id).await? else {
            return Ok(None);
        };
        if row.user1_id.is_some() {
            let (room, participants) = (None, Vec::new());
            return Ok(Some(StoredConversation {
                row,
                room,
                participants,
            }));
        }
        let values = [id.as_str().into()];
        let sql = "SELECT * FROM room WHERE conversation_id = $1";
        let room = self
            .read
            .query_one_raw(statement(&self.read, sql, values.clone()))
            .await?;
        let sql = "SELECT * FROM participant WHERE conversation_id = $1 AND left_at IS NULL \
                   ORDER BY created_at, party";
        let participants = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let participants = participants
            .iter()
            .map(|row| ParticipantRow::from_query_result(row, ""));
        Ok(Some(StoredConversation {
            row,
            room: room
                .map(|row| RoomRow::from_query_result(&row, ""))
                .transpose()?,
            participants: participants.collect::<Result<_, _>>()?,
        }))
    }

    /// The oldest open rooms whose key begins like that.
    pub async fn list_rooms_by_key(
        &self,
        key_start: &str,
        limit: u32,
    ) -> Result<Vec<ConversationId>, Fault> {
        let sql = "SELECT conversation_id FROM room WHERE is_open AND dedup_key LIKE $1 \
                   ORDER BY created_at, conversation_id LIMIT $2";
        let values = [format!("{key_start}%").into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let id = |row: &QueryResult| Ok(row.try_get_by_index::<String>(0)?.into());
        rows.iter().map(id).collect()
    }

    /// Makes a room, unless there is one with that id or that key. Returns the id of the room that
    /// is there afterwards and whether this call made it. `None`: the id is a direct conversation's.
    pub async fn create_room(
        &self,
        new: &NewRoom,
    ) -> Result<Option<(ConversationId, bool)>, Fault> {
        let txn = self.begin().await?;
        ensure_member_users(&txn, &new.members).await?;
        if insert_room(&txn, new).await? {
            insert_members(&txn, &new.id, &new.members, 0).await?;
            txn.commit().await?;
            return Ok(Some((new.id.clone(), true)));
        }
        txn.rollback().await?;
        let (condition, value) = match &new.dedup_key {
            Some(key) => ("dedup_key = $1 OR conversation_id = $2", key.as_str()),
            None => (
                "conversation_id = $1 OR conversation_id = $2",
                new.id.as_str(),
            ),
        };
        let sql = format!("SELECT conversation_id FROM room WHERE {condition}");
        let values = [value.into(), new.id.as_str().into()];
        let row = self
            .write
            .query_one_raw(statement(&self.write, sql, values))
            .await?;
        let id: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(id.map(|id| (ConversationId::from(id), false)))
    }

    /// Lets parties take part, from the next message on. Who takes part already keeps the own role.
    pub async fn save_members(
        &self,
        id: &ConversationId,
        members: &[(PartyId, ParticipantRole)],
    ) -> Result<(), Fault> {
        let txn = self.begin().await?;
        ensure_member_users(&txn, members).await?;
        let sql = "SELECT last_seq FROM conversation WHERE id = $1";
        let row = txn
            .query_one_raw(statement(&txn, sql, [id.as_str().into()]))
            .await?
            .ok_or(Fault::Row)?;
        insert_members(&txn, id, members, row.try_get_by_index(0)?).await?;
        touch(&txn, id).await?;
        Ok(txn.commit().await?)
    }

    /// Changes what is known about a room.
    pub async fn update_room(&self, id: &ConversationId, change: &RoomChange) -> Result<(), Fault> {
        let txn = self.begin().await?;
        let at = now();
        if let Some(name) = &change.name {
            set(&txn, id, "name", name.as_str().into(), at).await?;
        }
        if let Some(description) = &change.description {
            set(&txn, id, "description", description.clone().into(), at).await?;
        }
        if let Some(is_active) = change.is_active {
            set(&txn, id, "is_active", is_active.into(), at).await?;
            let closed_at = (!is_active).then_some(at);
            set(&txn, id, "closed_at", closed_at.into(), at).await?;
        }
        touch(&txn, id).await?;
        Ok(txn.commit().await?)
    }
}

async fn set(
    txn: &DatabaseTransaction,
    id: &ConversationId,
    column: &'static str,
    value: Value,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let sql = format!("UPDATE room SET {column} = $1, updated_at = $2 WHERE conversation_id = $3");
    let values = [value, at.into(), id.as_str().into()];
    txn.execute_raw(statement(txn, sql, values)).await?;
    Ok(())
}

/// Notes that a conversation changed; other changes of it wait until this transaction ends.
pub(super) async fn touch(txn: &DatabaseTransaction, id: &ConversationId) -> Result<(), Fault> {
    let sql = "UPDATE conversation SET updated_at = $1 WHERE id = $2";
    let values = [now().into(), id.as_str().into()];
    txn.execute_raw(statement(txn, sql, values)).await?;
    Ok(())
}

/// Inserts conversation and room; `false` when the id or the key is taken.
pub(super) async fn insert_room(txn: &DatabaseTransaction, new: &NewRoom) -> Result<bool, Fault> {
    let at = now();
    let sql = "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at) \
               VALUES ($1, 'room', 0, 0, $2, $2) ON CONFLICT DO NOTHING";
    let inserted = txn
        .execute_raw(statement(txn, sql, [new.id.as_str().into(), at.into()]))
        .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO room (conversation_id, name, description, room_type, offer_id, \
               vehicle_id, gallery_a_id, gallery_b_id, is_active, is_open, dedup_key, created_at, \
               updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) \
               ON CONFLICT DO NOTHING";
    let optional = |id: Option<&str>| Value::String(id.map(str::to_owned));
    let gallery = |index: usize| optional(new.galleries.as_ref().map(|both| both[index].as_str()));
    let values = [
        new.id.as_str().into(),
        new.name.as_str().into(),
        new.description.clone().into(),
        new.room_type.to_value().into(),
        optional(new.offer_id.as_ref().map(OfferId::as_str)),
        optional(new.vehicle_id.as_ref().map(VehicleId::as_str)),
        gallery(0),
        gallery(1),
        true.into(),
        new.is_open.into(),
        new.dedup_key.clone().into(),
        at.into(),
    ];
    let inserted = txn.execute_raw(statement(txn, sql, values)).await?;
    Ok(inserted.rows_affected() > 0)
}

/// Members who are users get a row if they have none.
async fn ensure_member_users(
    txn: &DatabaseTransaction,
    members: &[(PartyId, ParticipantRole)],
) -> Result<(), Fault> {
    let users: Vec<UserId> = members
        .iter()
        .filter_map(|(party, _)| party.user())
        .collect();
    let users: Vec<&UserId> = users.iter().collect();
    users::ensure_users(txn, &users).await
}

async fn insert_members(
    txn: &DatabaseTransaction,
    id: &ConversationId,
    members: &[(PartyId, ParticipantRole)],
    last_seq: i64,
) -> Result<(), Fault> {
    let at = now();
    INSERT_MEMBERS
        .execute(txn, members, |(party, role), values| {
            values.extend([
                id.as_str().into(),
                party.as_str().into(),
                role.to_value().into(),
                last_seq.into(),
                last_seq.into(),
                last_seq.into(),
                false.into(),
                false.into(),
                at.into(),
            ]);
        })
        .await?;
    Ok(())
}

/// Who comes back starts anew: what was said in between is not unread.
static INSERT_MEMBERS: Bulk = Bulk::new(
    "INSERT INTO participant (conversation_id, party, role, joined_seq, last_read_seq, \
     last_delivered_seq, muted, archived, created_at) VALUES",
    9,
    "ON CONFLICT (conversation_id, party) DO UPDATE SET \
     role = CASE WHEN participant.left_at IS NULL THEN participant.role ELSE excluded.role END, \
     joined_seq = CASE WHEN participant.left_at IS NULL THEN participant.joined_seq ELSE excluded.joined_seq END, \
     last_read_seq = CASE WHEN participant.left_at IS NULL THEN participant.last_read_seq ELSE excluded.last_read_seq END, \
     last_delivered_seq = CASE WHEN participant.left_at IS NULL THEN participant.last_delivered_seq ELSE excluded.last_delivered_seq END, \
     created_at = CASE WHEN participant.left_at IS NULL THEN participant.created_at ELSE excluded.created_at END, \
     left_at = NULL",
);
