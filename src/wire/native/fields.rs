//! Reading the fields of a payload. Each says what it must be, so that a refusal helps.

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{self, ConversationId, MessageId, UserId};

use crate::chat::{Cursor, MAX_KNOWN, Since};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};
use crate::wire::metadata;

/// Items in one answer unless the client says how many.
const USUAL_LIMIT: i64 = 50;
/// Most items in one answer.
pub const MAX_LIMIT: i64 = 100;
/// Longest metadata of a message, in bytes of JSON.
const MAX_METADATA_BYTES: usize = 65_536;
/// Longest epoch, in characters.
const MAX_EPOCH_CHARS: usize = 128;

/// The roles as clients write them.
pub const ROLES: [(&str, ParticipantRole); 4] = [
    ("OWNER", ParticipantRole::Owner),
    ("ADMIN", ParticipantRole::Admin),
    ("MODERATOR", ParticipantRole::Moderator),
    ("MEMBER", ParticipantRole::Member),
];

/// A field, and what a client hears that wrote something else into it.
pub struct Field {
    pub name: &'static str,
    pub wrong: Error,
}

const fn field(name: &'static str, wrong: &'static str) -> Field {
    Field {
        name,
        wrong: Error::InvalidPayload(wrong),
    }
}

pub const CONVERSATION: Field = field("conversationId", "conversationId must be an id");
pub const USER: Field = field("userId", "userId must be an id");
pub const MESSAGE: Field = field("messageId", "messageId must be an id");
pub const USERS: Field = field("userIds", "userIds must be a list of ids");
pub const REPLY_TO: Field = field("replyTo", "replyTo must be the id of a message");
pub const UPLOAD: Field = field("uploadId", "uploadId must be an id");
pub const NAME: Field = field("name", "name must be a text that is not empty");
pub const DESCRIPTION: Field = field("description", "description must be a text");
pub const KEY: Field = field("key", "key must be a text of 1 to 128 characters");
pub const IS_OPEN: Field = field("isOpen", "isOpen must be true or false");
pub const IS_ACTIVE: Field = field("isActive", "isActive must be true or false");
pub const DISABLED: Field = field("disabled", "disabled must be true or false");
pub const ROLE: Field = field("role", "role must be OWNER, ADMIN, MODERATOR or MEMBER");
pub const LIMIT: Field = field("limit", "limit must be a whole number from 1 to 100");
pub const BEFORE: Field = field("before", "before must be a position");
pub const AFTER: Field = field("after", "after must be a position");
pub const AROUND: Field = field("around", "around must be a position, on its own");
pub const UP_TO: Field = field("upTo", "upTo must be a position");
pub const CURSOR: Field = field("cursor", "cursor must come from nextCursor");
pub const CONTENT: Field = field("content", "content must be a text");
pub const EMOJI: Field = field("emoji", "emoji must be a text of 1 to 64 characters");
pub const KIND: Field = field("kind", "kind must be a short word");
pub const FILE_URL: Field = field("fileUrl", "fileUrl must be a text");
pub const FILE_NAME: Field = field("fileName", "fileName must be a text");
pub const FILE_SIZE: Field = field("fileSize", "fileSize must be a number of bytes");
pub const FILE_TYPE: Field = field("fileType", "fileType must be a media type");
pub const METADATA: Field = field("metadata", "metadata must be an object");
pub const EPOCH: Field = field("epoch", "epoch must be the one of the session");
pub const REVS: Field = field(
    "conversations",
    "conversations must be an object of positions",
);
pub const SERVER_TIME: Field = field("serverTime", "serverTime must be a time in ISO 8601");
pub const TOKEN: Field = field("token", "token must be a text");

/// An id that must be there.
pub fn id(object: &Object, field: &Field) -> Result<String> {
    optional_id(object, field)?.ok_or(field.wrong.clone())
}

/// An id that may be missing.
pub fn optional_id(object: &Object, field: &Field) -> Result<Option<String>> {
    object.id(field.name).map_err(|_| field.wrong.clone())
}

pub fn conversation(object: &Object) -> Result<ConversationId> {
    id(object, &CONVERSATION).map(ConversationId::from)
}

pub fn message(object: &Object) -> Result<MessageId> {
    id(object, &MESSAGE).map(MessageId::from)
}

pub fn user(object: &Object) -> Result<UserId> {
    id(object, &USER).map(UserId::from)
}

/// A text; absent and empty ones are `None`.
pub fn text(object: &Object, field: &Field) -> Result<Option<String>> {
    object.text(field.name).map_err(|_| field.wrong.clone())
}

/// A whole number that is not negative and that JavaScript holds exactly.
pub fn whole(object: &Object, field: &Field) -> Result<Option<i64>> {
    object
        .get(field.name)
        .map(|value| number(value.get()))
        .map(|number| number.ok_or(field.wrong.clone()))
        .transpose()
}

/// As [`whole`], from the text of the number.
pub fn number(text: &str) -> Option<i64> {
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text.parse().ok().filter(|_| is_decimal)?;
    let is_safe = number <= ids::MAX_SAFE_INTEGER;
    i64::try_from(number).ok().filter(|_| is_safe)
}

