//! Messages as clients write them, and as they are handed to the store.

use chrono::Utc;
use serde_json::{Value, json};
use sohbet::store::MessageRow;
use uuid::Uuid;

/// A text from user 1 to user 2; further fields replace or add.
pub fn draft(fields: Value) -> Value {
    let mut draft = json!({
        "conversationId": 42, "senderId": 1, "receiverId": 2, "type": "text", "content": "hi",
    });
    let (Value::Object(draft_fields), Value::Object(fields)) = (&mut draft, fields) else {
        panic!("fields come in an object");
    };
    draft_fields.extend(fields);
    draft
}

/// `seq` of a message.
pub fn seq(message: &Value) -> u64 {
    let seq = message["seq"].as_u64();
    seq.unwrap_or_else(|| panic!("no seq: {message}"))
}

/// `content` of a message.
pub fn content(message: &Value) -> &str {
    let content = message["content"].as_str();
    content.unwrap_or_else(|| panic!("no content: {message}"))
}

/// `id` of a message.
pub fn id(message: &Value) -> u64 {
    let id = message["id"].as_u64();
    id.unwrap_or_else(|| panic!("no id: {message}"))
}

/// A message of user 1 as it is handed to the store, in no conversation yet.
pub fn row() -> MessageRow {
    MessageRow {
        id: Uuid::now_v7().to_string().into(),
        conversation_id: "".into(),
        seq: 0,
        rev: 0,
        sender_id: "1".into(),
        sender_party: None,
        client_id: None,
        kind: "text".into(),
        content: Some("hi".into()),
        file_url: None,
        file_name: None,
        file_size: None,
        file_type: None,
        metadata: None,
        reply_to: None,
        read_at: None,
        read_by: None,
        created_at: Utc::now(),
        edited_at: None,
        deleted_at: None,
        room_sender_id: None,
        is_changed: false,
    }
}
