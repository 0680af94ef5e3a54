//! REST of this dialect: the same requests from paths, queries and bodies.

mod listings;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sohbet_entity::enums::TokenType;
use sohbet_entity::ids::{self, ConversationId, MessageId, UserId};

pub use super::data::data;
pub use super::fields::{read_cursor, write_cursor};
pub use listings::{
    AccountBody, CreatedTokenBody, MeBody, RoomsBody, SocketsBody, TokensBody, UploadBody,
};

use super::fields::{self, *};
use super::words;
use crate::chat::{AccountChange, Change, Channel, DeskRequest, Draft};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

const NAME_OF_TOKEN: Error = Error::InvalidPayload("name must be a text that is not empty");
const TYPE: Error = Error::InvalidPayload("type must be USER or CLIENT");
const PERMISSIONS: Error = Error::InvalidPayload("permissions must be a list of words");
const EXPIRES_AT: Error = Error::InvalidPayload("expiresAt must be a time in ISO 8601");
const NO_OBJECT: Error = Error::InvalidPayload("The body must be a JSON object");

/// The parameters of a query.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands behind the question mark.
    pub fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The first parameter of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value)
    }

    fn whole(&self, field: &Field) -> Result<Option<i64>> {
        let value = self.get(field.name);
        let number = value.map(|text| number(text).ok_or(field.wrong.clone()));
        number.transpose()
    }

    /// How many items are wanted.
    pub fn limit(&self) -> Result<u32> {
        limit(self.whole(&LIMIT)?)
    }

    /// Where a list goes on that gave an id.
    pub fn cursor(&self) -> Result<Option<&str>> {
        match self.get(CURSOR.name) {
            Some(id) if !ids::is_valid(id) => Err(CURSOR.wrong),
            id => Ok(id),
        }
    }

    /// Where a list goes on that gave a number.
    pub fn numbered_cursor(&self) -> Result<u64> {
        Ok(self.whole(&CURSOR)?.unwrap_or(0).unsigned_abs())
    }

    /// Whose things are wanted.
    pub fn user(&self) -> Result<Option<UserId>> {
        match self.get(USER.name) {
            Some(id) if !ids::is_valid(id) => Err(USER.wrong),
            id => Ok(id.map(UserId::from)),
        }
    }
}

/// `GET /conversations`
pub fn list(query: &Query) -> Result<DeskRequest> {
    Ok(DeskRequest::List {
        limit: query.limit()?,
        after: query.get(CURSOR.name).map(read_cursor).transpose()?,
    })
}

/// `GET /conversations/{id}/messages`
pub fn history(conversation: ConversationId, query: &Query) -> Result<DeskRequest> {
    let wanted = words::history_query(
        query.whole(&BEFORE)?,
        query.whole(&AFTER)?,
        query.whole(&AROUND)?,
        query.whole(&LIMIT)?,
    )?;
    Ok(DeskRequest::History {
        conversation,
        query: wanted,
    })
}

/// `GET /sync`: `since` is a JSON object of positions.
pub fn sync(query: &Query) -> Result<DeskRequest> {
    let epoch = query.get(EPOCH.name).filter(|epoch| !epoch.is_empty());
    let epoch = epoch.filter(|epoch| !epoch.contains('\0'));
    let epoch = epoch.ok_or(EPOCH.wrong)?;
    let revs = query.get("since").ok_or(REVS.wrong)?;
    let revs: &RawValue = serde_json::from_str(revs).map_err(|_| REVS.wrong)?;
    known(epoch.to_owned(), revs, query.get(SERVER_TIME.name)).map(DeskRequest::Sync)
}

fn object(body: &RawValue) -> Result<Object<'_>> {
    Object::parse(body).ok_or(NO_OBJECT)
}

/// `POST /conversations`
pub fn pair(body: &RawValue) -> Result<DeskRequest> {
    let user = user(&object(body)?)?;
    Ok(DeskRequest::Pair { user })
}

/// `POST /rooms`
pub fn room(body: &RawValue) -> Result<DeskRequest> {
    words::room_draft(&object(body)?).map(DeskRequest::CreateRoom)
}

