//! REST bodies of this dialect. Successes are bare objects and lists.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sohbet_entity::enums::TokenType;
use sohbet_entity::ids::{ConversationId, UserId};

use super::bodies::{MessageBody, UserBody, username};
use crate::chat::{
    ApiToken, Channel, ClientId, Draft, HallMessage, Message, Profile, RoomRow, RoomSummary, Target,
};
use crate::error::{Error, Result};
use crate::wire::ids::Time;
use crate::wire::json::{self, Object};

pub use super::answers::NO_ACCESS;

/// Reads the token that may stand in a body.
pub fn parse_token(body: &RawValue) -> Option<String> {
    Object::parse(body)?.text("token").ok().flatten()
}

/// Reads the body of `POST /api/users`.
pub fn parse_username(body: &RawValue) -> Result<String> {
    let missing = Error::InvalidPayload("Username is required");
    let object = Object::parse(body).ok_or(missing.clone())?;
    object.text("username").ok().flatten().ok_or(missing)
}

/// Reads the body of `POST /api/rooms`: a name, and who makes the room.
pub fn parse_room(body: &RawValue) -> Result<(String, Option<UserId>)> {
    let missing = Error::InvalidPayload("Name and userId are required");
    let object = Object::parse(body).ok_or(missing.clone())?;
    let name = object.text("name").ok().flatten().ok_or(missing.clone())?;
    let user = object.id("userId").map_err(|_| missing)?;
    Ok((name, user.map(UserId::from)))
}

/// What a room without a maker is refused with.
pub const NO_MAKER: Error = Error::InvalidPayload("Name and userId are required");

/// Reads the user whom a body names, or refuses it with that text.
pub fn parse_user(body: &RawValue, missing: &'static str) -> Result<UserId> {
    let missing = Error::InvalidPayload(missing);
    let object = Object::parse(body).ok_or(missing.clone())?;
    let user = object.id("userId").ok().flatten().ok_or(missing)?;
    Ok(user.into())
}

/// A message to post; its room stands in the path.
pub struct PostedMessage {
    content: String,
    client_id: Option<ClientId>,
}

impl PostedMessage {
    /// The message for a room.
    pub fn into_draft(self, room: ConversationId) -> Draft {
        Draft {
            content: Some(self.content),
            client_id: self.client_id,
            ..Draft::new(Target::Conversation(room), Channel::Rest)
        }
    }
}

/// Reads the body of `POST /api/rooms/:roomId/messages`.
pub fn parse_message(body: &RawValue) -> Result<PostedMessage> {
    let missing = Error::InvalidPayload("Message content is required");
    let object = Object::parse(body).ok_or(missing.clone())?;
    let content = object.text("content").ok().flatten().ok_or(missing)?;
    let client_id = json::client_id(&object)?;
    Ok(PostedMessage { content, client_id })
}

/// Reads what the token of `POST /api/tokens/user` is to permit.
pub fn parse_permissions(body: &RawValue) -> Result<Value> {
    let object = Object::parse(body);
    match object.and_then(|object| object.get("permissions")) {
        Some(wanted) => serde_json::from_str(wanted.get())
            .map_err(|_| Error::InvalidPayload("Invalid permissions")),
        None => Ok(serde_json::json!({})),
    }
}

/// Reads the body of `POST /api/tokens/client`: whose it is, and the address of who runs it.
pub fn parse_client(body: &RawValue) -> Result<(UserId, String)> {
    const MISSING: &str = "User ID and email are required";
    let user = parse_user(body, MISSING)?;
    let object = Object::parse(body).ok_or(Error::InvalidPayload(MISSING))?;
    let email = object.text("email").ok().flatten();
    let email = email.filter(|email| email.len() <= MAX_EMAIL_BYTES);
    Ok((user, email.ok_or(Error::InvalidPayload(MISSING))?))
}

/// Longest address, in bytes (RFC 5321, section 4.5.3.1).
const MAX_EMAIL_BYTES: usize = 254;

/// `{id, username, role}`
#[derive(Serialize)]
pub struct PersonBody<'a> {
    id: &'a str,
    username: &'a str,
    role: &'static str,
}

impl<'a> From<&'a Profile> for PersonBody<'a> {
    fn from(profile: &'a Profile) -> Self {
        Self {
            id: profile.id.as_str(),
            username: username(profile),
            role: profile.role.name(),
        }
    }
}

