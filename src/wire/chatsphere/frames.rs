//! Frames of the plain WebSocket: one JSON object, whose `type` is the word.

use serde_json::value::RawValue;

use crate::wire::json::Object;

/// The word and the whole object of a frame of a client; `None` for everything else, which is
/// ignored.
pub fn read(text: &str) -> Option<(String, &RawValue)> {
    let frame: &RawValue = serde_json::from_str(text).ok()?;
    let object = Object::parse(frame)?;
    let word = serde_json::from_str(object.get("type")?.get()).ok()?;
    Some((word, frame))
}

/// An event as a frame. Its body is an object without `type`.
pub fn write(event: &str, body: &RawValue) -> String {
    let rest = body.get().strip_prefix('{').unwrap_or("}");
    let comma = if rest.starts_with('}') { "" } else { "," };
    format!("{{\"type\":\"{event}\"{comma}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_with_a_word_are_frames() {
        let (word, frame) = read(r#"{"a":1,"type":"jo\u0069n"}"#).unwrap();
        assert_eq!(word, "join");
        assert!(frame.get().contains("\"a\":1"));
        for noise in [
            "",
            "null",
            "5",
            "\"join\"",
            "[]",
            "{}",
            "{",
            "not json",
            r#"{"type":5}"#,
            r#"{"type":null}"#,
            r#"{"type":["join"]}"#,
            r#"{"type":"x"} x"#,
        ] {
            assert!(read(noise).is_none(), "{noise}");
        }
    }

    #[test]
    fn an_event_becomes_a_frame_with_its_type_in_front() {
        let written = |body: &str| write("error", &RawValue::from_string(body.into()).unwrap());
        assert_eq!(written("{}"), r#"{"type":"error"}"#);
        assert_eq!(
            written(r#"{"message":"x"}"#),
            r#"{"type":"error","message":"x"}"#
        );
    }
}
