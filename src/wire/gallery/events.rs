//! What clients hear of what others did.

use serde::Serialize;
use sohbet_entity::ids::{GalleryId, PartyId};

use super::bodies::RowBody;
use crate::chat::{Conversation, Event};
use crate::wire::ids::Time;
use crate::wire::{Audience, Dialect, Frame};

/// Who hears of an event. This dialect has no word for direct conversations.
pub fn audience(event: &Event) -> Option<Audience<'_>> {
    let audience = match event {
        Event::Message {
            message, dialect, ..
        } => {
            let room = &*message.conversation;
            room.room()?;
            Audience {
                conversation: Some(&room.id),
                galleries: others(room, message.row.sender_party.as_ref()),
                ..Audience::of(*dialect)
            }
        }
        Event::Read {
            known,
            party,
            outcome,
            dialect,
            ..
        } => {
            let room = known.as_deref()?;
            let people = room.room()?;
            // Galleries are told of messages that became read, people of markers.
            let has_changed = match people.galleries {
                Some(_) => outcome.n_marked > 0,
                None => outcome.has_moved,
            };
            if !has_changed {
                return None;
            }
            Audience {
                conversation: Some(&room.id),
                galleries: others(room, Some(party)),
                ..Audience::of(*dialect)
            }
        }
        Event::Typing {
            dialect: Dialect::Gallery,
            conversation,
            typist,
            except,
            ..
        } => Audience {
            conversation: Some(conversation),
            except: *except,
            except_user: Some(&typist.id),
            ..Audience::of(Dialect::Gallery)
        },
        _ => return None,
    };
    Some(audience)
}

/// The galleries of a room that are not the one that acts.
fn others<'a>(room: &'a Conversation, acting: Option<&PartyId>) -> [Option<&'a GalleryId>; 2] {
    let acting = acting.and_then(PartyId::gallery);
    let Some([a, b]) = room.galleries() else {
        return [None, None];
    };
    [a, b].map(|gallery| Some(gallery).filter(|gallery| Some(*gallery) != acting.as_ref()))
}

/// An event in this dialect's words.
pub fn encode(event: &Event) -> Option<Frame> {
    let frame = match event {
        Event::Message { message, .. } => Frame::new(
            "new_message",
            &NewMessage {
                room_id: message.row.conversation_id.as_str(),
                message: RowBody::from(&*message.row),
            },
        ),
        Event::Read {
            conversation,
            reader,
            outcome,
            ..
        } => Frame::new(
            "messages_read",
            &MessagesRead {
                room_id: conversation.as_str(),
                user_id: reader.as_str(),
                read_at: Time(outcome.at),
            },
        ),
        Event::Typing {
            conversation,
            typist,
            is_typing,
            ..
        } => {
            let name = match is_typing {
                true => "user_typing",
                false => "user_stopped_typing",
            };
            let body = UserTyping {
                user_id: typist.id.as_str(),
                room_id: conversation.as_str(),
            };
            Frame::new(name, &body)
        }
        _ => return None,
    };
    Some(frame)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMessage<'a> {
    room_id: &'a str,
    message: RowBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessagesRead<'a> {
    room_id: &'a str,
    user_id: &'a str,
    read_at: Time,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserTyping<'a> {
    user_id: &'a str,
    room_id: &'a str,
}
