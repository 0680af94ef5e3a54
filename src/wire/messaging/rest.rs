//! REST bodies of this dialect.

use serde::Serialize;
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use super::MessageBody;
use super::words::{client_id, contents, is_temp_id};
use crate::chat::{
    Channel, ConversationHint, ConversationSummary, Draft, Message, Profile, Target,
};
use crate::error::{Error, Result};
use crate::wire::ids::{NumericId, Time};
use crate::wire::json::{self, Object};

/// Name to show for somebody who has none.
const NO_NAME: &str = "Unknown User";

/// A message to send, with the temporary id that its listeners are to see.
pub struct PostedMessage {
    /// The message.
    pub draft: Draft,
    /// The temporary id: a number where the text is one.
    pub echo: Option<Box<RawValue>>,
}

/// Reads the body of `POST /api/messages`; fields of a form are texts.
pub fn parse_message(body: &RawValue) -> Result<PostedMessage> {
    let no_people = Error::InvalidPayload("Sender ID and receiver ID are required");
    let no_content = Error::InvalidPayload("Message content is required");
    let object = Object::parse(body).ok_or(no_people.clone())?;
    let id = |name| object.truthy_id(name).map_err(|_| no_people.clone());
    let (Some(sender), Some(receiver)) = (id("senderId")?, id("receiverId")?) else {
        return Err(no_people);
    };
    let conversation = match object.truthy_id("conversationId") {
        Ok(Some(id)) => ConversationHint::MustMatch(id.into()),
        Ok(None) => ConversationHint::None,
        Err(_) => return Err(Error::InvalidPayload("Invalid conversation ID")),
    };
    let contents = contents(&object).map_err(|_| no_content.clone())?;
    let temp_id = object.get("tempId").filter(|value| is_temp_id(value));
    let target = Target::User {
        receiver: receiver.into(),
        conversation,
    };
    let draft = Draft {
        sender: Some(sender.into()),
        content: contents.content,
        kind: contents.kind,
        file: contents.file,
        client_id: client_id(&object, temp_id).map_err(|_| no_content)?,
        ..Draft::new(target, Channel::Rest)
    };
    Ok(PostedMessage {
        draft,
        echo: temp_id.and_then(as_number),
    })
}

/// A temporary id as its listeners see it: a number if its text is numeric, else the text.
fn as_number(temp_id: &RawValue) -> Option<Box<RawValue>> {
    let Ok(text) = json::text(temp_id) else {
        return Some(temp_id.to_owned());
    };
    if text.is_empty() {
        return None;
    }
    let is_number = |number: &serde_json::Number| number.to_string() == text;
    match text.parse::<serde_json::Number>().ok().filter(is_number) {
        Some(_) => RawValue::from_string(text).ok(),
        None => Some(temp_id.to_owned()),
    }
}

/// What `PUT /api/messages` asks for.
pub struct ReadMark {
    /// Which conversation was read.
    pub conversation: ConversationId,
    /// Who read it.
    pub reader: UserId,
}

/// Reads the body of `PUT /api/messages`.
pub fn parse_read_mark(body: &RawValue) -> Result<ReadMark> {
    let missing = Error::InvalidPayload("Conversation ID and user ID are required");
    let object = Object::parse(body).ok_or(missing.clone())?;
    let id = |name| object.truthy_id(name).map_err(|_| missing.clone());
    match (id("conversationId")?, id("userId")?) {
        (Some(conversation), Some(reader)) => Ok(ReadMark {
            conversation: conversation.into(),
            reader: reader.into(),
        }),
        _ => Err(missing),
    }
}

/// `{success:true, messages:[...]}`
#[derive(Serialize)]
pub struct MessagesBody<'a> {
    success: bool,
    messages: Vec<MessageBody<'a>>,
}

impl<'a> MessagesBody<'a> {
    /// Messages in the given order.
    pub fn new(messages: &'a [Message]) -> Self {
        Self {
            success: true,
            messages: messages
                .iter()
                .map(|message| MessageBody::new(message, None))
                .collect(),
        }
    }
}

/// `{success:true, message:{...}}`
#[derive(Serialize)]
pub struct SentBody<'a> {
    success: bool,
    message: MessageBody<'a>,
}

impl<'a> SentBody<'a> {
    /// A message with the temporary id of its sender.
    pub fn new(message: &'a Message, temp_id: Option<&'a RawValue>) -> Self {
        Self {
            success: true,
            message: MessageBody::new(message, temp_id),
        }
    }
}

/// `{success:true, updatedCount:n}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBody {
    success: bool,
    updated_count: u64,
}

impl ReadBody {
    /// So many messages became read.
    pub fn new(updated_count: u64) -> Self {
        Self {
            success: true,
            updated_count,
        }
    }
}

/// `{success:true, conversations:[...]}`
#[derive(Serialize)]
pub struct ConversationsBody<'a> {
    success: bool,
    conversations: Vec<ConversationBody<'a>>,
}

impl<'a> ConversationsBody<'a> {
    /// Conversations in the given order.
    pub fn new(summaries: &'a [ConversationSummary]) -> Self {
        Self {
            success: true,
            conversations: summaries.iter().map(ConversationBody::from).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConversationBody<'a> {
    id: NumericId<'a>,
    other_user_id: NumericId<'a>,
    other_user_name: &'a str,
    other_user_profile_picture: Option<&'a str>,
    last_message: Option<LastMessageBody<'a>>,
    unread_count: i64,
    last_message_at: Option<Time>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastMessageBody<'a> {
    content: Option<&'a str>,
    r#type: &'a str,
    created_at: Time,
}

impl<'a> From<&'a ConversationSummary> for ConversationBody<'a> {
    fn from(summary: &'a ConversationSummary) -> Self {
        let kind_and_time = summary.last_kind.as_deref().zip(summary.last_created_at);
        let last_message = kind_and_time.map(|(kind, created_at)| LastMessageBody {
            content: summary.last_content.as_deref(),
            r#type: kind,
            created_at: Time(created_at),
        });
        Self {
            id: NumericId(&summary.id),
            other_user_id: NumericId(&summary.other_user_id),
            other_user_name: summary.other_user_name.as_deref().unwrap_or(NO_NAME),
            other_user_profile_picture: summary.other_user_avatar.as_deref(),
            last_message,
            unread_count: summary.unread,
            last_message_at: summary.last_message_at.map(Time),
        }
    }
}

/// `{success:true, user:{...}}`
#[derive(Serialize)]
pub struct UserBody<'a> {
    success: bool,
    user: PersonBody<'a>,
}

/// A user; `uid` and `phone` belong to the host application, which Sohbet does not know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonBody<'a> {
    id: NumericId<'a>,
    uid: Option<&'a str>,
    phone: Option<&'a str>,
    full_name: Option<&'a str>,
    profile_picture: Option<&'a str>,
}

impl<'a> UserBody<'a> {
    /// A user as `GET /api/user/me` shows it.
    pub fn new(profile: &'a Profile) -> Self {
        Self {
            success: true,
            user: PersonBody {
                id: NumericId(profile.id.as_str()),
                uid: None,
                phone: None,
                full_name: profile.name.as_deref(),
                profile_picture: profile.avatar_url.as_deref(),
            },
        }
    }
}
