//! Reading payloads that may have any shape.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sohbet_entity::ids;

use crate::chat::ClientId;
use crate::error::{Error, Result};

/// Longest client id of a send, in characters.
pub const MAX_CLIENT_ID_CHARS: usize = 128;

/// The members of a JSON object, values unread. Of two members with one name the last counts, as
/// in JavaScript.
#[derive(Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads a value that must be an object.
    pub fn parse(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }

    /// The names of all members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// The member of that name; `null` counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut members = self.0.iter().rev();
        let (_, value) = members.find(|(key, _)| key == name)?;
        (value.get() != "null").then_some(*value)
    }

    /// All members in the order in which they were written, also those that are `null`.
    pub fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The id under that name. Absent and empty ids are `None`.
    pub fn id(&self, name: &str) -> Result<Option<String>> {
        self.get(name).map_or(Ok(None), id)
    }

    /// The id under that name. Absent and falsy ids (`0`, `""`, `false`) are `None`.
    pub fn truthy_id(&self, name: &str) -> Result<Option<String>> {
        self.get(name).map_or(Ok(None), truthy_id)
    }

    /// The text under that name. Absent and empty texts are `None`.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        Ok(Some(text(value)?).filter(|text| !text.is_empty()))
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The name of a member, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// An id: a string, or a non-negative safe integer. The empty string and `null` are `None`.
pub fn id(value: &RawValue) -> Result<Option<String>> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => {
            let text = text(value)?;
            match text.is_empty() {
                true => Ok(None),
                false if ids::is_valid(&text) => Ok(Some(text)),
                false => Err(INVALID),
            }
        }
        Some(b'0'..=b'9') => {
            let number: u64 = json.parse().map_err(|_| INVALID)?;
            if number > ids::MAX_SAFE_INTEGER {
                return Err(INVALID);
            }
            Ok(Some(json.to_owned()))
        }
        _ if json == "null" => Ok(None),
        _ => Err(INVALID),
    }
}

/// An id where a server asked its front ends only whether one is there: `0` and `false` are `None`.
pub fn truthy_id(value: &RawValue) -> Result<Option<String>> {
    match value.get() {
        "0" | "false" => Ok(None),
        _ => id(value),
    }
}

/// The names of the client's own id of a send; the first that is there counts.
pub const CLIENT_ID_NAMES: [&str; 3] = ["clientMessageId", "clientId", "client_offset"];

/// The client's own id of a send, under any of its names (contract/README.md, 6.5).
pub fn client_id(object: &Object) -> Result<Option<ClientId>> {
    let mut names = CLIENT_ID_NAMES.into_iter();
    let Some(value) = names.find_map(|name| object.get(name)) else {
        return Ok(None);
    };
    explicit_id(text(value)?).map(Some)
}

/// The client's own id of a send, as it was written.
pub fn explicit_id(id: String) -> Result<ClientId> {
    let fits = (1..=MAX_CLIENT_ID_CHARS).contains(&id.chars().count());
    match fits && !id.contains('\0') {
        true => Ok(ClientId::Explicit(id)),
        false => Err(INVALID),
    }
}

/// A text without U+0000, which one of the databases cannot store.
pub fn text(value: &RawValue) -> Result<String> {
    let text: String = serde_json::from_str(value.get()).map_err(|_| INVALID)?;
    if text.contains('\0') {
        return Err(INVALID);
    }
    Ok(text)
}

const INVALID: Error = Error::InvalidPayload("Invalid payload");

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.into()).unwrap()
    }

    #[test]
    fn ids_are_strings_or_safe_integers() {
        assert_eq!(id(&raw("5")), Ok(Some("5".into())));
        assert_eq!(id(&raw("\"5\"")), Ok(Some("5".into())));
        assert_eq!(id(&raw("\"007\"")), Ok(Some("007".into())));
        assert_eq!(id(&raw("0")), Ok(Some("0".into())));
        for none in ["\"\"", "null"] {
            assert_eq!(id(&raw(none)), Ok(None), "{none}");
        }
        for falsy in ["0", "\"\"", "null", "false"] {
            assert_eq!(truthy_id(&raw(falsy)), Ok(None), "{falsy}");
        }
        assert_eq!(truthy_id(&raw("\"0\"")), Ok(Some("0".into())));
        let long = format!("\"{}\"", "x".repeat(129));
        for wrong in [
            "-1",
            "1.5",
            "1e3",
            "9007199254740992",
            "true",
            "false",
            "{}",
            "[]",
            "\"\\u0000\"",
            &long,
        ] {
            assert!(id(&raw(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn members_are_found_by_name_and_the_last_one_counts() {
        let value = raw(r#"{"a":1,"\u0062":"x","a":2,"c":null}"#);
        let object = Object::parse(&value).unwrap();
        assert_eq!(object.id("a"), Ok(Some("2".into())));
        assert_eq!(object.text("b"), Ok(Some("x".into())));
        assert!(object.get("c").is_none());
        assert!(Object::parse(&raw("[1]")).is_none());
    }
}
