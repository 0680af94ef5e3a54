//! Dialect `direct` (contract/direct.md): `chat` from person to person, `groupChat` to the
//! participants of a group. Failures are silent but for the acknowledgement.

mod words;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::ids::Time;
use super::{Answer, Asked, Audience, Frame, Opening, Variant, Vocabulary};
use crate::chat::{Dialect, Event, Message, Reply, Request, Session, SocketRequest};
use crate::error::Result;

/// The kind of a message whose content is JSON other than a text.
const JSON_KIND: &str = "json";

/// The words of this dialect.
pub struct Direct;

impl Vocabulary for Direct {
    /// The other ways to register are this one.
    fn words(&self) -> Vec<&'static str> {
        words::all()
    }

    fn is_typical(&self, event: &str, _: &[&RawValue]) -> bool {
        words::TYPICAL.contains(&event)
    }

    fn parse(
        &self,
        event: &str,
        arguments: &[&RawValue],
        session: &Session,
    ) -> Result<SocketRequest> {
        words::parse(event, arguments, session)
    }

    /// Who is known from the handshake is registered.
    fn greeting(&self, session: &Session, _: Opening<'_>) -> Option<SocketRequest> {
        let user = session.identity().user.clone()?;
        let join = Request::JoinUser {
            user,
            name: None,
            wants_waiting: true,
        };
        Some(SocketRequest::new("", join))
    }

    fn answer(&self, asked: &Asked<'_>, outcome: &Result<Reply>) -> Answer {
        match outcome {
            Ok(Reply::JoinedUser { user, .. }) => Answer::silent(&Registered {
                ok: true,
                user_id: user.as_str(),
                socket_id: &asked.session.socket_id,
            }),
            Ok(Reply::Sent { message, n_reached }) => sent(message, *n_reached),
            Ok(_) => Answer::silent(&InGroup {
                ok: true,
                group_id: asked.echo,
            }),
            Err(error) => Answer::refused(error),
        }
    }

    fn audience<'a>(&self, event: &'a Event) -> Option<Audience<'a>> {
        let Event::Message {
            message, dialect, ..
        } = event
        else {
            return None;
        };
        let audience = Audience::of(*dialect);
        match (&message.receiver, message.conversation.room()) {
            (Some(receiver), _) => Some(Audience {
                users: [Some(&receiver.id), None],
                ..audience
            }),
            (None, Some(room)) if room.galleries.is_none() => Some(Audience {
                members: Some(&room.members),
                ..audience
            }),
            _ => None,
        }
    }

    /// The sockets of the author find their own id as that of the sender.
    fn variant(&self, event: &Event, listener: &Session) -> Variant {
        match event {
            Event::Message { message, .. } if listener.is_of(&message.sender.id) => Variant::Own,
            _ => Variant::Shared(0),
        }
    }

    fn lets_messages_wait(&self) -> bool {
        true
    }

    fn counts_receivers(&self) -> bool {
        true
    }

    fn encode(&self, event: &Event, listener: &Session) -> Option<Frame> {
        let Event::Message {
            message,
            echo,
            dialect,
            ..
        } = event
        else {
            return None;
        };
        // The group's id as its sender wrote it, a number or a text.
        let group = match message.receiver {
            Some(_) => None,
            None => Some(Group {
                echo: echo.as_deref().filter(|_| *dialect == Dialect::Direct),
                id: message.conversation.id.as_str(),
            }),
        };
        let name = if group.is_some() { "groupChat" } else { "chat" };
        Some(Frame::new(name, &Body::new(message, group, listener)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Registered<'a> {
    ok: bool,
    user_id: &'a str,
    socket_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InGroup<'a> {
    ok: bool,
    group_id: Option<&'a RawValue>,
}

/// How a group is named to its participants.
#[derive(Clone, Copy)]
struct Group<'a> {
    echo: Option<&'a RawValue>,
    id: &'a str,
}

impl Serialize for Group<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.echo {
            Some(echo) => echo.serialize(serializer),
            None => serializer.serialize_str(self.id),
        }
    }
}

/// A message as its receivers see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<Group<'a>>,
    sender_id: &'a str,
    message_content: Option<Cow<'a, RawValue>>,
    timestamp: Time,
    id: &'a str,
    seq: i64,
    rev: i64,
}

impl<'a> Body<'a> {
    fn new(message: &'a Message, group_id: Option<Group<'a>>, listener: &'a Session) -> Self {
        let row = &*message.row;
        let sender_id = match listener.is_of(&message.sender.id) {
            true => listener.socket_id.as_str(),
            false => row.sender_id.as_str(),
        };
        Self {
            group_id,
            sender_id,
            message_content: content(message),
            timestamp: Time(row.created_at),
            id: row.id.as_str(),
            seq: row.seq,
            rev: row.rev,
        }
    }
}

/// What was said, as JSON: whatever the sender wrote.
fn content(message: &Message) -> Option<Cow<'_, RawValue>> {
    let text = message.row.content.as_deref()?;
    let json = (message.row.kind == JSON_KIND).then(|| serde_json::from_str::<&RawValue>(text));
    match json {
        Some(Ok(json)) => Some(Cow::Borrowed(json)),
        _ => Some(Cow::Owned(super::encode_json(text))),
    }
}

fn sent(message: &Message, n_reached: usize) -> Answer {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Delivered {
        ToOne(bool),
        ToMany(usize),
    }
    #[derive(Serialize)]
    struct Ack<'a> {
        ok: bool,
        id: &'a str,
        timestamp: Time,
        delivered: Delivered,
        seq: i64,
        rev: i64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
    let row = &*message.row;
    Answer::silent(&Ack {
        ok: true,
        id: row.id.as_str(),
        timestamp: Time(row.created_at),
        delivered: match message.receiver {
            Some(_) => Delivered::ToOne(n_reached > 0),
            None => Delivered::ToMany(n_reached),
        },
        seq: row.seq,
        rev: row.rev,
        duplicate: message.duplicate,
    })
}
