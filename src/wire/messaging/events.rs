//! What clients hear of what others did.

use serde::Serialize;
use sohbet_entity::ids::UserId;

use super::MessageBody;
use crate::chat::Event;
use crate::wire::ids::{NumericId, Time};
use crate::wire::{Audience, Dialect, Frame};

/// Who hears of an event.
pub fn audience(event: &Event) -> Option<Audience<'_>> {
    let audience = match event {
        Event::Message {
            message,
            echo,
            origin,
            dialect,
        } => {
            // A front end that sent a temporary id by socket draws its own message from the
            // confirmation; one that did not draws it from the event.
            let drew_it = echo.is_some() && *dialect == Dialect::Messaging;
            Audience {
                conversation: Some(&message.row.conversation_id),
                users: [
                    message.receiver.as_deref().map(|receiver| &receiver.id),
                    None,
                ],
                except: origin.filter(|_| drew_it),
                ..Audience::of(*dialect)
            }
        }
        Event::Read {
            conversation,
            known,
            reader,
            origin,
            dialect,
            ..
        } => Audience {
            conversation: Some(conversation),
            users: [known.as_ref().and_then(|known| known.other(reader)), None],
            except: *origin,
            ..Audience::of(*dialect)
        },
        Event::Typing {
            dialect: Dialect::Messaging,
            conversation,
            typist,
            except,
            ..
        } => Audience {
            conversation: Some(conversation),
            except: *except,
            except_user: Some(&typist.id),
            ..Audience::of(Dialect::Messaging)
        },
        Event::Presence {
            dialect: Dialect::Messaging,
            except,
            ..
        } => Audience {
            everybody: true,
            except: *except,
            ..Audience::of(Dialect::Messaging)
        },
        Event::Relayed {
            conversation,
            receiver,
            ..
        } => Audience {
            conversation: Some(conversation),
            users: [receiver.as_ref(), None],
            ..Audience::of(Dialect::Messaging)
        },
        _ => return None,
    };
    Some(audience)
}

/// An event in this dialect's words.
pub fn encode(event: &Event) -> Option<Frame> {
    let frame = match event {
        Event::Message {
            message,
            echo,
            origin,
            ..
        } => {
            // What is sent by REST is drawn from the event, which then shows the temporary id.
            let echo = echo.as_deref().filter(|_| origin.is_none());
            Frame::new("new_message", &MessageBody::new(message, echo))
        }
        Event::Read {
            conversation,
            reader,
            outcome,
            ..
        } => Frame::new(
            "messages_read",
            &MessagesRead {
                conversation_id: NumericId(conversation.as_str()),
                user_id: NumericId(reader.as_str()),
                read_at: Time(outcome.at),
            },
        ),
        Event::Typing {
            conversation,
            typist,
            is_typing,
            ..
        } => Frame::new(
            "user_typing",
            &UserTyping {
                user_id: NumericId(typist.id.as_str()),
                is_typing: *is_typing,
                conversation_id: NumericId(conversation.as_str()),
            },
        ),
        Event::Presence {
            user, is_online, ..
        } => match is_online {
            true => user_online(user),
            false => Frame::new("user_offline", &UserBody::from(user)),
        },
        Event::Relayed { message, .. } => Frame {
            name: "new_message",
            body: message.clone(),
        },
        Event::Answer(_)
        | Event::Lobby(_)
        | Event::Desk(_)
        | Event::Elsewhere(_)
        | Event::Partly { .. } => return None,
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