/// How many items are wanted.
pub fn limit(wanted: Option<i64>) -> Result<u32> {
    let limit = wanted.unwrap_or(USUAL_LIMIT);
    let is_possible = (1..=MAX_LIMIT).contains(&limit);
    let limit = u32::try_from(limit).ok().filter(|_| is_possible);
    limit.ok_or(LIMIT.wrong)
}

pub fn flag(object: &Object, field: &Field) -> Result<Option<bool>> {
    match object.get(field.name).map(RawValue::get) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(field.wrong.clone()),
    }
}

pub fn role(object: &Object) -> Result<Option<ParticipantRole>> {
    let Some(value) = object.get(ROLE.name) else {
        return Ok(None);
    };
    let word = json::text(value).map_err(|_| ROLE.wrong)?;
    let role = ROLES.into_iter().find(|(name, _)| *name == word);
    role.map(|(_, role)| Some(role)).ok_or(ROLE.wrong)
}

/// A list of at most `max` user ids; `None` when it is missing.
pub fn users(object: &Object, max: usize) -> Result<Option<Vec<UserId>>> {
    let Some(value) = object.get(USERS.name) else {
        return Ok(None);
    };
    let items: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| USERS.wrong)?;
    if items.len() > max {
        return Err(Error::TooLarge("Too many userIds"));
    }
    let user = |item: &&RawValue| match json::id(item) {
        Ok(Some(id)) => Ok(UserId::from(id)),
        _ => Err(USERS.wrong),
    };
    items.iter().map(user).collect::<Result<_>>().map(Some)
}

/// An object that the databases can keep. Keys of the dialects' own are left out: no client may
/// write them.
pub fn metadata(object: &Object) -> Result<Option<Value>> {
    let Some(value) = object.get(METADATA.name) else {
        return Ok(None);
    };
    if value.get().len() > MAX_METADATA_BYTES {
        return Err(Error::TooLarge("Metadata is too long"));
    }
    metadata::parse(value).map(Some).ok_or(METADATA.wrong)
}

/// What a client has already: `{epoch, conversations: {id: rev}, serverTime?}`.
pub fn since(object: &Object) -> Result<Since> {
    check_number(all_since(object)?)
}

/// As [`since`], of a handshake, which cannot be refused for naming too many conversations.
pub fn since_of(value: &RawValue) -> Result<Since> {
    let mut since = all_since(&Object::parse(value).ok_or(REVS.wrong)?)?;
    let first_beyond = since.conversations.keys().nth(MAX_KNOWN).cloned();
    if let Some(first) = first_beyond {
        let beyond = since.conversations.split_off(&first);
        since.beyond = beyond.into_keys().collect();
    }
    Ok(since)
}

fn all_since(object: &Object) -> Result<Since> {
    let epoch = text(object, &EPOCH)?.ok_or(EPOCH.wrong)?;
    let revs = object.get(REVS.name).ok_or(REVS.wrong)?;
    let time = text(object, &SERVER_TIME)?;
    all_known(epoch, revs, time.as_deref())
}

/// The last `rev` of each conversation, as an object.
pub fn known(epoch: String, revs: &RawValue, time: Option<&str>) -> Result<Since> {
    check_number(all_known(epoch, revs, time)?)
}

fn check_number(since: Since) -> Result<Since> {
    match since.conversations.len() > MAX_KNOWN {
        true => Err(Error::TooLarge("Too many conversations")),
        false => Ok(since),
    }
}

fn all_known(epoch: String, revs: &RawValue, time: Option<&str>) -> Result<Since> {
    if epoch.chars().count() > MAX_EPOCH_CHARS {
        return Err(EPOCH.wrong);
    }
    let revs = Object::parse(revs).ok_or(REVS.wrong)?;
    let known = |(id, rev): (&str, &RawValue)| {
        let rev = number(rev.get()).filter(|_| ids::is_valid(id));
        Ok((ConversationId::from(id), rev.ok_or(REVS.wrong)?))
    };
    Ok(Since {
        epoch,
        conversations: revs.members().map(known).collect::<Result<_>>()?,
        beyond: Vec::new(),
        time: time.map(read_time).transpose()?,
    })
}

fn read_time(text: &str) -> Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text);
    Ok(time.map_err(|_| SERVER_TIME.wrong)?.to_utc())
}

/// The place in a list that [`write_cursor`] wrote.
pub fn read_cursor(text: &str) -> Result<Cursor> {
    let (micros, id) = text.split_once('_').ok_or(CURSOR.wrong)?;
    let activity = number(micros).and_then(DateTime::from_timestamp_micros);
    Ok(Cursor {
        activity: activity.ok_or(CURSOR.wrong)?,
        id: match ids::is_valid(id) {
            true => id.into(),
            false => return Err(CURSOR.wrong),
        },
    })
}

/// A place in a list as text.
pub fn write_cursor(cursor: &Cursor) -> String {
    format!("{}_{}", cursor.activity.timestamp_micros(), cursor.id)
}
