//! What clients keep with a message besides its text: a JSON object. Dialects keep there, too, what
//! is theirs, under keys that no client reads or writes.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::MessageRow;

/// Begins the keys of the dialects' own.
const OWN_KEY: char = '$';

/// An object that the databases can keep, without keys that are not the client's; `None` for
/// anything else.
pub fn parse(value: &RawValue) -> Option<Value> {
    match serde_json::from_str(value.get()) {
        Ok(Value::Object(mut members)) => {
            members.retain(|key, _| !key.starts_with(OWN_KEY));
            let metadata = Value::Object(members);
            (!has_nul(&metadata)).then_some(metadata)
        }
        _ => None,
    }
}

/// Whether U+0000, which one of the databases cannot store, is anywhere in it. The parser bounds
/// how deep it goes.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// What clients see of it.
pub struct Metadata<'a>(&'a Value);

impl<'a> Metadata<'a> {
    /// That of a message; `None` when there is nothing for clients.
    pub fn of(row: &'a MessageRow) -> Option<Self> {
        let metadata = row.metadata.as_ref()?;
        let is_all_ours = metadata.as_object().is_some_and(|members| {
            let mut keys = members.keys();
            !members.is_empty() && keys.all(|key| key.starts_with(OWN_KEY))
        });
        (!is_all_ours).then_some(Self(metadata))
    }
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(members) = self.0 else {
            return self.0.serialize(serializer);
        };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in members {
            if !key.starts_with(OWN_KEY) {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(json: &str) -> Option<Value> {
        parse(&RawValue::from_string(json.into()).unwrap())
    }

    #[test]
    fn keys_of_dialects_are_not_for_clients() {
        let own = r#"{"$starter":{"sender":"eve"},"x":1}"#;
        assert_eq!(parsed(own), Some(json!({"x": 1})));
        let stored = json!({"$starter": {}, "x": 1});
        let shown = serde_json::to_value(Metadata(&stored)).unwrap();
        assert_eq!(shown, json!({"x": 1}));
    }

    #[test]
    fn only_objects_that_can_be_stored_are_kept() {
        for wrong in [
            "[]",
            "5",
            "\"x\"",
            r#"{"a":["\u0000"]}"#,
            r#"{"a\u0000":1}"#,
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
