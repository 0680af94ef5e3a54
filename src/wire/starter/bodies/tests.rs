use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::chat::tests_support::message;
use crate::chat::{LOBBY, MessageRow};

const AT: &str = "1970-01-01T00:00:00.000Z";

/// A message of a socket `s1`, with what else is kept of it.
fn said(conversation: &str, note: Value) -> Message {
    let message = message(conversation, "hi");
    let mut kept = json!({"sender": "ali", "senderId": "s1"});
    for (key, value) in note.as_object().unwrap() {
        kept[key] = value.clone();
    }
    let row = MessageRow {
        metadata: Some(json!({"$starter": kept})),
        ..(*message.row).clone()
    };
    Message {
        row: Arc::new(row),
        ..message
    }
}

fn json(body: &impl Serialize) -> Value {
    serde_json::to_value(body).unwrap()
}

#[test]
fn a_public_message_has_five_keys_and_what_was_passed() {
    let plain = said(LOBBY, json!({}));
    let expected = json!({
        "message": "hi", "id": 7, "sender": "ali", "senderId": "s1", "timestamp": AT, "seq": 3, "rev": 4,
    });
    assert_eq!(json(&MessageBody::public(&plain)), expected);
    let passed = said(
        LOBBY,
        json!({"passed": r#"{"color":"red","n":1.50,"room":"x"}"#}),
    );
    let text = serde_json::to_string(&MessageBody::public(&passed)).unwrap();
    assert!(
        text.starts_with(r#"{"message":"hi","color":"red","n":1.50,"room":"x","id":7"#),
        "{text}"
    );
}

#[test]
fn a_message_of_a_room_shows_what_others_did() {
    let message = said(
        "tech",
        json!({"passed": r#"{"room":"x","readBy":1,"color":"red"}"#}),
    );
    let reaction = |emoji: &str, by: &str| Reaction {
        emoji: emoji.into(),
        by: by.into(),
    };
    let shown = Shown {
        message,
        reactions: vec![
            reaction("👍", "s2"),
            reaction("👍", "s3"),
            reaction("x", "s2"),
        ],
        readers: vec![("s2".into(), DateTime::UNIX_EPOCH)],
    };
    let expected = json!({
        "message": "hi", "color": "red", "id": 7, "sender": "ali", "senderId": "s1", "room": "tech",
        "timestamp": AT, "readBy": {"s1": AT, "s2": AT}, "reactions": {"👍": ["s2", "s3"], "x": ["s2"]},
        "seq": 3, "rev": 4,
    });
    assert_eq!(json(&MessageBody::from(&shown)), expected);
}

#[test]
fn a_private_message_has_six_keys() {
    let private = said("pair", json!({"to": "s2"}));
    let expected = json!({
        "message": "hi", "id": 7, "sender": "ali", "senderId": "s1", "timestamp": AT, "isPrivate": true,
        "seq": 3, "rev": 4,
    });
    assert_eq!(json(&MessageBody::private(&private)), expected);
}

#[test]
fn who_speaks_another_dialect_is_shown_as_an_account() {
    let foreign = message("tech", "hi");
    let body = json(&MessageBody::in_room(&foreign));
    assert_eq!(
        (&body["sender"], &body["senderId"]),
        (&json!("1"), &json!("1"))
    );
    let file = MessageRow {
        content: None,
        file_url: Some("/uploads/a.png".into()),
        ..(*foreign.row).clone()
    };
    let file = Message {
        row: Arc::new(file),
        ..foreign
    };
    assert_eq!(
        json(&MessageBody::in_room(&file))["message"],
        "/uploads/a.png"
    );
}
