//! What a message takes in memory, so that large answers end in time.

use super::MessageView;
use crate::store;

/// What a reaction takes beside its texts, in bytes.
const FIXED_BYTES: usize = 8;

impl MessageView {
    /// Its bytes, roughly: texts, file, metadata and reactions.
    pub(super) fn n_bytes(&self) -> usize {
        let reactions = self.reactions.iter().map(|reaction| {
            let users = reaction.users.iter().map(|user| user.as_str().len());
            FIXED_BYTES + reaction.emoji.len() + users.sum::<usize>()
        });
        store::n_bytes(&self.row) + reactions.sum::<usize>()
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
