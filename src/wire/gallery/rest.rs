//! REST of this dialect: what bodies ask for.

mod answers;

pub use answers::{
    DoneBody, ErrorBody, HealthBody, ListedRoomBody, OpenedRoomBody, PageBody, RoomBody, SentBody,
    SuccessBody,
};

use serde_json::Value;
use serde_json::value::RawValue;
use sohbet_entity::enums::RoomType;
use sohbet_entity::ids::{ConversationId, GalleryId, OfferId, VehicleId};

use super::bodies::KINDS;
use crate::chat::{Channel, ClientId, Draft, File, NewDealerRoom, Target};
use crate::wire::json::{self, Object};
use crate::wire::metadata;

/// Largest metadata of a message, in bytes of JSON.
const MAX_METADATA_BYTES: usize = 65_536;
/// Longest media type of a file, in characters.
const MAX_FILE_TYPE_CHARS: usize = 255;

/// Why a body is refused.
#[derive(Debug, PartialEq)]
pub enum Wrong {
    /// It is JSON, but no object.
    Body,
    /// One of its fields.
    Field {
        /// Which.
        name: &'static str,
        /// A text for people.
        message: &'static str,
    },
    /// One of its fields is too large.
    TooLarge(&'static str),
}

impl Wrong {
    /// A wrong field.
    pub fn field(name: &'static str, message: &'static str) -> Self {
        Self::Field { name, message }
    }
}

/// With whom a room is to be, when the store does not know either.
pub const NO_OTHER_GALLERY: Wrong = Wrong::Field {
    name: "otherGalleryId",
    message: "Other gallery could not be determined",
};

/// Reads the body of `POST /chats`.
pub fn parse_room(body: &RawValue) -> Result<NewDealerRoom, Wrong> {
    let object = Object::parse(body).ok_or(Wrong::Body)?;
    let room_type = object.get("roomType").map(json::text);
    let room_type = match room_type.and_then(Result::ok).as_deref() {
        Some("offer") => RoomType::Offer,
        Some("vehicle") => RoomType::Vehicle,
        Some("support") => RoomType::Support,
        _ => {
            let message = "roomType must be offer, vehicle or support";
            return Err(Wrong::field("roomType", message));
        }
    };
    let offer = id(&object, "offerId", "Invalid offerId")?;
    if room_type == RoomType::Offer && offer.is_none() {
        return Err(Wrong::field("offerId", "offerId is required"));
    }
    let vehicle = id(&object, "vehicleId", "Invalid vehicleId")?;
    if room_type == RoomType::Vehicle && vehicle.is_none() {
        return Err(Wrong::field("vehicleId", "vehicleId is required"));
    }
    let other = id(&object, "otherGalleryId", "Invalid otherGalleryId")?;
    Ok(NewDealerRoom {
        room_type,
        offer: offer.map(OfferId::from),
        vehicle: vehicle.map(VehicleId::from),
        other: other.map(GalleryId::from),
    })
}

/// Reads the body of `POST /chats/:roomId/messages`.
pub fn parse_message(room: ConversationId, body: &RawValue) -> Result<Draft, Wrong> {
    let object = Object::parse(body).ok_or(Wrong::Body)?;
    let kind = kind(&object)?;
    let content = text(&object, "content", "Message content must be a text");
    let content = match kind.as_str() {
        "text" => Some(
            content
                .ok()
                .flatten()
                .ok_or(Wrong::field("content", "Message content is required"))?,
        ),
        _ => content?,
    };
    Ok(Draft {
        content,
        kind,
        metadata: metadata(&object)?,
        client_id: client_id(&object)?,
        ..Draft::new(Target::Conversation(room), Channel::Rest)
    })
}

/// Reads the body of `POST /chats/:roomId/upload`: a file that is stored somewhere already.
pub fn parse_file(room: ConversationId, body: &RawValue) -> Result<Draft, Wrong> {
    let object = Object::parse(body).ok_or(Wrong::Body)?;
    let required = |name, message| {
        let text = text(&object, name, message)?;
        text.ok_or(Wrong::field(name, message))
    };
    let url = required("fileUrl", "fileUrl is required")?;
    if !is_link(&url) {
        return Err(Wrong::field("fileUrl", "fileUrl must be a web address"));
    }
    let file = File {
        url: Some(url),
        name: Some(required("fileName", "fileName is required")?),
        size: object.get("fileSize").map_or(Ok(None), file_size)?,
        media_type: file_type(&object)?,
    };
    Ok(Draft {
        client_id: client_id(&object)?,
        ..file_message(room, file)
    })
}

/// A message that is a file and nothing else.
pub fn file_message(room: ConversationId, file: File) -> Draft {
    Draft {
        kind: "file".into(),
        file,
        ..Draft::new(Target::Conversation(room), Channel::Rest)
    }
}

fn kind(object: &Object) -> Result<String, Wrong> {
    let Some(value) = object.get("messageType") else {
        return Ok("text".into());
    };
    let kind = json::text(value).ok();
    kind.filter(|kind| KINDS.contains(&kind.as_str()))
        .ok_or(Wrong::field("messageType", "Unknown messageType"))
}

fn metadata(object: &Object) -> Result<Option<Value>, Wrong> {
    let Some(value) = object.get("metadata") else {
        return Ok(None);
    };
    if value.get().len() > MAX_METADATA_BYTES {
        return Err(Wrong::TooLarge("metadata is too large"));
    }
    let wrong = Wrong::field("metadata", "metadata must be an object");
    metadata::parse(value).map(Some).ok_or(wrong)
}

fn client_id(object: &Object) -> Result<Option<ClientId>, Wrong> {
    let mut names = json::CLIENT_ID_NAMES.into_iter();
    let named = names.find_map(|name| Some((name, object.get(name)?)));
    named
        .map(|(name, value)| form_client_id(name, json::text(value).unwrap_or_default()))
        .transpose()
}

/// The client's own id of a send, from a field of a form.
pub fn form_client_id(name: &'static str, id: String) -> Result<ClientId, Wrong> {
    let wrong = Wrong::field(name, "A client id has 1 to 128 characters");
    json::explicit_id(id).map_err(|_| wrong)
}

/// A size in bytes: a whole number, or a text of one.
fn file_size(value: &RawValue) -> Result<Option<i64>, Wrong> {
    let wrong = || Wrong::field("fileSize", "fileSize must be a number of bytes");
    let quoted = json::text(value).ok();
    let digits = quoted.as_deref().unwrap_or(value.get());
    if digits.is_empty() {
        return Ok(None);
    }
    let size: u64 = digits.parse().map_err(|_| wrong())?;
    i64::try_from(size).map(Some).map_err(|_| wrong())
}

fn file_type(object: &Object) -> Result<Option<String>, Wrong> {
    let message = "fileType must be a media type";
    let media_type = text(object, "fileType", message)?;
    let is_long = |text: &String| text.chars().count() > MAX_FILE_TYPE_CHARS;
    match media_type.as_ref().is_some_and(is_long) {
        true => Err(Wrong::field("fileType", message)),
        false => Ok(media_type),
    }
}

/// Front ends make links of it: what a browser would run is none.
fn is_link(url: &str) -> bool {
    let starts_with = |start: &str| {
        let head = url.get(..start.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    starts_with("https://") || starts_with("http://") || url.starts_with('/')
}

/// The text under that name; `None` for an absent and an empty one.
fn text(
    object: &Object,
    name: &'static str,
    message: &'static str,
) -> Result<Option<String>, Wrong> {
    object.text(name).map_err(|_| Wrong::field(name, message))
}

fn id(object: &Object, name: &'static str, message: &'static str) -> Result<Option<String>, Wrong> {
    object.id(name).map_err(|_| Wrong::field(name, message))
}

#[cfg(test)]
mod tests;
