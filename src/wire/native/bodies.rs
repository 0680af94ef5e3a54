//! Objects that clients of this dialect see (contract/native.md, section 3).

use serde::Serialize;
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{PartyId, UserId};

use crate::chat::{
    ConversationView, MessageRow, MessageView, ParticipantView, PresenceView, Profile,
    ReactionView, shown_client_id,
};
use crate::wire::ids::Time;
use crate::wire::metadata::Metadata;

/// `{message: M}`
#[derive(Serialize)]
pub struct OneMessage<'a> {
    pub message: MessageBody<'a>,
}

/// `{conversation: C}`
#[derive(Serialize)]
pub struct OneConversation<'a> {
    pub conversation: ConversationBody<'a>,
}

/// Messages as that user sees them.
pub fn messages<'a>(views: &'a [MessageView], user: &UserId) -> Vec<MessageBody<'a>> {
    let views = views.iter();
    views.map(|view| MessageBody::new(view, user)).collect()
}

/// Conversations as that user sees them.
pub fn conversations<'a>(
    views: &'a [ConversationView],
    user: &UserId,
) -> Vec<ConversationBody<'a>> {
    let views = views.iter();
    views
        .map(|view| ConversationBody::new(view, user))
        .collect()
}

/// Those who take part.
pub fn people(views: &[ParticipantView]) -> Vec<ParticipantBody<'_>> {
    views.iter().map(ParticipantBody::from).collect()
}

/// M: a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody<'a> {
    id: &'a str,
    conversation_id: &'a str,
    seq: i64,
    rev: i64,
    sender_id: &'a str,
    sender_name: Option<&'a str>,
    sender_party: Option<&'a str>,
    kind: &'a str,
    content: Option<&'a str>,
    file: Option<FileBody<'a>>,
    metadata: Option<Metadata<'a>>,
    reply_to: Option<&'a str>,
    reactions: Vec<ReactionBody<'a>>,
    client_message_id: Option<&'a str>,
    created_at: Time,
    edited_at: Option<Time>,
    deleted_at: Option<Time>,
}

impl<'a> MessageBody<'a> {
    /// A message as that user sees it: only its sender sees the client's id of it. Of a deleted
    /// one nobody sees what it said.
    pub fn new(view: &'a MessageView, user: &UserId) -> Self {
        let row = &*view.row;
        let is_there = row.deleted_at.is_none();
        let key = row.client_id.as_deref().filter(|_| row.sender_id == *user);
        Self {
            id: row.id.as_str(),
            conversation_id: row.conversation_id.as_str(),
            seq: row.seq,
            rev: row.rev,
            sender_id: row.sender_id.as_str(),
            sender_name: view.sender.name.as_deref(),
            sender_party: row.sender_party.as_ref().map(PartyId::as_str),
            kind: &row.kind,
            content: row.content.as_deref().filter(|_| is_there),
            file: FileBody::of(row).filter(|_| is_there),
            metadata: Metadata::of(row).filter(|_| is_there),
            reply_to: row.reply_to.as_ref().map(|id| id.as_str()),
            reactions: view.reactions.iter().map(ReactionBody::from).collect(),
            client_message_id: key.and_then(shown_client_id),
            created_at: Time(row.created_at),
            edited_at: row.edited_at.map(Time),
            deleted_at: row.deleted_at.map(Time),
        }
    }
}

/// The file of a message. Nobody has measured it, so its dimensions are not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileBody<'a> {
    url: &'a str,
    name: Option<&'a str>,
    size: Option<i64>,
    r#type: Option<&'a str>,
    width: Option<i64>,
    height: Option<i64>,
    duration_ms: Option<i64>,
}

