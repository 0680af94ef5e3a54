//! What has to be told again of a message long after its socket is gone. It is kept with the
//! message, under a name that no dialect shows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sohbet_entity::ids::UserId;

use crate::store::MessageRow;

/// Where it stands in the metadata of a message.
pub const KEY: &str = "$starter";
/// Most readers of a message that are kept.
pub const MAX_READERS: usize = 200;

/// What is kept of a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Note {
    /// The name of who sent it, as it was then; empty when it was sent in another dialect.
    pub sender: String,
    /// The id of the socket that sent it.
    pub sender_id: String,
    /// The socket that a private message is for; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What else the sender wants to be seen: the text of a JSON object, so that numbers and the
    /// order of keys survive any database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<String>,
    /// Who has read it, and when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub read_by: BTreeMap<UserId, DateTime<Utc>>,
}

impl Note {
    /// What is kept of a message; empty for one that nothing is kept of.
    pub fn of(row: &MessageRow) -> Self {
        Self::read(row.metadata.as_ref())
    }

    fn read(metadata: Option<&Value>) -> Self {
        let note = metadata.and_then(|metadata| metadata.get(KEY));
        note.and_then(|note| Self::deserialize(note).ok())
            .unwrap_or_default()
    }

    /// Puts it into the metadata of a message, beside what is there.
    pub(super) fn write(&self, metadata: Option<Value>) -> Value {
        let mut all = match metadata {
            Some(Value::Object(all)) => all,
            _ => Map::new(),
        };
        let note =
            serde_json::to_value(self).expect("a note has texts as keys and no failing parts");
        all.insert(KEY.to_owned(), note);
        Value::Object(all)
    }

    /// Adds a reader to the metadata of a message; `None` when that reader is there already, or too
    /// many are.
    pub(super) fn add_reader(
        metadata: Option<Value>,
        reader: &UserId,
        at: DateTime<Utc>,
    ) -> Option<Value> {
        let mut note = Self::read(metadata.as_ref());
        if note.read_by.len() >= MAX_READERS || note.read_by.contains_key(reader) {
            return None;
        }
        note.read_by.insert(reader.clone(), at);
        Some(note.write(metadata))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_stands_beside_what_other_dialects_keep() {
        let note = Note {
            sender: "ali".into(),
            sender_id: "s1".into(),
            ..Note::default()
        };
        let metadata = note.write(Some(json!({"width": 5})));
        assert_eq!(metadata["width"], 5);
        assert_eq!(Note::read(Some(&metadata)), note);
        assert_eq!(Note::read(Some(&json!([1]))), Note::default());
    }

    #[test]
    fn a_reader_is_kept_once_and_only_so_many() {
        let at = crate::store::now();
        let (first, second) = (UserId::from("1"), UserId::from("2"));
        let once = Note::add_reader(None, &first, at).unwrap();
        assert_eq!(Note::add_reader(Some(once.clone()), &first, at), None);
        let both = Note::add_reader(Some(once), &second, at).unwrap();
        assert_eq!(Note::read(Some(&both)).read_by.len(), 2);
        let many = (0..MAX_READERS).map(|n| (UserId::from(n.to_string()), at));
        let full = Note {
            read_by: many.collect(),
            ..Note::default()
        };
        let another = UserId::from("x");
        assert_eq!(Note::add_reader(Some(full.write(None)), &another, at), None);
    }
}
