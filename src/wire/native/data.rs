//! The `data` of every answer, for acknowledgements and REST alike.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, UserId};

use super::bodies::{
    ConversationBody, MessageBody, OneConversation, OneMessage, ParticipantBody, PresenceBody,
    conversations, messages, people,
};
use super::fields::write_cursor;
use crate::chat::{CaughtUp, DeskReply, HistoryPage, MessageView, Receipt, Reply, ViewList};
use crate::wire::encode_json;
use crate::wire::ids::Time;

/// The `data` of an answer for that user.
pub fn data(reply: &Reply, user: &UserId) -> Box<RawValue> {
    match reply {
        Reply::Sent { message, .. } => encode_json(&Sent {
            message: MessageBody::new(&MessageView::from(message), user),
            duplicate: message.duplicate,
        }),
        Reply::Changed(message) => changed(message, user),
        Reply::Desk(reply) => desk_data(reply, user),
        _ => encode_json(&Nothing {}),
    }
}

fn desk_data(reply: &DeskReply, user: &UserId) -> Box<RawValue> {
    match reply {
        DeskReply::List(list) => encode_json(&ListBody::new(list, user)),
        DeskReply::Pair(view, created) => encode_json(&PairBody {
            conversation: ConversationBody::new(view, user),
            created: *created,
        }),
        DeskReply::Conversation(view) => encode_json(&OneConversation {
            conversation: ConversationBody::new(view, user),
        }),
        DeskReply::Participant(participant) => encode_json(&OneParticipant {
            participant: participant.into(),
        }),
        DeskReply::Opened(view, page) => encode_json(&OpenedBody {
            conversation: ConversationBody::new(view, user),
            messages: messages(page, user),
            participants: people(&view.facts.participants),
        }),
        DeskReply::History(page) => encode_json(&HistoryBody::new(page, user)),
        DeskReply::Message(message) => changed(message, user),
        DeskReply::Read(receipt) => encode_json(&ReceiptBody::from(receipt)),
        DeskReply::Presence(users) => encode_json(&PresenceList {
            users: users.iter().map(PresenceBody::from).collect(),
        }),
        DeskReply::CaughtUp(caught_up) => encode_json(&SyncBody::new(caught_up, user)),
        DeskReply::Refreshed(end) => encode_json(&Refreshed {
            expires_at: end.map(Time),
        }),
        DeskReply::Greeting(_) | DeskReply::Nothing => encode_json(&Nothing {}),
    }
}

fn changed(message: &MessageView, user: &UserId) -> Box<RawValue> {
    encode_json(&OneMessage {
        message: MessageBody::new(message, user),
    })
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Sent<'a> {
    message: MessageBody<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    expires_at: Option<Time>,
}

#[derive(Serialize)]
struct OneParticipant<'a> {
    participant: ParticipantBody<'a>,
}

#[derive(Serialize)]
struct PairBody<'a> {
    conversation: ConversationBody<'a>,
    created: bool,
}

#[derive(Serialize)]
struct OpenedBody<'a> {
    conversation: ConversationBody<'a>,
    messages: Vec<MessageBody<'a>>,
    participants: Vec<ParticipantBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListBody<'a> {
    conversations: Vec<ConversationBody<'a>>,
    next_cursor: Option<String>,
}

impl<'a> ListBody<'a> {
    fn new(list: &'a ViewList, user: &UserId) -> Self {
        Self {
            conversations: conversations(&list.views, user),
            next_cursor: list.next.as_ref().map(write_cursor),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryBody<'a> {
    messages: Vec<MessageBody<'a>>,
    has_before: bool,
    has_after: bool,
}

impl<'a> HistoryBody<'a> {
    fn new(page: &'a HistoryPage, user: &UserId) -> Self {
        Self {
            messages: messages(&page.messages, user),
            has_before: page.has_before,
            has_after: page.has_after,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptBody<'a> {
    conversation_id: &'a str,
    last_read_seq: i64,
    unread: i64,
    unread_total: i64,
}

impl<'a> From<&'a Receipt> for ReceiptBody<'a> {
    fn from(receipt: &'a Receipt) -> Self {
        Self {
            conversation_id: receipt.conversation.as_str(),
            last_read_seq: receipt.last_read_seq,
            unread: receipt.unread,
            unread_total: receipt.unread_total,
        }
    }
}

#[derive(Serialize)]
struct PresenceList<'a> {
    users: Vec<PresenceBody<'a>>,
}

/// What changed: the answer to `sync`, and the event of that name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncBody<'a> {
    epoch: &'a str,
    server_time: Time,
    changed: ChangedBody<'a>,
    reset: Vec<&'a str>,
    gone: Vec<&'a str>,
    conversations: Vec<ConversationBody<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_more: bool,
}

impl<'a> SyncBody<'a> {
    pub fn new(caught_up: &'a CaughtUp, user: &'a UserId) -> Self {
        Self {
            epoch: &caught_up.epoch,
            server_time: Time(caught_up.time),
            changed: ChangedBody { caught_up, user },
            has_more: caught_up.has_more,
            reset: texts(&caught_up.reset),
            gone: texts(&caught_up.gone),
            conversations: conversations(&caught_up.conversations, user),
        }
    }
}

/// `{id: [M by rev]}`
struct ChangedBody<'a> {
    caught_up: &'a CaughtUp,
    user: &'a UserId,
}

impl Serialize for ChangedBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let changed = self.caught_up.changed.iter();
        serializer.collect_map(changed.map(|(id, rows)| (id.as_str(), messages(rows, self.user))))
    }
}

fn texts(ids: &[ConversationId]) -> Vec<&str> {
    ids.iter().map(ConversationId::as_str).collect()
}
