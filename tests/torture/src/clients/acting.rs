//! What a device does of its own accord.

use serde_json::json;

use super::calls::Sending;
use super::device::Device;
use crate::history::{Ask, What, digest};
use crate::wire::socket::Socket;

impl Device {
    /// Does one thing or another. `None` when the connection is over.
    pub(super) async fn act(&mut self, socket: &Socket) -> Option<()> {
        match self.rng.between(0, 99) {
            0..60 => {
                let conversation = self.rng.pick(&self.conversations)?.clone();
                for _ in 0..self.rng.between(1, 4) {
                    let sending = self.compose(&conversation);
                    self.send(socket, sending)?;
                }
            }
            60..68 => self.send_by_rest().await,
            68..73 => self.repeat(socket)?,
            73..77 => self.change(socket)?,
            77..88 => self.mark_read(socket)?,
            88..92 => {
                let body = json!({"epoch": self.world.epoch, "conversations": self.positions});
                self.ask(socket, "sync", &body, Ask::Sync, None)?;
            }
            92..95 => {
                let users = &self.world.users;
                let user = users[self.rng.index(users.len())].clone();
                let body = json!({"userId": user});
                if user != self.user {
                    self.ask(
                        socket,
                        "create_conversation",
                        &body,
                        Ask::Pair { user },
                        None,
                    )?;
                }
            }
            95..97 => return None,
            _ => {
                let id = self.rng.pick(&self.conversations)?.clone();
                self.ask(
                    socket,
                    "typing_start",
                    &json!({"conversationId": id}),
                    Ask::Look {
                        conversation: id.clone(),
                    },
                    None,
                )?;
            }
        }
        Some(())
    }

    fn compose(&mut self, conversation: &str) -> Sending {
        self.n_sent += 1;
        let padding = usize::try_from(self.rng.between(0, 60)).unwrap_or_default();
        let (who, n) = (&self.who, self.n_sent);
        Sending {
            conversation: conversation.to_owned(),
            cmid: format!("{who}-{n}"),
            text: format!("{who} says {n} {}", "né🦀 ".repeat(padding)),
        }
    }

    /// Sends a message, for the first time or again.
    pub(super) fn send(&mut self, socket: &Socket, sending: Sending) -> Option<()> {
        self.ask(
            socket,
            "send_message",
            &sending.body(),
            sending.ask(false),
            Some(sending),
        )
    }

    async fn send_by_rest(&mut self) {
        let Some(conversation) = self.rng.pick(&self.conversations).cloned() else {
            return;
        };
        let sending = self.compose(&conversation);
        let path = format!("/conversations/{conversation}/messages");
        let caller = self.caller();
        let outcome = caller
            .ask("POST", &path, Some(&sending.body()), sending.ask(true))
            .await;
        if matches!(outcome, What::Unknown { .. }) {
            self.sendings.refused(sending);
        }
    }

    /// Sends something again that is stored, now and then with another text: the first one counts.
    fn repeat(&mut self, socket: &Socket) -> Option<()> {
        let Some((mut sending, _)) = self.rng.pick(self.sendings.sent()).cloned() else {
            return Some(());
        };
        if self.rng.chance(30) {
            sending.text.push_str(" again");
        }
        self.send(socket, sending)
    }

    /// Changes a message of its own, or deletes it.
    fn change(&mut self, socket: &Socket) -> Option<()> {
        let Some((sending, message)) = self.rng.pick(self.sendings.sent()).cloned() else {
            return Some(());
        };
        let is_edit = self.rng.chance(70);
        let text = if is_edit {
            format!("{} or rather {}", sending.cmid, self.n_sent)
        } else {
            String::new()
        };
        let ask = Ask::Change {
            conversation: sending.conversation,
            message: message.clone(),
            text: digest(&text),
        };
        match is_edit {
            true => {
                let body = json!({"messageId": message, "content": text});
                self.ask(socket, "edit_message", &body, ask, None)
            }
            false => self.ask(
                socket,
                "delete_message",
                &json!({"messageId": message}),
                ask,
                None,
            ),
        }
    }

    fn mark_read(&mut self, socket: &Socket) -> Option<()> {
        let conversation = self.rng.pick(&self.conversations)?.clone();
        // Rising with time, so mostly a real step; beyond the newest message it counts as that.
        let up_to = self.rng.between(
            0,
            u64::try_from(*self.positions.get(&conversation).unwrap_or(&0)).unwrap_or(0) + 3,
        );
        let body = match self.rng.chance(30) {
            true => json!({"conversationId": conversation}),
            false => json!({"conversationId": conversation, "upTo": up_to}),
        };
        self.ask(socket, "mark_read", &body, Ask::Read { conversation }, None)
    }
}
