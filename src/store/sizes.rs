//! What a row of a message takes in memory.

use serde_json::Value;

use super::MessageRow;

/// What every message takes beside its texts, in bytes.
const FIXED_BYTES: usize = 512;
/// What a number, a truth value or nothing takes in JSON, in bytes.
const SCALAR_BYTES: usize = 8;

/// The bytes of a message, roughly: texts, file and metadata.
pub fn n_bytes(row: &MessageRow) -> usize {
    let texts = [&row.content, &row.file_url, &row.file_name, &row.file_type];
    let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
    FIXED_BYTES + texts + row.metadata.as_ref().map_or(0, n_bytes_of)
}

fn n_bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => SCALAR_BYTES,
        Value::String(text) => SCALAR_BYTES + text.len(),
        Value::Array(items) => SCALAR_BYTES + items.iter().map(n_bytes_of).sum::<usize>(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(key, value)| key.len() + n_bytes_of(value));
            SCALAR_BYTES + members.sum::<usize>()
        }
    }
}
