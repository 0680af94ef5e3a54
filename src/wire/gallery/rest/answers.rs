//! What REST calls are answered with.

use serde::{Serialize, Serializer};
use sohbet_entity::enums::RoomType;

use crate::chat::{DealerRoom, ListedDealerRoom, Message, NumberedPage};
use crate::wire::gallery::bodies::{NamedRowBody, RowBody};
use crate::wire::ids::Time;

/// Whole numbers up to this one are the same with and without a fraction.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// `{success:true, data}`
#[derive(Serialize)]
pub struct SuccessBody<T> {
    success: bool,
    data: T,
}

impl<T> From<T> for SuccessBody<T> {
    fn from(data: T) -> Self {
        Self {
            success: true,
            data,
        }
    }
}

/// `{success:true, message}`
#[derive(Serialize)]
pub struct DoneBody {
    success: bool,
    message: &'static str,
}

impl From<&'static str> for DoneBody {
    fn from(message: &'static str) -> Self {
        Self {
            success: true,
            message,
        }
    }
}

/// `{success:false, error:{code, message, details?}}`
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    success: bool,
    error: ErrorDetails<'a>,
}

#[derive(Serialize)]
struct ErrorDetails<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<FieldDetails<'a>>,
}

#[derive(Serialize)]
struct FieldDetails<'a> {
    field: &'a str,
}

impl<'a> ErrorBody<'a> {
    /// An error, and the field that it is about, if it is about one.
    pub fn new(code: &'a str, message: &'a str, field: Option<&'a str>) -> Self {
        Self {
            success: false,
            error: ErrorDetails {
                code,
                message,
                details: field.map(|field| FieldDetails { field }),
            },
        }
    }
}

/// A message as its sender gets it: the same row as everybody else.
pub type SentBody<'a> = SuccessBody<RowBody<'a>>;

impl<'a> From<&'a Message> for SentBody<'a> {
    fn from(message: &'a Message) -> Self {
        RowBody::from(&*message.row).into()
    }
}

/// A room: twelve keys.
#[derive(Serialize)]
pub struct RoomBody<'a> {
    id: &'a str,
    room_type: &'static str,
    offer_id: Option<&'a str>,
    vehicle_id: Option<&'a str>,
    gallery_a_id: Option<&'a str>,
    gallery_b_id: Option<&'a str>,
    is_active: bool,
    closed_at: Option<Time>,
    last_message_at: Option<Time>,
    last_message_preview: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
}

impl<'a> From<&'a DealerRoom> for RoomBody<'a> {
    fn from(room: &'a DealerRoom) -> Self {
        Self {
            id: room.id.as_str(),
            room_type: match room.room_type {
                RoomType::Group => "group",
                RoomType::Offer => "offer",
                RoomType::Vehicle => "vehicle",
                RoomType::Support => "support",
            },
            offer_id: room.offer_id.as_ref().map(|id| id.as_str()),
            vehicle_id: room.vehicle_id.as_ref().map(|id| id.as_str()),
            gallery_a_id: room.gallery_a_id.as_ref().map(|id| id.as_str()),
            gallery_b_id: room.gallery_b_id.as_ref().map(|id| id.as_str()),
            is_active: room.is_active,
            closed_at: room.closed_at.map(Time),
            last_message_at: room.last_message_at.map(Time),
            last_message_preview: room.last_message_preview.as_deref(),
            created_at: Time(room.created_at),
            updated_at: Time(room.updated_at),
        }
    }
}

/// A room in the list: nineteen keys.
#[derive(Serialize)]
pub struct ListedRoomBody<'a> {
    #[serde(flatten)]
    room: RoomBody<'a>,
    gallery_a_name: Option<&'a str>,
    gallery_b_name: Option<&'a str>,
    vehicle_brand: Option<&'a str>,
    vehicle_model: Option<&'a str>,
    #[serde(serialize_with = "write_price")]
    vehicle_price: Option<f64>,
    vehicle_title: Option<String>,
    unread_count: i64,
}

impl<'a> From<&'a ListedDealerRoom> for ListedRoomBody<'a> {
    fn from(listed: &'a ListedDealerRoom) -> Self {
        let (brand, model) = (&listed.vehicle_brand, &listed.vehicle_model);
        let words = [brand, model].into_iter().flatten();
        let words: Vec<&str> = words.map(String::as_str).collect();
        Self {
            room: RoomBody::from(&listed.room),
            gallery_a_name: listed.gallery_a_name.as_deref(),
            gallery_b_name: listed.gallery_b_name.as_deref(),
            vehicle_brand: brand.as_deref(),
            vehicle_model: model.as_deref(),
            vehicle_price: listed.vehicle_price,
            vehicle_title: (!words.is_empty()).then(|| words.join(" ")),
            unread_count: listed.unread,
        }
    }
}

/// A whole price has no fraction: some readers of JSON make a difference between 5 and 5.0.
fn write_price<S: Serializer>(price: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match price {
        Some(price) if price.fract() == 0.0 && price.abs() < MAX_WHOLE => {
            serializer.serialize_i64(*price as i64)
        }
        price => price.serialize(serializer),
    }
}

/// A room with its newest messages, oldest first.
#[derive(Serialize)]
pub struct OpenedRoomBody<'a> {
    #[serde(flatten)]
    room: RoomBody<'a>,
    messages: Vec<NamedRowBody<'a>>,
}

impl<'a> OpenedRoomBody<'a> {
    /// The room and those messages.
    pub fn new(room: &'a DealerRoom, messages: &'a [Message]) -> Self {
        Self {
            room: RoomBody::from(room),
            messages: messages.iter().map(NamedRowBody::from).collect(),
        }
    }
}

/// `{success:true, data:[...], pagination:{page, limit, total, totalPages}}`
#[derive(Serialize)]
pub struct PageBody<'a> {
    success: bool,
    data: Vec<NamedRowBody<'a>>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    page: i64,
    limit: u32,
    total: i64,
    total_pages: i64,
}

impl<'a> PageBody<'a> {
    /// A page with that number, cut for `limit` messages.
    pub fn new(page: &'a NumberedPage, number: i64, limit: u32) -> Self {
        let n_full = page.n_messages / i64::from(limit.max(1));
        let has_rest = page.n_messages % i64::from(limit.max(1)) > 0;
        Self {
            success: true,
            data: page.messages.iter().map(NamedRowBody::from).collect(),
            pagination: Pagination {
                page: number,
                limit,
                total: page.n_messages,
                total_pages: n_full + i64::from(has_rest),
            },
        }
    }
}

/// `{status, service, timestamp?}`: what `/health` shows where this dialect is configured.
#[derive(Serialize)]
pub struct HealthBody {
    status: &'static str,
    service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
}

impl HealthBody {
    /// The store answered at that time, or does not answer.
    pub fn new(answered_at: Option<chrono::DateTime<chrono::Utc>>) -> Self {
        Self {
            status: if answered_at.is_some() { "ok" } else { "error" },
            service: "chat-service",
            timestamp: answered_at.map(Time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_price_has_no_fraction() {
        #[derive(Serialize)]
        struct Priced(#[serde(serialize_with = "write_price")] Option<f64>);
        let written = |price| serde_json::to_string(&Priced(price)).unwrap();
        assert_eq!(written(Some(850_000.0)), "850000");
        assert_eq!(written(Some(850_000.5)), "850000.5");
        assert_eq!(written(Some(1e300)), "1e+300");
        assert_eq!(written(None), "null");
    }
}
