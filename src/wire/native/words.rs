//! What clients of this dialect say.

use serde_json::value::{RawValue, to_raw_value};
use sohbet_entity::ids::{ConversationId, MessageId, UploadId};

use super::fields::{self, *};
use crate::chat::{
    AttachedUpload, Change, Channel, DeskRequest, Draft, File, HistoryQuery, MAX_ASKED,
    MAX_NAME_CHARS, NewToken, ReadScope, Request, RoomChange, RoomDraft, Session, SocketRequest,
    Target,
};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

/// Users that a room can be made with at once.
const MAX_FOUNDERS: usize = 1_000;
/// Longest description of a room, in characters.
const MAX_DESCRIPTION_CHARS: usize = 4_000;
/// Longest key of a room, in characters.
const MAX_KEY_CHARS: usize = 128;
/// Longest reaction, in characters: emojis are made of several.
const MAX_EMOJI_CHARS: usize = 64;
/// Unknown fields that an acknowledgement names.
const MAX_IGNORED: usize = 32;
/// Longest name of an unknown field that is repeated, in characters.
const MAX_IGNORED_CHARS: usize = 64;

/// Every word of this dialect with the fields that it knows.
pub const WORDS: [(&str, &[&str]); 21] = [
    ("list_conversations", &["limit", "cursor"]),
    ("create_conversation", &["userId"]),
    (
        "create_room",
        &["name", "description", "userIds", "key", "isOpen"],
    ),
    (
        "update_room",
        &["conversationId", "name", "description", "isActive"],
    ),
    ("add_participant", &["conversationId", "userId", "role"]),
    ("remove_participant", &["conversationId", "userId"]),
    ("set_role", &["conversationId", "userId", "role"]),
    ("join_room", &["conversationId"]),
    ("leave_room", &["conversationId"]),
    (
        "history",
        &["conversationId", "before", "after", "around", "limit"],
    ),
    (
        "send_message",
        &[
            "conversationId",
            "content",
            "kind",
            "uploadId",
            "fileUrl",
            "fileName",
            "fileSize",
            "fileType",
            "replyTo",
            "metadata",
            "clientMessageId",
            "clientId",
            "client_offset",
        ],
    ),
    ("edit_message", &["messageId", "content"]),
    ("delete_message", &["messageId"]),
    ("add_reaction", &["messageId", "emoji"]),
    ("remove_reaction", &["messageId", "emoji"]),
    ("mark_read", &["conversationId", "upTo"]),
    ("typing_start", &["conversationId"]),
    ("typing_stop", &["conversationId"]),
    ("presence", &["userIds"]),
    ("sync", &["epoch", "conversations", "serverTime"]),
    ("auth_refresh", &["token"]),
];

const NO_OBJECT: Error = Error::InvalidPayload("The payload must be an object");

/// Reads an event. In development mode, where the fields come from somebody who is still writing
/// the client, unknown ones are kept for the acknowledgement.
pub fn parse(event: &str, arguments: &[&RawValue], session: &Session) -> Result<SocketRequest> {
    let mut words = WORDS.into_iter();
    let (word, known) = words
        .find(|(word, _)| *word == event)
        .ok_or_else(|| Error::unknown_event(event))?;
    let argument = arguments.first().copied();
    let object = argument.and_then(Object::parse);
    let request = request(word, argument, object.as_ref())?;
    let ignored = match (object, session.is_believed()) {
        (Some(object), true) => ignored(&object, known),
        _ => None,
    };
    Ok(SocketRequest {
        echo: ignored,
        ..SocketRequest::new(word, request)
    })
}