impl<'a> FileBody<'a> {
    fn of(row: &'a MessageRow) -> Option<Self> {
        Some(Self {
            url: row.file_url.as_deref()?,
            name: row.file_name.as_deref(),
            size: row.file_size,
            r#type: row.file_type.as_deref(),
            width: None,
            height: None,
            duration_ms: None,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReactionBody<'a> {
    emoji: &'a str,
    count: i64,
    user_ids: Vec<&'a str>,
}

impl<'a> From<&'a ReactionView> for ReactionBody<'a> {
    fn from(view: &'a ReactionView) -> Self {
        Self {
            emoji: &view.emoji,
            count: view.n_users,
            user_ids: view.users.iter().map(UserId::as_str).collect(),
        }
    }
}

/// C: a conversation as one user sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationBody<'a> {
    id: &'a str,
    kind: &'a str,
    name: Option<&'a str>,
    description: Option<&'a str>,
    room_type: Option<&'a str>,
    is_active: bool,
    context: Option<ContextBody<'a>>,
    participants: Vec<ParticipantBody<'a>>,
    participant_count: i64,
    last_message: Option<MessageBody<'a>>,
    last_seq: i64,
    last_rev: i64,
    last_read_seq: i64,
    unread: i64,
    role: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
}

impl<'a> ConversationBody<'a> {
    /// A conversation as that user sees it.
    pub fn new(view: &'a ConversationView, user: &UserId) -> Self {
        let facts = &*view.facts;
        let (row, room) = (&facts.row, facts.room.as_ref());
        let last_message = facts.last_message.as_ref();
        Self {
            id: row.id.as_str(),
            kind: if room.is_some() { "room" } else { "direct" },
            name: view.name(),
            description: room.and_then(|room| room.description.as_deref()),
            room_type: room.map(|room| room.room_type.name()),
            is_active: room.is_none_or(|room| room.is_active),
            context: ContextBody::of(view),
            participants: people(&facts.participants),
            participant_count: facts.n_participants,
            last_message: last_message.map(|message| MessageBody::new(message, user)),
            last_seq: row.last_seq,
            last_rev: row.last_rev,
            last_read_seq: view.last_read_seq,
            unread: view.unread,
            role: view.role.map(ParticipantRole::name),
            created_at: Time(row.created_at),
            updated_at: Time(row.updated_at),
        }
    }
}

/// What the room of dealers is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextBody<'a> {
    offer_id: Option<&'a str>,
    vehicle_id: Option<&'a str>,
    gallery_a_id: Option<&'a str>,
    gallery_b_id: Option<&'a str>,
}

impl<'a> ContextBody<'a> {
    fn of(view: &'a ConversationView) -> Option<Self> {
        let room = view.facts.room.as_ref()?;
        let context = Self {
            offer_id: room.offer_id.as_ref().map(|id| id.as_str()),
            vehicle_id: room.vehicle_id.as_ref().map(|id| id.as_str()),
            gallery_a_id: room.gallery_a_id.as_ref().map(|id| id.as_str()),
            gallery_b_id: room.gallery_b_id.as_ref().map(|id| id.as_str()),
        };
        let ids = [
            context.offer_id,
            context.vehicle_id,
            context.gallery_a_id,
            context.gallery_b_id,
        ];
        ids.iter().any(Option::is_some).then_some(context)
    }
}

/// P: somebody who takes part.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantBody<'a> {
    user_id: &'a str,
    name: Option<&'a str>,
    role: &'a str,
    online: bool,
    last_read_seq: i64,
    joined_at: Time,
}

impl<'a> From<&'a ParticipantView> for ParticipantBody<'a> {
    fn from(view: &'a ParticipantView) -> Self {
        Self {
            user_id: view.party.as_str(),
            name: view.name.as_deref(),
            role: view.role.name(),
            online: view.is_online,
            last_read_seq: view.last_read_seq,
            joined_at: Time(view.joined_at),
        }
    }
}

/// Somebody, as they see themselves.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBody<'a> {
    id: &'a str,
    name: Option<&'a str>,
    avatar_url: Option<&'a str>,
}

impl<'a> From<&'a Profile> for UserBody<'a> {
    fn from(profile: &'a Profile) -> Self {
        Self {
            id: profile.id.as_str(),
            name: profile.name.as_deref(),
            avatar_url: profile.avatar_url.as_deref(),
        }
    }
}

/// Whether somebody is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceBody<'a> {
    pub user_id: &'a str,
    pub online: bool,
    pub last_seen_at: Option<Time>,
}

impl<'a> From<&'a PresenceView> for PresenceBody<'a> {
    fn from(view: &'a PresenceView) -> Self {
        Self {
            user_id: view.user.as_str(),
            online: view.is_online,
            last_seen_at: view.last_seen_at.map(Time),
        }
    }
}