/// All users of a list.
pub fn people(profiles: &[Profile]) -> Vec<PersonBody<'_>> {
    profiles.iter().map(PersonBody::from).collect()
}

/// A token that was just made. Its text is never shown again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedBody<'a> {
    user: PersonBody<'a>,
    token: &'a str,
    expires_at: Option<Time>,
    token_id: &'a str,
}

impl<'a> IssuedBody<'a> {
    /// A token with its text and its owner.
    pub fn new(secret: &'a str, token: &'a ApiToken, owner: &'a Profile) -> Self {
        Self {
            user: PersonBody::from(owner),
            token: secret,
            expires_at: token.expires_at.map(Time),
            token_id: token.id.as_str(),
        }
    }
}

/// What a token says about itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedBody<'a> {
    valid: bool,
    r#type: &'static str,
    user_id: &'a str,
    expires_at: Option<Time>,
}

impl<'a> VerifiedBody<'a> {
    /// A token that is good.
    pub fn new(user: &'a UserId, token_type: TokenType, expires_at: Option<DateTime<Utc>>) -> Self {
        Self {
            valid: true,
            r#type: token_type.name(),
            user_id: user.as_str(),
            expires_at: expires_at.map(Time),
        }
    }
}

/// `{id, name, createdAt, updatedAt}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomBody<'a> {
    id: &'a str,
    name: &'a str,
    created_at: Time,
    updated_at: Time,
}

impl<'a> RoomBody<'a> {
    /// A room; one without a name goes by its id.
    fn of(id: &'a ConversationId, name: &'a str, at: [DateTime<Utc>; 2]) -> Self {
        let [created_at, updated_at] = at.map(Time);
        Self {
            id: id.as_str(),
            name: if name.is_empty() { id.as_str() } else { name },
            created_at,
            updated_at,
        }
    }
}

impl<'a> From<&'a RoomRow> for RoomBody<'a> {
    fn from(room: &'a RoomRow) -> Self {
        let at = [room.created_at, room.updated_at];
        Self::of(&room.conversation_id, &room.name, at)
    }
}

/// A room and who takes part.
#[derive(Serialize)]
pub struct PeopledRoom<'a> {
    #[serde(flatten)]
    room: RoomBody<'a>,
    users: Vec<UserBody<'a>>,
}

impl<'a> PeopledRoom<'a> {
    /// A room with its users in the given order.
    pub fn new(room: &'a RoomRow, users: &'a [Profile]) -> Self {
        Self {
            room: RoomBody::from(room),
            users: users.iter().map(UserBody::from).collect(),
        }
    }
}

/// A room of a list, with what there is in it.
#[derive(Serialize)]
pub struct CountedRoom<'a> {
    #[serde(flatten)]
    room: RoomBody<'a>,
    _count: Counts,
}

#[derive(Serialize)]
struct Counts {
    messages: i64,
    users: i64,
}

impl<'a> From<&'a RoomSummary> for CountedRoom<'a> {
    fn from(room: &'a RoomSummary) -> Self {
        Self {
            room: RoomBody::of(&room.id, &room.name, [room.created_at, room.updated_at]),
            _count: Counts {
                messages: room.n_messages,
                users: room.n_members,
            },
        }
    }
}

/// All rooms of a list.
pub fn rooms(summaries: &[RoomSummary]) -> Vec<CountedRoom<'_>> {
    summaries.iter().map(CountedRoom::from).collect()
}

/// One message.
pub fn message(message: &Message) -> impl Serialize + '_ {
    MessageBody::new(message)
}

/// All messages of one room.
pub fn messages(messages: &[Message]) -> impl Serialize + '_ {
    let bodies: Vec<_> = messages.iter().map(MessageBody::new).collect();
    bodies
}

/// A message of a list over many rooms.
#[derive(Serialize)]
pub struct PlacedMessage<'a> {
    #[serde(flatten)]
    message: MessageBody<'a>,
    room: RoomBody<'a>,
}

impl<'a> From<&'a HallMessage> for PlacedMessage<'a> {
    fn from(placed: &'a HallMessage) -> Self {
        Self {
            message: MessageBody::new(&placed.message),
            room: RoomBody::from(&*placed.room),
        }
    }
}

/// All messages of a list over many rooms.
pub fn placed_messages(messages: &[HallMessage]) -> Vec<PlacedMessage<'_>> {
    messages.iter().map(PlacedMessage::from).collect()
}
