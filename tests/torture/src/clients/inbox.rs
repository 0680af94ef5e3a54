//! What a device does with what it hears.

use std::time::Duration;

use serde_json::Value;

use super::device::Device;
use crate::history::{Seen, What};

/// How often a conversation is tried to load before the connection counts as lost.
const MAX_TRIES: u32 = 3;
/// Pause before the next try.
const RETRY_PAUSE: Duration = Duration::from_millis(150);

impl Device {
    /// Takes in an event. `None` when the device must begin again.
    pub(super) async fn take_event(&mut self, name: &str, body: &Value) -> Option<()> {
        match name {
            "new_message" | "message_updated" => {
                if let Some(message) = Seen::from_native(&body["message"]) {
                    return self.take_message(message).await;
                }
            }
            "sync" => return self.catch_up(body).await,
            "conversation_updated" => {
                let id = body["conversation"]["id"].as_str().unwrap_or_default();
                if !self.positions.contains_key(id) {
                    return self.load(id).await;
                }
            }
            "conversation_removed" => {
                let conversation = text(&body["conversationId"]);
                self.positions.remove(&conversation);
                self.record(What::Gone { conversation });
            }
            "message_read" => self.record(What::Marker {
                conversation: text(&body["conversationId"]),
                user: text(&body["userId"]),
                last_read_seq: body["lastReadSeq"].as_i64().unwrap_or_default(),
            }),
            _ => {}
        }
        Some(())
    }

    async fn take_message(&mut self, message: Seen) -> Option<()> {
        let (id, rev) = (message.conversation.clone(), message.rev);
        self.record(What::Received { message });
        match self.positions.get_mut(&id) {
            Some(position) => *position = rev.max(*position),
            None => return self.load(&id).await,
        }
        Some(())
    }

    /// The `sync` after the handshake: what cannot be told is loaded.
    async fn catch_up(&mut self, body: &Value) -> Option<()> {
        self.take_changes(body);
        let reset: Vec<String> = texts(&body["reset"]).collect();
        let shown = body["conversations"].as_array().into_iter().flatten();
        let shown = shown.map(|conversation| text(&conversation["id"]));
        let new: Vec<String> = shown
            .filter(|id| !self.positions.contains_key(id))
            .collect();
        for id in reset.iter().chain(&new) {
            self.load(id).await?;
        }
        Some(())
    }

    /// Takes in what a `sync` tells.
    pub(super) fn take_changes(&mut self, body: &Value) {
        for (conversation, changed) in body["changed"].as_object().into_iter().flatten() {
            let messages = changed.as_array().into_iter().flatten();
            let messages: Vec<Seen> = messages.filter_map(Seen::from_native).collect();
            if let Some(last) = messages.last() {
                let position = self.positions.entry(conversation.clone()).or_default();
                *position = last.rev.max(*position);
            }
            let conversation = conversation.clone();
            self.record(What::Caught {
                conversation,
                messages,
            });
        }
        for conversation in texts(&body["reset"]) {
            self.record(What::Reset { conversation });
        }
        for conversation in texts(&body["gone"]) {
            self.positions.remove(&conversation);
            self.record(What::Gone { conversation });
        }
    }

    /// Loads a whole conversation. What changes after its head was read comes live.
    async fn load(&mut self, id: &str) -> Option<()> {
        for _ in 0..MAX_TRIES {
            let caller = self.caller();
            let answer = caller
                .call("GET", &format!("/conversations/{id}"), None)
                .await;
            match answer {
                // Somebody was faster: the conversation is gone again.
                Ok(answer) if answer.status == 404 => {
                    self.positions.remove(id);
                    return Some(());
                }
                Ok(answer) if answer.status == 200 => {
                    let head = answer.json()["conversation"]["lastRev"].as_i64()?;
                    if caller.walk(id, true).await.is_ok() {
                        let position = self.positions.entry(id.to_owned()).or_default();
                        *position = head.max(*position);
                        return Some(());
                    }
                }
                _ => {}
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        // It is new again with the next connection.
        self.positions.remove(id);
        None
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> impl Iterator<Item = String> + '_ {
    value.as_array().into_iter().flatten().map(text)
}
