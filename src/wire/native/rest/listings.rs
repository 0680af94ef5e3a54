//! What REST shows beyond the answers that sockets get too.

use serde::Serialize;
use serde_json::Value;
use sohbet_entity::ids::UserId;

use crate::chat::{
    ApiToken, Caller, CreatedToken, ListedRoom, LiveSocket, Profile, UploadRow, UserRow,
};
use crate::wire::ids::Time;
use crate::wire::native::bodies::UserBody;

/// `{user, parties, role}`
#[derive(Serialize)]
pub struct MeBody<'a> {
    user: UserBody<'a>,
    parties: Vec<String>,
    role: &'a str,
}

impl<'a> MeBody<'a> {
    /// Who calls.
    pub fn new(caller: &Caller, profile: &'a Profile) -> Self {
        let parties = caller.viewer().parties();
        Self {
            user: profile.into(),
            parties: parties.iter().map(ToString::to_string).collect(),
            role: caller.role.name(),
        }
    }
}

/// `{userId, disabled, tokensValidAfter}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountBody<'a> {
    user_id: &'a str,
    disabled: bool,
    tokens_valid_after: Option<Time>,
}

impl<'a> From<&'a UserRow> for AccountBody<'a> {
    fn from(row: &'a UserRow) -> Self {
        Self {
            user_id: row.id.as_str(),
            disabled: row.disabled,
            tokens_valid_after: row.tokens_valid_after.map(Time),
        }
    }
}

/// A token that was just made; its text is shown this once.
#[derive(Serialize)]
pub struct CreatedTokenBody<'a> {
    token: &'a str,
    #[serde(flatten)]
    shown: TokenBody<'a>,
}

impl<'a> From<&'a CreatedToken> for CreatedTokenBody<'a> {
    fn from(created: &'a CreatedToken) -> Self {
        Self {
            token: created.secret.expose(),
            shown: (&created.token).into(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenBody<'a> {
    id: &'a str,
    prefix: &'a str,
    r#type: &'a str,
    name: &'a str,
    user_id: &'a str,
    permissions: &'a Value,
    created_at: Time,
    expires_at: Option<Time>,
}

impl<'a> From<&'a ApiToken> for TokenBody<'a> {
    fn from(token: &'a ApiToken) -> Self {
        Self {
            id: token.id.as_str(),
            prefix: &token.prefix,
            r#type: token.token_type.name(),
            name: &token.name,
            user_id: token.user.as_str(),
            permissions: &token.permissions,
            created_at: Time(token.created_at),
            expires_at: token.expires_at.map(Time),
        }
    }
}

/// `{tokens: [...], nextCursor}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokensBody<'a> {
    tokens: Vec<ListedToken<'a>>,
    next_cursor: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedToken<'a> {
    #[serde(flatten)]
    shown: TokenBody<'a>,
    last_used_at: Option<Time>,
    revoked_at: Option<Time>,
}

impl<'a> TokensBody<'a> {
    /// A page of tokens, which is full when there may be more.
    pub fn new(tokens: &'a [ApiToken], limit: u32) -> Self {
        let listed = |token: &'a ApiToken| ListedToken {
            shown: token.into(),
            last_used_at: token.last_used_at.map(Time),
            revoked_at: token.revoked_at.map(Time),
        };
        let last = tokens.last().filter(|_| tokens.len() == limit as usize);
        Self {
            tokens: tokens.iter().map(listed).collect(),
            next_cursor: last.map(|last| last.id.as_str()),
        }
    }
}

/// A file that was stored.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadBody<'a> {
    id: &'a str,
    url: &'a str,
    name: &'a str,
    size: i64,
    r#type: &'a str,
    width: Option<i64>,
    height: Option<i64>,
    duration_ms: Option<i64>,
}

impl<'a> UploadBody<'a> {
    /// A stored file under its address.
    pub fn new(row: &'a UploadRow, url: &'a str) -> Self {
        Self {
            id: row.id.as_str(),
            url,
            name: &row.name,
            size: row.size_bytes,
            r#type: &row.media_type,
            width: row.width,
            height: row.height,
            duration_ms: row.duration_ms,
        }
    }
}

/// `{sessions: [...], total, nextCursor}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketsBody<'a> {
    sessions: Vec<SocketBody<'a>>,
    total: usize,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SocketBody<'a> {
    number: u64,
    user_id: Option<&'a str>,
    dialect: Option<&'a str>,
    transport: &'a str,
    since: Time,
}

impl<'a> SocketsBody<'a> {
    /// A page of sockets, which is full when there may be more, of so many in all.
    pub fn new(sockets: &'a [LiveSocket], total: usize, limit: u32) -> Self {
        let body = |socket: &'a LiveSocket| SocketBody {
            number: socket.number,
            user_id: socket.user.as_ref().map(UserId::as_str),
            dialect: socket.dialect.map(|dialect| dialect.name()),
            transport: socket.transport,
            since: Time(socket.since),
        };
        let last = sockets.last().filter(|_| sockets.len() == limit as usize);
        Self {
            sessions: sockets.iter().map(body).collect(),
            total,
            next_cursor: last.map(|last| last.number.to_string()),
        }
    }
}

/// `{rooms: [...], nextCursor}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomsBody<'a> {
    rooms: Vec<RoomBody<'a>>,
    next_cursor: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoomBody<'a> {
    id: &'a str,
    name: &'a str,
    room_type: &'a str,
    is_active: bool,
    is_open: bool,
    participant_count: i64,
    last_seq: i64,
    last_message_at: Option<Time>,
    created_at: Time,
}

impl<'a> RoomsBody<'a> {
    /// A page of rooms, which is full when there may be more.
    pub fn new(rooms: &'a [ListedRoom], limit: u32) -> Self {
        let body = |room: &'a ListedRoom| RoomBody {
            id: room.conversation_id.as_str(),
            name: &room.name,
            room_type: room.room_type.name(),
            is_active: room.is_active,
            is_open: room.is_open,
            participant_count: room.n_participants,
            last_seq: room.last_seq,
            last_message_at: room.last_message_at.map(Time),
            created_at: Time(room.created_at),
        };
        let last = rooms.last().filter(|_| rooms.len() == limit as usize);
        Self {
            rooms: rooms.iter().map(body).collect(),
            next_cursor: last.map(|last| last.conversation_id.as_str()),
        }
    }
}
