//! Objects that clients of this dialect see.

use serde::Serialize;

use crate::chat::{Message, MessageRow};
use crate::wire::ids::Time;
use crate::wire::metadata::Metadata;

/// The kinds of messages that clients know.
pub(super) const KINDS: [&str; 4] = ["text", "file", "system", "offer_update"];

/// A message: thirteen keys, `seq` and `rev`.
#[derive(Serialize)]
pub struct RowBody<'a> {
    id: &'a str,
    room_id: &'a str,
    sender_id: &'a str,
    message_type: &'a str,
    content: Option<&'a str>,
    file_url: Option<&'a str>,
    file_name: Option<&'a str>,
    file_size: Option<i64>,
    file_type: Option<&'a str>,
    read_at: Option<Time>,
    read_by: Option<&'a str>,
    metadata: Option<Metadata<'a>>,
    created_at: Time,
    seq: i64,
    rev: i64,
}

impl<'a> From<&'a MessageRow> for RowBody<'a> {
    fn from(row: &'a MessageRow) -> Self {
        Self {
            id: row.id.as_str(),
            room_id: row.conversation_id.as_str(),
            sender_id: row.sender_id.as_str(),
            message_type: message_type(row),
            content: row.content.as_deref(),
            file_url: row.file_url.as_deref(),
            file_name: row.file_name.as_deref(),
            file_size: row.file_size,
            file_type: row.file_type.as_deref(),
            read_at: row.read_at.map(Time),
            read_by: row.read_by.as_ref().map(|reader| reader.as_str()),
            metadata: Metadata::of(row),
            created_at: Time(row.created_at),
            seq: row.seq,
            rev: row.rev,
        }
    }
}

/// A kind of another dialect becomes the one that shows the same.
fn message_type(row: &MessageRow) -> &str {
    match row.kind.as_str() {
        kind if KINDS.contains(&kind) => kind,
        _ if row.file_url.is_some() => "file",
        _ => "text",
    }
}

/// A message in a list: with the name of its sender.
#[derive(Serialize)]
pub struct NamedRowBody<'a> {
    #[serde(flatten)]
    row: RowBody<'a>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
}

impl<'a> From<&'a Message> for NamedRowBody<'a> {
    fn from(message: &'a Message) -> Self {
        let (first_name, last_name) = split_name(message.sender.name.as_deref());
        Self {
            row: RowBody::from(&*message.row),
            first_name,
            last_name,
        }
    }
}

/// A name is split at its last space.
fn split_name(name: Option<&str>) -> (Option<&str>, Option<&str>) {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
        return (None, None);
    };
    match name.rsplit_once(' ') {
        Some((first, last)) => (Some(first.trim_end()), Some(last)),
        None => (Some(name), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_its_last_space() {
        let cases = [
            (Some("Ayşe Yılmaz"), (Some("Ayşe"), Some("Yılmaz"))),
            (
                Some("Ayşe Nur  Yılmaz "),
                (Some("Ayşe Nur"), Some("Yılmaz")),
            ),
            (Some("Ayşe"), (Some("Ayşe"), None)),
            (Some("  "), (None, None)),
            (None, (None, None)),
        ];
        for (name, parts) in cases {
            assert_eq!(split_name(name), parts, "{name:?}");
        }
    }
}
