//! What a message takes in memory, so that large answers end in time.

use serde_json::Value;

use super::MessageView;

/// What every message takes beside its texts, in bytes.
const FIXED_BYTES: usize = 512;
/// What a number, a truth value or nothing takes in JSON, in bytes.
const SCALAR_BYTES: usize = 8;

impl MessageView {
    /// Its bytes, roughly: texts, file, metadata and reactions.
    pub(super) fn n_bytes(&self) -> usize {
        let row = &self.row;
        let texts = [&row.content, &row.file_url, &row.file_name, &row.file_type];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        let reactions = self.reactions.iter().map(|reaction| {
            let users = reaction.users.iter().map(|user| user.as_str().len());
            SCALAR_BYTES + reaction.emoji.len() + users.sum::<usize>()
        });
        FIXED_BYTES + texts + row.metadata.as_ref().map_or(0, n_bytes_of) + reactions.sum::<usize>()
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::chat::ReactionView;
    use crate::store::MessageRow;
    use crate::store::tests_support::row;

    const LONG: usize = 10_000;

    fn n_bytes(row: MessageRow, reactions: Vec<ReactionView>) -> usize {
        let view = MessageView {
            row: Arc::new(row),
            sender: crate::chat::tests_support::message("c", "x").sender,
            reactions,
        };
        view.n_bytes()
    }

    #[test]
    fn everything_that_a_message_shows_is_counted() {
        let long = "x".repeat(LONG);
        let rows = [
            MessageRow {
                content: Some(long.clone()),
                ..row()
            },
            MessageRow {
                metadata: Some(json!({"a": [{"b": long}]})),
                ..row()
            },
            MessageRow {
                metadata: Some(json!({ long.as_str(): null })),
                ..row()
            },
            MessageRow {
                file_url: Some(long.clone()),
                ..row()
            },
        ];
        for row in rows {
            assert!(n_bytes(row, Vec::new()) >= LONG);
        }
        let reaction = ReactionView {
            emoji: "x".into(),
            n_users: 1,
            users: vec![long.as_str().into()],
        };
        assert!(n_bytes(row(), vec![reaction]) >= LONG);
        assert!(n_bytes(row(), Vec::new()) < LONG);
    }
}
