//! What is stored, as REST shows it page by page.

use std::collections::HashMap;

use serde_json::Value;

use super::messages::{content, id, seq};
use super::server::Server;

/// Small enough that every test turns pages.
const PAGE: usize = 150;

/// The messages of one conversation.
pub struct History {
    /// In order of `seq`.
    pub messages: Vec<Value>,
}

impl History {
    /// Reads all pages. Checks that `seq` is 1, 2, 3 and so on, and that no id comes twice.
    pub async fn read(server: &Server, conversation: u64) -> Self {
        let mut messages: Vec<Value> = Vec::new();
        loop {
            let after = messages.len();
            let query = format!("conversationId={conversation}&limit={PAGE}&afterSeq={after}");
            let page = server.messages(&query).await;
            let is_last = page.len() < PAGE;
            messages.extend(page);
            if is_last {
                break;
            }
        }
        let seqs: Vec<u64> = messages.iter().map(seq).collect();
        let expected: Vec<u64> = (1..=messages.len() as u64).collect();
        assert_eq!(seqs, expected);
        let mut ids: Vec<u64> = messages.iter().map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), messages.len(), "an id was given twice");
        Self { messages }
    }

    /// The texts in order.
    pub fn contents(&self) -> Vec<&str> {
        self.messages.iter().map(content).collect()
    }

    /// Every message by its text. Checks that no text is there twice.
    pub fn by_content(&self) -> HashMap<&str, &Value> {
        let named = self
            .messages
            .iter()
            .map(|message| (content(message), message));
        let by_content: HashMap<&str, &Value> = named.collect();
        assert_eq!(
            by_content.len(),
            self.messages.len(),
            "a message is stored twice"
        );
        by_content
    }
}
