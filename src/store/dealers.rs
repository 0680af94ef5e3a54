//! Rooms of two galleries, as their lists show them.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use sohbet_entity::enums::RoomType;
use sohbet_entity::ids::{ConversationId, GalleryId, OfferId, PartyId, VehicleId};

use super::{Fault, Store, statement};

/// A room with what its conversation knows.
#[derive(Debug, Clone, FromQueryResult)]
pub struct DealerRoom {
    /// Id of its conversation.
    pub id: ConversationId,
    /// What it is about.
    pub room_type: RoomType,
    /// The offer.
    pub offer_id: Option<OfferId>,
    /// The vehicle.
    pub vehicle_id: Option<VehicleId>,
    /// The first gallery: who sells, or who asked.
    pub gallery_a_id: Option<GalleryId>,
    /// The second gallery.
    pub gallery_b_id: Option<GalleryId>,
    /// Whether lists show it.
    pub is_active: bool,
    /// When it was closed, while it is.
    pub closed_at: Option<DateTime<Utc>>,
    /// Messages in it.
    pub last_seq: i64,
    /// Time of the newest message.
    pub last_message_at: Option<DateTime<Utc>>,
    /// How the newest message that shows something begins.
    pub last_message_preview: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When anything about it changed, messages included.
    pub updated_at: DateTime<Utc>,
}

/// A line of the list of a gallery.
#[derive(Debug, Clone, FromQueryResult)]
pub struct ListedDealerRoom {
    /// The room.
    #[sea_orm(nested)]
    pub room: DealerRoom,
    /// Name of the first gallery, if the directory knows it.
    pub gallery_a_name: Option<String>,
    /// Name of the second gallery.
    pub gallery_b_name: Option<String>,
    /// Who built the vehicle, if the directory knows it.
    pub vehicle_brand: Option<String>,
    /// What its builder calls it.
    pub vehicle_model: Option<String>,
    /// What its owner asks for it.
    pub vehicle_price: Option<f64>,
    /// Messages of the other gallery that nobody of this one has read.
    pub unread: i64,
}

impl Store {
    /// A room; direct conversations are none.
    pub async fn find_dealer_room(&self, id: &ConversationId) -> Result<Option<DealerRoom>, Fault> {
        self.find_room("r.conversation_id", id.as_str()).await
    }

    /// The room with that key, of which there is one at most.
    pub async fn find_dealer_room_by_key(&self, key: &str) -> Result<Option<DealerRoom>, Fault> {
        self.find_room("r.dedup_key", key).await
    }

    async fn find_room(
        &self,
        column: &'static str,
        value: &str,
    ) -> Result<Option<DealerRoom>, Fault> {
        let sql = format!(
            "SELECT {ROOM_COLUMNS} FROM room AS r \
             JOIN conversation AS c ON c.id = r.conversation_id WHERE {column} = $1"
        );
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [value.into()]))
            .await?;
        Ok(row
            .map(|row| DealerRoom::from_query_result(&row, ""))
            .transpose()?)
    }

    /// The active rooms of a gallery: newest message first, silent ones last.
    pub async fn list_dealer_rooms(
        &self,
        party: &PartyId,
        limit: u32,
    ) -> Result<Vec<ListedDealerRoom>, Fault> {
        let sql = format!("SELECT {ROOM_COLUMNS}, {LIST_DEALER_ROOMS}");
        let values: [Value; 2] = [party.as_str().into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let rooms = rows
            .iter()
            .map(|row| ListedDealerRoom::from_query_result(row, ""));
        Ok(rooms.collect::<Result<_, _>>()?)
    }
}

const ROOM_COLUMNS: &str = "r.conversation_id AS id, r.room_type, r.offer_id, r.vehicle_id, \
    r.gallery_a_id, r.gallery_b_id, r.is_active, r.closed_at, c.last_seq, c.last_message_at, \
    c.last_message_preview, r.created_at, c.updated_at";

/// Up to the gallery's marker everything of the other one is read, so few messages are counted.
const LIST_DEALER_ROOMS: &str = "a.name AS gallery_a_name, b.name AS gallery_b_name, \
    v.brand AS vehicle_brand, v.model AS vehicle_model, v.base_price AS vehicle_price, \
    (SELECT COUNT(*) FROM message AS u WHERE u.conversation_id = c.id \
     AND u.seq > p.last_read_seq AND u.read_at IS NULL AND u.deleted_at IS NULL \
     AND COALESCE(u.sender_party, u.sender_id) <> p.party) AS unread \
FROM participant AS p \
JOIN room AS r ON r.conversation_id = p.conversation_id AND r.is_active \
JOIN conversation AS c ON c.id = r.conversation_id \
LEFT JOIN gallery AS a ON a.id = r.gallery_a_id \
LEFT JOIN gallery AS b ON b.id = r.gallery_b_id \
LEFT JOIN vehicle AS v ON v.id = r.vehicle_id \
WHERE p.party = $1 AND p.left_at IS NULL \
ORDER BY CASE WHEN c.last_message_at IS NULL THEN 1 ELSE 0 END, c.last_message_at DESC, \
    r.created_at DESC, r.conversation_id DESC \
LIMIT $2";
