//! What clients hear of what others did.

use serde::Serialize;
use sohbet_entity::ids::ConversationId;

use super::bodies::{MessageBody, PersonBody, Reactions};
use crate::chat::{Event, LOBBY, LobbyEvent, Message, Note, Place, Session, SessionId};
use crate::wire::ids::NumericId;
use crate::wire::{Audience, Dialect, Frame};

const DIALECT: Dialect = Dialect::Starter;

/// Who hears of an event; [`hears`] says more.
pub fn audience(event: &Event) -> Option<Audience<'_>> {
    match event {
        Event::Message {
            message, dialect, ..
        } => audience_of_message(message, *dialect),
        Event::Lobby(event) => Some(audience_of_lobby(event)),
        _ => None,
    }
}

fn audience_of_message(message: &Message, dialect: Dialect) -> Option<Audience<'_>> {
    let audience = Audience::of(dialect);
    let is_ours = dialect == DIALECT;
    let sender = Some(&message.sender.id);
    let conversation = &message.row.conversation_id;
    match &message.receiver {
        // What two people say elsewhere is no business of a socket here.
        Some(_) if !is_ours => None,
        Some(receiver) => Some(Audience {
            users: [sender, Some(&receiver.id)],
            ..audience
        }),
        None if conversation.as_str() == LOBBY => Some(everybody(dialect)),
        None => Some(Audience {
            conversation: Some(conversation),
            // The sender may be in another room.
            users: [sender.filter(|_| is_ours), None],
            ..audience
        }),
    }
}

fn audience_of_lobby(event: &LobbyEvent) -> Audience<'_> {
    let (place, except) = match event {
        LobbyEvent::People { place, .. } | LobbyEvent::Left { place, .. } => (place, None),
        LobbyEvent::Joined { place, except, .. } | LobbyEvent::Typing { place, except, .. } => {
            (place, *except)
        }
        LobbyEvent::Rooms { except, .. } => {
            return Audience {
                except: *except,
                ..everybody(DIALECT)
            };
        }
        LobbyEvent::Read { author, .. } => {
            return Audience {
                users: [Some(author), None],
                ..Audience::of(DIALECT)
            };
        }
        LobbyEvent::Reacted { room, .. } => return room_mates(room),
    };
    let audience = place.room().map_or_else(|| everybody(DIALECT), room_mates);
    Audience { except, ..audience }
}

fn everybody(cause: Dialect) -> Audience<'static> {
    Audience {
        everybody: true,
        strangers: true,
        ..Audience::of(cause)
    }
}

fn room_mates(room: &ConversationId) -> Audience<'_> {
    Audience {
        conversation: Some(room),
        ..Audience::of(DIALECT)
    }
}

/// Whether an event is for a socket of its audience: who is in a room hears nothing of the lobby,
/// and a private message is for two sockets, not for all those of two users.
pub fn hears(event: &Event, listener: &Session) -> bool {
    match event {
        Event::Message {
            message, origin, ..
        } => hears_message(message, *origin, listener),
        Event::Lobby(LobbyEvent::Rooms { .. } | LobbyEvent::Read { .. }) => true,
        Event::Lobby(event) => match place(event) {
            Some(Place::Lobby) => !listener.has_room(),
            _ => true,
        },
        _ => false,
    }
}

fn hears_message(message: &Message, origin: Option<SessionId>, listener: &Session) -> bool {
    let conversation = &message.row.conversation_id;
    if message.receiver.is_some() {
        let to = Note::of(&message.row).to;
        return origin == Some(listener.id) || to.as_ref() == Some(&listener.socket_id);
    }
    match conversation.as_str() {
        LOBBY => !listener.has_room(),
        _ => origin == Some(listener.id) || listener.is_in(conversation),
    }
}

fn place(event: &LobbyEvent) -> Option<&Place> {
    match event {
        LobbyEvent::People { place, .. }
        | LobbyEvent::Joined { place, .. }
        | LobbyEvent::Left { place, .. }
        | LobbyEvent::Typing { place, .. } => Some(place),
        _ => None,
    }
}

/// A message as this dialect shows it.
pub fn body(message: &Message) -> MessageBody<'_> {
    match message.row.conversation_id.as_str() {
        _ if message.receiver.is_some() => MessageBody::private(message),
        LOBBY => MessageBody::public(message),
        _ => MessageBody::in_room(message),
    }
}

/// An event in this dialect's words.
pub fn encode(event: &Event) -> Option<Frame> {
    match event {
        Event::Message { message, .. } => {
            let name = match message.receiver {
                Some(_) => "private_message",
                None => "receive_message",
            };
            Some(Frame::new(name, &body(message)))
        }
        Event::Lobby(event) => Some(encode_lobby(event)),
        _ => None,
    }
}

fn encode_lobby(event: &LobbyEvent) -> Frame {
    match event {
        LobbyEvent::People { place, people } => {
            let room = place.room().map(ConversationId::as_str);
            let people = people.iter().map(|person| PersonBody::new(person, room));
            Frame::new("user_list", &people.collect::<Vec<_>>())
        }
        LobbyEvent::Joined { place, person, .. } => {
            let body = Moved::new(&person.name, &person.socket_id, place);
            Frame::new("user_joined", &body)
        }
        LobbyEvent::Left { place, person } => {
            let body = Moved::new(&person.name, &person.socket_id, place);
            Frame::new("user_left", &body)
        }
        LobbyEvent::Typing { names, .. } => {
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            Frame::new("typing_users", &names)
        }
        LobbyEvent::Rooms { names, .. } => Frame::new("available_rooms", names),
        LobbyEvent::Read {
            message, reader, ..
        } => Frame::new(
            "message_read",
            &MessageRead {
                message_id: NumericId(message.as_str()),
                read_by: reader,
            },
        ),
        LobbyEvent::Reacted {
            message,
            emoji,
            reactions,
            ..
        } => Frame::new(
            "reaction_added",
            &Reacted {
                message_id: NumericId(message.as_str()),
                reaction: emoji,
                reactions: Reactions(reactions),
            },
        ),
    }
}

/// Somebody who came or went.
#[derive(Serialize)]
struct Moved<'a> {
    username: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
}

impl<'a> Moved<'a> {
    fn new(username: &'a str, id: &'a str, place: &'a Place) -> Self {
        Self {
            username,
            id,
            room: place.room().map(ConversationId::as_str),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageRead<'a> {
    message_id: NumericId<'a>,
    read_by: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reacted<'a> {
    message_id: NumericId<'a>,
    reaction: &'a str,
    reactions: Reactions<'a>,
}
