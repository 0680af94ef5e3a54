//! What clients hear of what others did. Who takes part hears it without having joined: an event
//! goes to the sockets of users and galleries, so a change of who takes part holds at once.

use serde::Serialize;

use super::bodies::{ConversationBody, MessageBody, OneConversation, OneMessage, PresenceBody};
use crate::chat::{
    Conversation, DeskEvent, Event, Kind, MessageView, ReadOutcome, Reason, Session, UnreadCount,
};
use crate::wire::ids::Time;
use crate::wire::{Audience, Dialect, Frame, Variant};

/// Who hears of an event.
pub fn audience(event: &Event) -> Option<Audience<'_>> {
    let audience = match event {
        Event::Message {
            message, dialect, ..
        } => participants(&message.conversation, *dialect),
        // The socket that read knows it from its answer.
        Event::Read {
            known: Some(known),
            outcome,
            origin,
            dialect,
            ..
        } if outcome.has_moved => Audience {
            except: *origin,
            ..participants(known, *dialect)
        },
        Event::Typing {
            dialect: Dialect::Native,
            known: Some(known),
            typist,
            except,
            ..
        } => Audience {
            except: *except,
            except_user: Some(&typist.id),
            ..participants(known, Dialect::Native)
        },
        Event::Presence {
            dialect: Dialect::Native,
            peers,
            except,
            ..
        } => Audience {
            peers,
            except: *except,
            ..Audience::of(Dialect::Native)
        },
        Event::Desk(event) => return desk_audience(event),
        _ => return None,
    };
    Some(audience)
}

fn desk_audience(event: &DeskEvent) -> Option<Audience<'_>> {
    let user = |user| Audience {
        users: [Some(user), None],
        ..Audience::of(Dialect::Native)
    };
    Some(match event {
        DeskEvent::Changed(changed) => participants(&changed.conversation, Dialect::Native),
        DeskEvent::MessageChanged { conversation, .. } => {
            participants(conversation, Dialect::Native)
        }
        DeskEvent::Parted { user: who, .. } | DeskEvent::Expiring { user: who, .. } => user(who),
        DeskEvent::Unread(count) => user(&count.viewer.user),
    })
}

/// Everybody who takes part, and administrators who look in; but no socket that left.
fn participants(conversation: &Conversation, cause: Dialect) -> Audience<'_> {
    let everywhere = Audience {
        conversation: Some(&conversation.id),
        unless_muted: Some(&conversation.id),
        ..Audience::of(cause)
    };
    match &conversation.kind {
        Kind::Pair(pair) => Audience {
            users: [Some(&pair.first), Some(&pair.second)],
            ..everywhere
        },
        Kind::Room(room) => Audience {
            members: Some(&room.members),
            galleries: match &room.galleries {
                Some([one, other]) => [Some(one), Some(other)],
                None => [None, None],
            },
            ..everywhere
        },
    }
}

/// Which listeners hear an event in the same words.
pub fn variant(event: &Event, listener: &Session) -> Variant {
    let is_of = |message: &MessageView| listener.is_of(&message.row.sender_id);
    match event {
        // Only the sender sees the client's id of a message.
        Event::Message { message, .. } => {
            Variant::Shared(u8::from(listener.is_of(&message.row.sender_id)))
        }
        Event::Desk(DeskEvent::MessageChanged { message, .. }) => {
            Variant::Shared(u8::from(is_of(message)))
        }
        Event::Desk(_) => Variant::Own,
        _ => Variant::Shared(0),
    }
}

/// An event in this dialect's words.
pub fn encode(event: &Event, listener: &Session) -> Option<Frame> {
    let frame = match event {
        Event::Message { message, .. } => {
            message_frame("new_message", &MessageView::from(message), listener)
        }
        Event::Read {
            conversation,
            reader,
            outcome,
            ..
        } => read_frame(conversation.as_str(), reader.as_str(), outcome),
        Event::Typing {
            conversation,
            typist,
            is_typing,
            ..
        } => Frame::new(
            "typing",
            &TypingBody {
                conversation_id: conversation.as_str(),
                user_id: typist.id.as_str(),
                name: typist.name.as_deref(),
                is_typing: *is_typing,
            },
        ),
        Event::Presence {
            user,
            is_online,
            at,
            ..
        } => Frame::new(
            "presence",
            &PresenceBody {
                user_id: user.as_str(),
                online: *is_online,
                last_seen_at: (!is_online).then_some(Time(*at)),
            },
        ),
        // Sockets that have not decided yet do not know these words.
        Event::Desk(event) if listener.dialect() == Some(Dialect::Native) => {
            return desk_frame(event, listener);
        }
        _ => return None,
    };
    Some(frame)
}

fn desk_frame(event: &DeskEvent, listener: &Session) -> Option<Frame> {
    Some(match event {
        DeskEvent::Changed(changed) => {
            let viewer = listener.viewer()?;
            let view = changed.view_of(&viewer)?;
            let body = OneConversation {
                conversation: ConversationBody::new(view, &viewer.user),
            };
            Frame::new("conversation_updated", &body)
        }
        DeskEvent::Parted {
            conversation,
            reason,
            ..
        } => Frame::new(
            "conversation_removed",
            &RemovedBody {
                conversation_id: conversation.as_str(),
                reason: match reason {
                    Reason::Left => "left",
                    Reason::Removed => "removed",
                },
            },
        ),
        DeskEvent::MessageChanged { message, .. } => {
            message_frame("message_updated", message, listener)
        }
        DeskEvent::Unread(count) => {
            // The same user may look in the name of another gallery on another socket.
            (listener.viewer()? == count.viewer).then(|| unread_frame(count))?
        }
        DeskEvent::Expiring {
            session,
            expires_at,
            ..
        } => (listener.id == *session).then(|| {
            let expires_at = Time(*expires_at);
            Frame::new("auth_expiring", &ExpiringBody { expires_at })
        })?,
    })
}

/// What a socket is told of a message depends on whether its user sent it, and on nothing else.
fn message_frame(name: &'static str, message: &MessageView, listener: &Session) -> Frame {
    let sender = &message.row.sender_id;
    let nobody = "".into();
    let user = if listener.is_of(sender) {
        sender
    } else {
        &nobody
    };
    let message = MessageBody::new(message, user);
    Frame::new(name, &OneMessage { message })
}

fn read_frame(conversation_id: &str, user_id: &str, outcome: &ReadOutcome) -> Frame {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        conversation_id: &'a str,
        user_id: &'a str,
        last_read_seq: i64,
        read_at: Time,
    }
    let body = Body {
        conversation_id,
        user_id,
        last_read_seq: outcome.up_to,
        read_at: Time(outcome.at),
    };
    Frame::new("message_read", &body)
}

fn unread_frame(count: &UnreadCount) -> Frame {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        conversation_id: &'a str,
        unread: i64,
        unread_total: i64,
    }
    let body = Body {
        conversation_id: count.conversation.as_str(),
        unread: count.unread,
        unread_total: count.total,
    };
    Frame::new("unread", &body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypingBody<'a> {
    conversation_id: &'a str,
    user_id: &'a str,
    name: Option<&'a str>,
    is_typing: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovedBody<'a> {
    conversation_id: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpiringBody {
    expires_at: Time,
}
