//! What clients of this dialect say.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, MessageId};

use crate::chat::{DEFAULT_ROOM, LobbyRequest, Request, Said, SocketRequest, WantedReaction, Whom};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

/// Every word of this dialect.
pub const WORDS: [&str; 10] = [
    "user_join",
    "send_message",
    "typing",
    "private_message",
    "join_room",
    "mark_read",
    "load_messages",
    "search_messages",
    "add_reaction",
    "remove_reaction",
];

/// Longest name of somebody, in characters.
const MAX_NAME_CHARS: usize = 64;
/// Longest reaction, in characters.
const MAX_REACTION_CHARS: usize = 64;
/// Longest text to look for, in characters.
const MAX_QUERY_CHARS: usize = 200;
/// Most that is passed on besides the text of a message, in bytes of JSON: small pictures as `data:`
/// URLs go through.
const MAX_PASSED_BYTES: usize = 262_144;
/// Messages in a page, unless the client says otherwise.
const PAGE: u32 = 50;
/// Most messages in a page.
const MAX_PAGE: u32 = 100;

/// Keys of a message that the server alone writes.
const OWN_KEYS: [&str; 6] = ["id", "sender", "senderId", "timestamp", "seq", "rev"];

const INVALID: Error = Error::InvalidPayload("Invalid payload");
const MISSING: Error = Error::InvalidPayload("Missing required fields");

/// Whether an event tells that its socket speaks this dialect (contract/README.md, section 2).
pub fn is_typical(event: &str, arguments: &[&RawValue]) -> bool {
    let argument = arguments.first();
    let object = argument.and_then(|value| Object::parse(value));
    let has = |name| object.as_ref().is_some_and(|it| it.get(name).is_some());
    match event {
        "user_join" | "private_message" | "send_message" => true,
        "typing" => {
            let is_switch = argument.is_some_and(|value| as_bool(value).is_some());
            is_switch || (object.is_some() && !has("conversationId"))
        }
        "mark_read" => has("messageId"),
        "join_room" => has("room"),
        _ => false,
    }
}

/// Reads an event.
pub fn parse(event: &str, arguments: &[&RawValue]) -> Result<SocketRequest> {
    let word = WORDS.into_iter().find(|word| *word == event);
    let word = word.ok_or_else(|| Error::unknown_event(event))?;
    let argument = arguments.first().copied();
    let request = match word {
        "user_join" => parse_join(argument)?,
        "send_message" => parse_send(argument)?,
        "private_message" => parse_private(argument)?,
        "typing" => parse_typing(argument)?,
        "join_room" => LobbyRequest::Enter {
            room: room(&object(argument)?)?.ok_or(MISSING)?,
        },
        "mark_read" => {
            let object = object(argument)?;
            LobbyRequest::MarkRead {
                message: message(&object)?,
                room: room(&object)?,
            }
        }
        "load_messages" => parse_load(argument)?,
        "search_messages" => parse_search(argument)?,
        "add_reaction" => parse_reaction(argument, true)?,
        _ => parse_reaction(argument, false)?,
    };
    Ok(SocketRequest {
        // A name on a socket is enough to be somebody.
        as_guest: true,
        ..SocketRequest::new(word, Request::Lobby(request))
    })
}

/// `"name"`, or `{username, room?}`.
fn parse_join(argument: Option<&RawValue>) -> Result<LobbyRequest> {
    let Some(object) = argument.and_then(Object::parse) else {
        let name = argument.map_or(Ok(None), name)?;
        return Ok(LobbyRequest::Join { name, room: None });
    };
    let room = match object.get("room").map(RawValue::get) {
        None => None,
        Some("\"\"") => Some(DEFAULT_ROOM.into()),
        Some(_) => Some(room(&object)?.ok_or(INVALID)?),
    };
    Ok(LobbyRequest::Join {
        name: object.get("username").map_or(Ok(None), name)?,
        room,
    })
}

/// A name without the blanks around it; what is no text, or only blanks, is no name.
fn name(value: &RawValue) -> Result<Option<String>> {
    if !value.get().starts_with('"') {
        return Ok(None);
    }
    let text = json::text(value)?;
    let name = text.trim();
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::TooLarge("Username is too long"));
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// A text, or an object of which everything is passed on.
fn parse_send(argument: Option<&RawValue>) -> Result<LobbyRequest> {
    let argument = argument.ok_or(MISSING)?;
    let mut said = Said {
        to: Whom::All { room: None },
        text: None,
        passed: None,
        client_id: None,
    };
    if argument.get().starts_with('"') {
        said.text = Some(json::text(argument)?);
        return Ok(LobbyRequest::Say(Box::new(said)));
    }
    let object = Object::parse(argument).ok_or(MISSING)?;
    if has_nul(argument.get()) {
        return Err(INVALID);
    }
    let mut passed = Vec::new();
    for (key, value) in object.members() {
        match key {
            "message" if value.get().starts_with('"') => said.text = Some(json::text(value)?),
            key if OWN_KEYS.contains(&key) => {}
            key => passed.push((key, value)),
        }
    }
    if said.text.is_none() && passed.is_empty() {
        return Err(MISSING);
    }
    said.to = Whom::All {
        // Outside of rooms it is a key like any other.
        room: room(&object).unwrap_or_default(),
    };
    said.passed = pass(&passed)?;
    said.client_id = json::client_id(&object)?;
    Ok(LobbyRequest::Say(Box::new(said)))
}