fn request(word: &str, argument: Option<&RawValue>, object: Option<&Object>) -> Result<Request> {
    let none = Object::default();
    let is_absent = argument.is_none_or(|argument| argument.get() == "null");
    let object = match (word, object) {
        ("join_room" | "leave_room", object) => return screen(word, argument, object),
        (_, Some(object)) => object,
        ("list_conversations", None) if is_absent => &none,
        _ => return Err(NO_OBJECT),
    };
    let desk = match word {
        "send_message" => {
            let draft = draft(object, conversation(object)?, Channel::Socket)?;
            return Ok(Request::Send(Box::new(draft)));
        }
        "typing_start" | "typing_stop" => {
            return Ok(Request::SetTyping {
                conversation: conversation(object)?,
                user: None,
                is_typing: word == "typing_start",
            });
        }
        "list_conversations" => DeskRequest::List {
            limit: limit(whole(object, &LIMIT)?)?,
            after: cursor(object)?,
        },
        "create_conversation" => DeskRequest::Pair {
            user: user(object)?,
        },
        "create_room" => DeskRequest::CreateRoom(room_draft(object)?),
        "update_room" => DeskRequest::UpdateRoom {
            conversation: conversation(object)?,
            change: room_change(object)?,
        },
        "add_participant" => add_participant(object, conversation(object)?)?,
        "remove_participant" => DeskRequest::RemoveParticipant {
            conversation: conversation(object)?,
            user: user(object)?,
        },
        "set_role" => DeskRequest::SetRole {
            conversation: conversation(object)?,
            user: user(object)?,
            role: role(object)?.ok_or(ROLE.wrong)?,
        },
        "history" => DeskRequest::History {
            conversation: conversation(object)?,
            query: history(object)?,
        },
        "edit_message" => change_message(message(object)?, edit(object)?),
        "delete_message" => change_message(message(object)?, Change::Delete),
        "add_reaction" | "remove_reaction" => {
            change_message(message(object)?, reaction(object, word == "add_reaction")?)
        }
        "mark_read" => mark_read(object, conversation(object)?)?,
        "presence" => DeskRequest::Presence {
            users: fields::users(object, MAX_ASKED)?.ok_or(USERS.wrong)?,
        },
        "sync" => DeskRequest::Sync(since(object)?),
        "auth_refresh" => DeskRequest::Refresh(NewToken(text(object, &TOKEN)?.ok_or(TOKEN.wrong)?)),
        other => return Err(Error::unknown_event(other)),
    };
    Ok(Request::Desk(desk))
}

/// A word that takes the bare id of a conversation as well.
fn screen(word: &str, argument: Option<&RawValue>, object: Option<&Object>) -> Result<Request> {
    let id = match (object, argument) {
        (Some(object), _) => Some(id(object, &CONVERSATION)?),
        (None, Some(argument)) => json::id(argument).map_err(|_| CONVERSATION.wrong)?,
        (None, None) => None,
    };
    let conversation = ConversationId::from(id.ok_or(CONVERSATION.wrong)?);
    Ok(Request::Desk(match word {
        "join_room" => DeskRequest::Open { conversation },
        _ => DeskRequest::Leave { conversation },
    }))
}

fn cursor(object: &Object) -> Result<Option<crate::chat::Cursor>> {
    let Some(value) = object.get(CURSOR.name) else {
        return Ok(None);
    };
    let cursor = json::text(value).map_err(|_| CURSOR.wrong)?;
    read_cursor(&cursor).map(Some)
}

/// A room to make.
pub(super) fn room_draft(object: &Object) -> Result<RoomDraft> {
    Ok(RoomDraft {
        name: room_name(object)?.ok_or(NAME.wrong)?,
        description: description(object)?.flatten(),
        users: fields::users(object, MAX_FOUNDERS)?.unwrap_or_default(),
        key: key(object)?,
        is_open: flag(object, &IS_OPEN)?.unwrap_or(false),
    })
}

fn room_name(object: &Object) -> Result<Option<String>> {
    let is_there = object.get(NAME.name).is_some();
    match text(object, &NAME)? {
        None if is_there => Err(NAME.wrong),
        Some(name) if name.chars().count() > MAX_NAME_CHARS => {
            Err(Error::TooLarge("Name is too long"))
        }
        name => Ok(name),
    }
}

/// The inner `None` is one that is taken away.
fn description(object: &Object) -> Result<Option<Option<String>>> {
    if !object.members().any(|(name, _)| name == DESCRIPTION.name) {
        return Ok(None);
    }
    let text = text(object, &DESCRIPTION)?;
    let n_chars = text.as_ref().map_or(0, |text| text.chars().count());
    match n_chars > MAX_DESCRIPTION_CHARS {
        true => Err(Error::TooLarge("Description is too long")),
        false => Ok(Some(text)),
    }
}

fn key(object: &Object) -> Result<Option<String>> {
    let Some(value) = object.get(KEY.name) else {
        return Ok(None);
    };
    let key = json::text(value).map_err(|_| KEY.wrong)?;
    match (1..=MAX_KEY_CHARS).contains(&key.chars().count()) {
        true => Ok(Some(key)),
        false => Err(KEY.wrong),
    }
}