/// `PATCH /conversations/{id}`
pub fn change(conversation: ConversationId, body: &RawValue) -> Result<DeskRequest> {
    Ok(DeskRequest::UpdateRoom {
        conversation,
        change: words::room_change(&object(body)?)?,
    })
}

/// `POST /conversations/{id}/participants`
pub fn participant(conversation: ConversationId, body: &RawValue) -> Result<DeskRequest> {
    words::add_participant(&object(body)?, conversation)
}

/// `PATCH /conversations/{id}/participants/{userId}`
pub fn role_of(conversation: ConversationId, user: UserId, body: &RawValue) -> Result<DeskRequest> {
    Ok(DeskRequest::SetRole {
        conversation,
        user,
        role: role(&object(body)?)?.ok_or(ROLE.wrong)?,
    })
}

/// `POST /conversations/{id}/messages`
pub fn message(conversation: ConversationId, body: &RawValue) -> Result<Draft> {
    words::draft(&object(body)?, conversation, Channel::Rest)
}

/// `PATCH /messages/{id}`
pub fn edit(message: MessageId, body: &RawValue) -> Result<DeskRequest> {
    let change = words::edit(&object(body)?)?;
    Ok(words::change_message(message, change))
}

/// `DELETE /messages/{id}`
pub const fn delete(message: MessageId) -> DeskRequest {
    words::change_message(message, Change::Delete)
}

/// `PUT` and `DELETE /messages/{id}/reactions/{emoji}`
pub fn react(message: MessageId, emoji: String, is_added: bool) -> Result<DeskRequest> {
    let change = words::react(emoji, is_added)?;
    Ok(words::change_message(message, change))
}

/// `POST /conversations/{id}/read`
pub fn read(conversation: ConversationId, body: &RawValue) -> Result<DeskRequest> {
    words::mark_read(&object(body)?, conversation)
}

/// What `POST /tokens` asks for.
pub struct TokenDraft {
    /// What its owner calls it.
    pub name: String,
    /// Whether it speaks for a user or for a program.
    pub token_type: TokenType,
    /// Words of what it permits; at least one.
    pub permissions: Vec<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whose it will be, if not the caller's.
    pub user: Option<UserId>,
}

/// `POST /tokens`
pub fn token(body: &RawValue) -> Result<TokenDraft> {
    let object = object(body)?;
    let text = |name: &str, wrong: Error| {
        let text = object.text(name).map_err(|_| wrong.clone())?;
        text.ok_or(wrong)
    };
    let token_type = match text("type", TYPE)?.as_str() {
        "USER" => TokenType::User,
        "CLIENT" => TokenType::Client,
        _ => return Err(TYPE),
    };
    let permissions = object.get("permissions").ok_or(PERMISSIONS)?;
    let permissions: Vec<&RawValue> =
        serde_json::from_str(permissions.get()).map_err(|_| PERMISSIONS)?;
    let words = permissions
        .into_iter()
        .map(|word| json::text(word).map_err(|_| PERMISSIONS));
    let permissions: Vec<String> = words.collect::<Result<_>>()?;
    if permissions.is_empty() {
        return Err(PERMISSIONS);
    }
    Ok(TokenDraft {
        name: text("name", NAME_OF_TOKEN)?,
        token_type,
        permissions,
        expires_at: expires_at(&object)?,
        user: fields::optional_id(&object, &USER)?.map(UserId::from),
    })
}

/// `PATCH /admin/users/{id}`
pub fn account_change(body: &RawValue) -> Result<AccountChange> {
    match flag(&object(body)?, &DISABLED)?.ok_or(DISABLED.wrong)? {
        true => Ok(AccountChange::Disable),
        false => Ok(AccountChange::Enable),
    }
}

fn expires_at(object: &Object) -> Result<Option<DateTime<Utc>>> {
    let Some(value) = object.get("expiresAt") else {
        return Ok(None);
    };
    let text = json::text(value).map_err(|_| EXPIRES_AT)?;
    let time = DateTime::parse_from_rfc3339(&text).map_err(|_| EXPIRES_AT)?;
    Ok(Some(time.to_utc()))
}