/// The text of a JSON object with those members.
fn pass(members: &[(&str, &RawValue)]) -> Result<Option<String>> {
    struct Members<'a>(&'a [(&'a str, &'a RawValue)]);

    impl Serialize for Members<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().copied())
        }
    }

    if members.is_empty() {
        return Ok(None);
    }
    let text = crate::wire::encode_json(&Members(members));
    if text.get().len() > MAX_PASSED_BYTES {
        return Err(Error::TooLarge("Message is too long"));
    }
    Ok(Some(text.get().to_owned()))
}

/// Whether a text anywhere in a JSON value, or the name of a member, has U+0000 in it, which one of
/// the databases cannot store.
fn has_nul(json: &str) -> bool {
    let mut rest = json;
    while let Some(position) = rest.find('\\') {
        let escape = &rest[position + 1..];
        if escape.starts_with("u0000") {
            return true;
        }
        // The escaped character may be a backslash itself.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

fn parse_private(argument: Option<&RawValue>) -> Result<LobbyRequest> {
    let object = object(argument)?;
    let to = object.id("to")?.ok_or(MISSING)?;
    let text = object.text("message")?.ok_or(MISSING)?;
    Ok(LobbyRequest::Say(Box::new(Said {
        to: Whom::Socket(to),
        text: Some(text),
        passed: None,
        client_id: json::client_id(&object)?,
    })))
}

/// `true` or `false`, or `{isTyping}`.
fn parse_typing(argument: Option<&RawValue>) -> Result<LobbyRequest> {
    let argument = argument.ok_or(MISSING)?;
    let object = Object::parse(argument);
    let switch = match &object {
        Some(object) => object.get("isTyping"),
        None => Some(argument),
    };
    let is_typing = switch.and_then(as_bool).ok_or(MISSING)?;
    Ok(LobbyRequest::SetTyping { is_typing })
}

fn parse_reaction(argument: Option<&RawValue>, is_added: bool) -> Result<LobbyRequest> {
    let object = object(argument)?;
    let emoji = object.text("reaction")?.ok_or(MISSING)?;
    if emoji.chars().count() > MAX_REACTION_CHARS {
        return Err(Error::TooLarge("Reaction is too long"));
    }
    Ok(LobbyRequest::React(WantedReaction {
        message: message(&object)?,
        room: room(&object)?,
        emoji,
        is_added,
    }))
}

fn parse_load(argument: Option<&RawValue>) -> Result<LobbyRequest> {
    let object = match argument {
        Some(argument) if argument.get() != "null" => object(Some(argument))?,
        _ => Object::default(),
    };
    let number = |name| match object.get(name) {
        Some(value) => value.get().parse::<u64>().map(Some).map_err(|_| INVALID),
        None => Ok(None),
    };
    let limit = match number("limit")? {
        Some(0) => return Err(INVALID),
        Some(limit) => u32::try_from(limit).map_or(MAX_PAGE, |limit| limit.min(MAX_PAGE)),
        None => PAGE,
    };
    Ok(LobbyRequest::Load {
        room: room(&object)?,
        page: number("page")?.unwrap_or(0),
        limit,
    })
}

fn parse_search(argument: Option<&RawValue>) -> Result<LobbyRequest> {
    let object = object(argument)?;
    let query = object.text("query")?.ok_or(MISSING)?;
    if query.trim().is_empty() {
        return Err(MISSING);
    }
    if query.chars().count() > MAX_QUERY_CHARS {
        return Err(Error::TooLarge("Query is too long"));
    }
    Ok(LobbyRequest::Search {
        room: room(&object)?,
        query,
    })
}

fn object(argument: Option<&RawValue>) -> Result<Object<'_>> {
    argument.and_then(Object::parse).ok_or(MISSING)
}

fn message(object: &Object) -> Result<MessageId> {
    object.id("messageId")?.map(MessageId::from).ok_or(MISSING)
}

/// The room that a payload names; blanks are no name.
fn room(object: &Object) -> Result<Option<ConversationId>> {
    let id = object.id("room")?;
    let id = id.filter(|id| !id.trim().is_empty());
    Ok(id.map(ConversationId::from))
}

fn as_bool(value: &RawValue) -> Option<bool> {
    match value.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
