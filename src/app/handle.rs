//! What a program that embeds the server holds in its hand.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::to_raw_value;
use sohbet_entity::ids::{ConversationId, MessageId, UserId};
use tokio::sync::Mutex;

use super::Parts;
use crate::auth::{Identity, Trust};
use crate::chat::{Channel, Chat, ClientId, ConversationHint, Dialect, Draft, Target};
use crate::error::{Error, Result};

/// A running server: sends, emits, and stops. Clones stand for the same one.
#[derive(Clone)]
pub struct Handle {
    chat: Arc<Chat>,
    parts: Arc<Mutex<Option<Parts>>>,
    stop_timeout: Duration,
}

/// A message that the program sends.
#[derive(Debug, Clone)]
pub struct Post {
    /// Id of the user in whose name it is sent.
    pub from: String,
    /// Id of the user it is for, or of the conversation.
    pub to: Recipient,
    /// Its text.
    pub text: String,
    /// The program's own id of this send: a second call with it gives the first message.
    pub client_id: Option<String>,
}

/// Whom a message is for.
#[derive(Debug, Clone)]
pub enum Recipient {
    /// One user.
    User(String),
    /// Whoever takes part in a conversation.
    Conversation(String),
}

impl Handle {
    pub(super) fn new(chat: Arc<Chat>, parts: Parts, stop_timeout: Duration) -> Self {
        Self {
            chat,
            parts: Arc::new(Mutex::new(Some(parts))),
            stop_timeout,
        }
    }

    /// Sends a message as a client of the native dialect would; it is on disk when this returns,
    /// and was handed to everybody who listens. Returns its id.
    ///
    /// # Errors
    ///
    /// As a client hears them: the author takes no part there, the text is too long, and so on.
    pub async fn send(&self, post: Post) -> Result<MessageId> {
        let author = Identity {
            user: Some(UserId::from(post.from)),
            ..Identity::nobody(Trust::Verified)
        };
        let chat = &self.chat;
        let caller = chat.caller(&author, Dialect::Native, None, None).await?;
        let target = match post.to {
            Recipient::User(user) => Target::User {
                receiver: user.into(),
                conversation: ConversationHint::None,
            },
            Recipient::Conversation(id) => Target::Conversation(ConversationId::from(id)),
        };
        let draft = Draft {
            content: Some(post.text),
            client_id: post.client_id.map(ClientId::Explicit),
            ..Draft::new(target, Channel::Rest)
        };
        let sent = chat.send(&caller, draft, None).await?;
        Ok(sent.row.id.clone())
    }

    /// Emits an event of the program's own to every socket that listens for a user. Nothing is
    /// stored, and who is not there misses it. Returns to how many sockets it went.
    ///
    /// # Errors
    ///
    /// `INVALID_PAYLOAD` if the body cannot be written as JSON.
    pub fn emit(&self, user: &str, event: &str, body: &impl Serialize) -> Result<usize> {
        let body = to_raw_value(body).map_err(|_| Error::InvalidPayload("Invalid payload"))?;
        let mut n_sockets = 0;
        self.chat.sessions.each_of_user(&user.into(), |session| {
            session.outbox.emit(event, &body);
            n_sockets += 1;
        });
        Ok(n_sockets)
    }

    /// Stops in order: nothing new comes in, what was accepted is committed and told, then the
    /// sockets are closed so that clients come back. A second call does nothing.
    pub async fn stop(&self) {
        let Some(parts) = self.parts.lock().await.take() else {
            return;
        };
        let stop = tokio::time::timeout(self.stop_timeout, parts.stop(self.stop_timeout));
        if stop.await.is_err() {
            tracing::warn!("the stop took too long and was cut short");
        }
    }
}
