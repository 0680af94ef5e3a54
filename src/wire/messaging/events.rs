//! What clients hear of what others did.

use serde::Serialize;
use sohbet_entity::ids::UserId;

use super::MessageBody;
use crate::chat::Event;
use crate::wire::ids::{NumericId, Time};
use crate::wire::{Audience, Dialect, Frame};

/// Who hears of an event.
pub fn audience(event: &Event) -> Option<Audience<'_>> {
    let nobody = Audience {
        conversation: None,
        user: None,
        everybody: false,
        except: None,
        except_user: None,
        cause: Dialect::Messaging,
    };
    let audience = match event {
        Event::Message {
            message,
            except,
            dialect,
            ..
        } => Audience {
            conversation: Some(&message.row.conversation_id),
            user: message.receiver.as_deref().map(|receiver| &receiver.id),
            except: *except,
            cause: *dialect,
            ..nobody
        },
        Event::Read {
            conversation,
            other,
            except,
            dialect,
            ..
        } => Audience {
            conversation: Some(conversation),
            user: other.as_ref(),
            except: *except,
            cause: *dialect,
            ..nobody
        },
        Event::Typing {
            conversation,
            user,
            except,
            ..
        } => Audience {
            conversation: Some(conversation),
            except: Some(*except),
            except_user: Some(user),
            ..nobody
        },
        // Delivery answers the socket and lets the others hear `Online`.
        Event::Joined(_) => return None,
        Event::Online { except, .. } => Audience {
            everybody: true,
            except: Some(*except),
            ..nobody
        },
        Event::Offline { .. } => Audience {
            everybody: true,
            ..nobody
        },
        Event::Relayed {
            conversation,
            receiver,
            ..
        } => Audience {
            conversation: Some(conversation),
            user: receiver.as_ref(),
            ..nobody
        },
    };
    Some(audience)
}

/// An event in this dialect's words.
pub fn encode(event: &Event) -> Option<Frame> {
    let frame = match event {
        Event::Message { message, echo, .. } => {
            Frame::new("new_message", &MessageBody::new(message, echo.as_deref()))
        }
        Event::Read {
            conversation,
            reader,
            at,
            ..
        } => Frame::new(
            "messages_read",
            &MessagesRead {
                conversation_id: NumericId(conversation.as_str()),
                user_id: NumericId(reader.as_str()),
                read_at: Time(*at),
            },
        ),
        Event::Typing {
            conversation,
            user,
            is_typing,
            ..
        } => Frame::new(
            "user_typing",
            &UserTyping {
                user_id: NumericId(user.as_str()),
                is_typing: *is_typing,
                conversation_id: NumericId(conversation.as_str()),
            },
        ),
        Event::Joined(_) => return None,
        Event::Online { user, .. } => user_online(user),
        Event::Offline { user } => Frame::new("user_offline", &UserBody::from(user)),
        Event::Relayed { message, .. } => Frame {
            name: "new_message",
            body: message.clone(),
        },
    };
    Some(frame)
}

pub(super) fn user_online(user: &UserId) -> Frame {
    Frame::new("user_online", &UserBody::from(user))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserBody<'a> {
    user_id: NumericId<'a>,
}

impl<'a> From<&'a UserId> for UserBody<'a> {
    fn from(user: &'a UserId) -> Self {
        Self {
            user_id: NumericId(user.as_str()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessagesRead<'a> {
    conversation_id: NumericId<'a>,
    user_id: NumericId<'a>,
    read_at: Time,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserTyping<'a> {
    user_id: NumericId<'a>,
    is_typing: bool,
    conversation_id: NumericId<'a>,
}