/// What changes about a room.
pub(super) fn room_change(object: &Object) -> Result<RoomChange> {
    Ok(RoomChange {
        name: room_name(object)?,
        description: description(object)?,
        is_active: flag(object, &IS_ACTIVE)?,
    })
}

/// Who is to take part.
pub(super) fn add_participant(
    object: &Object,
    conversation: ConversationId,
) -> Result<DeskRequest> {
    Ok(DeskRequest::AddParticipant {
        conversation,
        user: user(object)?,
        role: role(object)?,
    })
}

fn history(object: &Object) -> Result<HistoryQuery> {
    history_query(
        whole(object, &BEFORE)?,
        whole(object, &AFTER)?,
        whole(object, &AROUND)?,
        whole(object, &LIMIT)?,
    )
}

/// Which messages are wanted.
pub(super) fn history_query(
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    wanted: Option<i64>,
) -> Result<HistoryQuery> {
    if around.is_some() && (before.is_some() || after.is_some()) {
        return Err(AROUND.wrong);
    }
    Ok(HistoryQuery {
        before,
        after,
        around,
        limit: limit(wanted)?,
    })
}

/// What is to become of a message.
pub(super) const fn change_message(message: MessageId, change: Change) -> DeskRequest {
    DeskRequest::ChangeMessage { message, change }
}

/// What a message is to say.
pub(super) fn edit(object: &Object) -> Result<Change> {
    let content = text(object, &CONTENT)?.ok_or(CONTENT.wrong)?;
    Ok(Change::Edit { content })
}

fn reaction(object: &Object, is_added: bool) -> Result<Change> {
    let emoji = text(object, &EMOJI)?.ok_or(EMOJI.wrong)?;
    react(emoji, is_added)
}

/// A reaction to put on a message, or to take away.
pub(super) fn react(emoji: String, is_added: bool) -> Result<Change> {
    let is_clean = !emoji.chars().any(char::is_control);
    match (1..=MAX_EMOJI_CHARS).contains(&emoji.chars().count()) && is_clean {
        true => Ok(Change::React { emoji, is_added }),
        false => Err(EMOJI.wrong),
    }
}

/// How far was read.
pub(super) fn mark_read(object: &Object, conversation: ConversationId) -> Result<DeskRequest> {
    Ok(DeskRequest::MarkRead {
        conversation,
        scope: whole(object, &UP_TO)?.map_or(ReadScope::All, ReadScope::UpTo),
    })
}

/// A message to send: a text, a file, or both.
pub(super) fn draft(
    object: &Object,
    conversation: ConversationId,
    channel: Channel,
) -> Result<Draft> {
    let content = text(object, &CONTENT)?;
    let upload = optional_id(object, &UPLOAD)?;
    let file = match upload {
        Some(_) => File::default(),
        None => File {
            url: text(object, &FILE_URL)?,
            name: text(object, &FILE_NAME)?,
            size: whole(object, &FILE_SIZE)?,
            media_type: text(object, &FILE_TYPE)?,
        },
    };
    if content.is_none() && upload.is_none() && file.url.is_none() {
        return Err(Error::InvalidPayload("A message needs content or a file"));
    }
    let kind = text(object, &KIND)?;
    let upload = upload.map(|id| AttachedUpload {
        id: UploadId::from(id),
        sets_kind: kind.is_none(),
    });
    Ok(Draft {
        content,
        kind: kind.unwrap_or_else(|| "text".into()),
        file,
        upload,
        metadata: metadata(object)?,
        reply_to: optional_id(object, &REPLY_TO)?.map(MessageId::from),
        client_id: json::client_id(object)?,
        ..Draft::new(Target::Conversation(conversation), channel)
    })
}

/// Names of fields that nobody looks at, as a list; `None` when there are none.
fn ignored(object: &Object, known: &[&str]) -> Option<Box<RawValue>> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in object.members() {
        let name: String = name.chars().take(MAX_IGNORED_CHARS).collect();
        let is_known = known.contains(&name.as_str()) || names.contains(&name);
        if !is_known && names.len() < MAX_IGNORED {
            names.push(name);
        }
    }
    let names = (!names.is_empty()).then_some(names)?;
    // A list of texts can always be written.
    to_raw_value(&names).ok()
}

#[cfg(test)]
mod tests;
