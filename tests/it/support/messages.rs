//! Messages as clients write them.

use serde_json::{Value, json};

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
