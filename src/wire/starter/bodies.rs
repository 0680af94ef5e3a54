//! Objects that clients of this dialect see.

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::chat::{Message, Note, Person, Reaction, Shown};
use crate::wire::ids::{NumericId, Time};
use crate::wire::json::Object;

/// Keys that a message has in rooms only, where clients cannot pass them.
const ROOM_KEYS: [&str; 3] = ["room", "readBy", "reactions"];

/// A message: what its sender passed, and what the server knows of it.
pub struct MessageBody<'a> {
    message: &'a Message,
    note: Note,
    shape: Shape<'a>,
}

enum Shape<'a> {
    Public,
    Private,
    Room {
        readers: &'a [(String, DateTime<Utc>)],
        reactions: &'a [Reaction],
    },
}

impl<'a> MessageBody<'a> {
    /// A message to everybody who is in no room.
    pub fn public(message: &'a Message) -> Self {
        Self::new(message, Shape::Public)
    }

    /// A message to one other socket.
    pub fn private(message: &'a Message) -> Self {
        Self::new(message, Shape::Private)
    }

    /// A message of a room that nobody has done anything to.
    pub fn in_room(message: &'a Message) -> Self {
        Self::new(
            message,
            Shape::Room {
                readers: &[],
                reactions: &[],
            },
        )
    }

    fn new(message: &'a Message, shape: Shape<'a>) -> Self {
        Self {
            note: Note::of(&message.row),
            message,
            shape,
        }
    }

    /// Names of other dialects are those of accounts.
    fn sender(&self) -> (&str, &str) {
        let profile = &self.message.sender;
        if self.note.sender_id.is_empty() {
            let id = profile.id.as_str();
            return (profile.name.as_deref().unwrap_or(id), id);
        }
        (&self.note.sender, &self.note.sender_id)
    }

    /// What was said. Of a file that comes from another dialect its address is shown.
    fn serialize_text<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let row = &self.message.row;
        let is_ours = !self.note.sender_id.is_empty();
        match row.content.as_deref() {
            Some(text) => map.serialize_entry("message", text),
            None if is_ours => Ok(()),
            None => map.serialize_entry("message", &row.file_url),
        }
    }

    fn serialize_passed<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let is_room = matches!(self.shape, Shape::Room { .. });
        let passed = self.note.passed.as_deref().unwrap_or("{}");
        // It was an object when it was stored.
        let passed: Object = serde_json::from_str(passed).unwrap_or_default();
        for (key, value) in passed.members() {
            if !(is_room && ROOM_KEYS.contains(&key)) {
                map.serialize_entry(key, value)?;
            }
        }
        Ok(())
    }
}

impl<'a> From<&'a Shown> for MessageBody<'a> {
    fn from(shown: &'a Shown) -> Self {
        let shape = Shape::Room {
            readers: &shown.readers,
            reactions: &shown.reactions,
        };
        Self::new(&shown.message, shape)
    }
}

impl Serialize for MessageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = &self.message.row;
        let (name, id) = self.sender();
        let at = || Time(row.created_at);
        let mut map = serializer.serialize_map(None)?;
        self.serialize_text(&mut map)?;
        self.serialize_passed(&mut map)?;
        map.serialize_entry("id", &NumericId(row.id.as_str()))?;
        map.serialize_entry("sender", name)?;
        map.serialize_entry("senderId", id)?;
        if let Shape::Room { .. } = self.shape {
            map.serialize_entry("room", row.conversation_id.as_str())?;
        }
        map.serialize_entry("timestamp", &at())?;
        match self.shape {
            Shape::Public => {}
            Shape::Private => map.serialize_entry("isPrivate", &true)?,
            Shape::Room { readers, reactions } => {
                map.serialize_entry("readBy", &Readers(id, row.created_at, readers))?;
                map.serialize_entry("reactions", &Reactions(reactions))?;
            }
        }
        map.serialize_entry("seq", &row.seq)?;
        map.serialize_entry("rev", &row.rev)?;
        map.end()
    }
}

/// `{<id>: <time>, …}`, the sender first.
struct Readers<'a>(&'a str, DateTime<Utc>, &'a [(String, DateTime<Utc>)]);

impl Serialize for Readers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(sender, sent_at, readers) = self;
        let others = readers.iter().filter(|(id, _)| id != sender);
        let others = others.map(|(id, at)| (id.as_str(), Time(*at)));
        serializer.collect_map([(*sender, Time(*sent_at))].into_iter().chain(others))
    }
}

/// `{<reaction>: [<id>, …], …}`, in the order in which they came.
pub struct Reactions<'a>(pub &'a [Reaction]);

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for reaction in self.0 {
            let emoji = reaction.emoji.as_str();
            let known = groups.iter().position(|(other, _)| *other == emoji);
            let index = known.unwrap_or_else(|| {
                groups.push((emoji, Vec::new()));
                groups.len() - 1
            });
            groups[index].1.push(&reaction.by);
        }
        serializer.collect_map(groups)
    }
}

/// Somebody in a list of who is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonBody<'a> {
    username: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_room: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_at: Option<Time>,
}

impl<'a> PersonBody<'a> {
    /// Somebody at a place; more is shown of people in a room.
    pub fn new(person: &'a Person, room: Option<&'a str>) -> Self {
        Self {
            username: &person.name,
            id: &person.socket_id,
            current_room: room,
            joined_at: room.map(|_| Time(person.joined_at)),
        }
    }
}
