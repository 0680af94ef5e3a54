//! Sending and reading messages.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sohbet_entity::ids::{ConversationId, MessageId, UserId};
use tokio::sync::oneshot;

use super::{About, Chat, Conversation, Dialect, Event, Origin, Profile, Receipt, Tag};
use crate::auth::{Identity, Trust};
use crate::error::{Error, Result};
use crate::store::{self, Channel, EarlierKey, MessageRow, NewMessage, Page, Pair, Twin, Write};

/// Longest kind of a message, in characters.
const MAX_KIND_CHARS: usize = 32;
/// Longest URL of a file, in bytes.
const MAX_URL_BYTES: usize = 2_048;
/// Longest name of a file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 1_024;
/// Longest media type of a file, in characters.
const MAX_FILE_TYPE_CHARS: usize = 255;
/// Some front ends count their temporary ids up from 1 after every page load; such short ones
/// name a send only for that long (contract/messaging.md, section 4, repeats a).
const SHORT_TEMP_ID_WINDOW: TimeDelta = TimeDelta::minutes(10);
/// How long a REST call waits for its write.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// A temporary id of so many characters names a send for ever.
const LONG_TEMP_ID_CHARS: usize = 8;

/// A stored message with the people in it.
#[derive(Debug, Clone)]
pub struct Message {
    /// The row.
    pub row: Arc<MessageRow>,
    /// Who sent it.
    pub sender: Arc<Profile>,
    /// Who receives it; `None` in rooms.
    pub receiver: Option<Arc<Profile>>,
    /// An earlier send had stored it.
    pub duplicate: bool,
}

/// The id that a client gave a send, so that a repeat is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientId {
    /// Names the send for ever, whatever it says.
    Explicit(String),
    /// Names the send only together with what it says.
    Temporary(String),
}

/// What a conversation id in a payload is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationHint {
    /// None was given.
    None,
    /// The pair's conversation is used whatever is given; a new one takes this id if it may.
    Wish(ConversationId),
    /// It must be the pair's conversation, if they have one.
    MustMatch(ConversationId),
}

/// A file that a message shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub url: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its size in bytes.
    pub size: Option<i64>,
    /// Its media type.
    pub media_type: Option<String>,
}

/// A message that somebody wants to send to one other user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who the payload says sends it.
    pub sender: Option<UserId>,
    /// Who receives it.
    pub receiver: UserId,
    /// The conversation the payload names.
    pub conversation: ConversationHint,
    /// The text; `None` for a bare file.
    pub content: Option<String>,
    /// `text`, `image` and so on.
    pub kind: String,
    /// The file, if there is one.
    pub file: File,
    /// The client's id of this send.
    pub client_id: Option<ClientId>,
    /// How it came in.
    pub channel: Channel,
}

impl Chat {
    /// Checks a draft and makes it ready for the writer.
    pub(super) async fn prepare_send(
        &self,
        identity: &Identity,
        asserted: Option<&UserId>,
        mut draft: Draft,
    ) -> Result<(Write, About)> {
        let sender = identity
            .acting(draft.sender.as_ref(), asserted)
            .map_err(|_| Error::Forbidden("Not allowed to send as this user"))?;
        self.check_size(&draft)?;
        if let Some(link) = draft.file.url.take() {
            draft.file.url = Some(self.check_link(identity, &sender, link).await?);
        }
        let pair = Pair::new(sender.clone(), draft.receiver.clone());
        let conversation = self.conversation_for(identity, pair, &draft).await?;
        let about = About::Message {
            sender: self.profile(&sender).await?,
            receiver: Some(self.profile(&draft.receiver).await?),
        };
        let write = new_message(&conversation, sender, draft);
        Ok((Write::Message(Box::new(write)), about))
    }

    fn check_size(&self, draft: &Draft) -> Result<()> {
        let too_long =
            |text: Option<&String>, max: usize| text.is_some_and(|text| text.len() > max);
        let is_too_large = too_long(draft.content.as_ref(), self.config.max_text_bytes)
            || too_long(draft.file.url.as_ref(), MAX_URL_BYTES)
            || too_long(draft.file.name.as_ref(), MAX_FILE_NAME_BYTES);
        if is_too_large {
            return Err(Error::TooLarge("Message is too long"));
        }
        let media_type = draft.file.media_type.as_deref().unwrap_or_default();
        if draft.kind.chars().count() > MAX_KIND_CHARS
            || media_type.chars().count() > MAX_FILE_TYPE_CHARS
        {
            return Err(Error::InvalidPayload("Missing required fields"));
        }
        Ok(())
    }

    async fn conversation_for(
        &self,
        identity: &Identity,
        pair: Pair,
        draft: &Draft,
    ) -> Result<Arc<Conversation>> {
        let not_found = Error::NotFound("Conversation not found");
        let hint = match &draft.conversation {
            ConversationHint::None => None,
            ConversationHint::Wish(id) => Some(id),
            ConversationHint::MustMatch(id) => match self.find_pair(&pair).await? {
                Some(found) if found.id == *id => return Ok(found),
                Some(_) => return Err(not_found),
                None if self.is_of_others(id, &pair).await? => return Err(not_found),
                None if identity.trust != Trust::Claimed => return Err(not_found),
                None => Some(id),
            },
        };
        let may_choose =
            |id: &&ConversationId| identity.trust == Trust::Claimed && is_small_integer(id);
        let wanted = hint.filter(may_choose).cloned();
        self.pair_conversation(pair, wanted).await
    }

    /// Whether an id is the one of a conversation that is not the pair's. The pair's own may have
    /// been made a moment ago, by the same message over another channel.
    async fn is_of_others(&self, id: &ConversationId, pair: &Pair) -> Result<bool> {
        let found = self.find_conversation(id).await?;
        Ok(found.is_some_and(|found| found.pair.as_ref() != Some(pair)))
    }

    /// Sends a message for a REST call and waits until it is stored and handed to its listeners.
    pub async fn send(
        &self,
        identity: &Identity,
        draft: Draft,
        dialect: Dialect,
        echo: Option<Box<RawValue>>,
    ) -> Result<Message> {
        let (write, about) = self.prepare_send(identity, None, draft).await?;
        match self.submit_and_wait(write, about, dialect, echo).await? {
            Receipt::Message(message) => Ok(message),
            Receipt::Read { .. } => Err(Error::Internal),
        }
    }

    /// Hands a write of a REST call to the writer and waits for its outcome.
    pub(super) async fn submit_and_wait(
        &self,
        write: Write,
        about: About,
        dialect: Dialect,
        echo: Option<Box<RawValue>>,
    ) -> Result<Receipt> {
        let (reply, receipt) = oneshot::channel();
        let tag = Tag {
            origin: Origin::Rest { reply, echo },
            before: self.ended_typing(&write),
            about,
            dialect,
        };
        self.writer.submit(write, tag).map_err(|(_, error)| error)?;
        // The write may still go through; a repeat with the same client id finds out.
        tokio::time::timeout(WRITE_DEADLINE, receipt)
            .await
            .map_err(|_| Error::busy())?
            .map_err(|_| Error::busy())?
    }

    /// The end of its author's typing, which is heard before a message.
    pub(super) fn ended_typing(&self, write: &Write) -> Option<Event> {
        match write {
            Write::Message(new) => {
                self.stop_typing_of(&new.row.conversation_id, &new.row.sender_id)
            }
            Write::Read(_) => None,
        }
    }

    /// A page of a conversation's messages. Somebody who may not see the conversation finds it
    /// empty, like one that does not exist.
    pub async fn list_messages(
        &self,
        identity: &Identity,
        id: &ConversationId,
        page: Page,
    ) -> Result<Vec<Message>> {
        let Some(conversation) = self.find_conversation(id).await? else {
            return Ok(Vec::new());
        };
        match self.check_access(identity, id).await {
            Err(Error::NotFound(_)) => return Ok(Vec::new()),
            other => other?,
        }
        let rows = self.store.list_messages(id, page).await?;
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let sender = self.profile(&row.sender_id).await?;
            let receiver = match conversation.other(&row.sender_id) {
                Some(other) => Some(self.profile(other).await?),
                None => None,
            };
            messages.push(Message {
                row: self.shown(Arc::new(row)),
                sender,
                receiver,
                duplicate: false,
            });
        }
        Ok(messages)
    }
}

/// An id that a client may choose for a new conversation: a positive integer below 2^31.
fn is_small_integer(id: &ConversationId) -> bool {
    let text = id.as_str();
    let value: Option<u32> = text.parse().ok();
    value.is_some_and(|value| value > 0 && value < 1 << 31 && value.to_string() == text)
}

fn new_message(conversation: &Conversation, sender: UserId, draft: Draft) -> NewMessage {
    let created_at = store::now();
    let (client_id, earlier) = client_key(&draft, created_at);
    let is_half_of_two = match draft.channel {
        Channel::Socket => matches!(draft.client_id, Some(ClientId::Temporary(_))),
        Channel::Rest => draft.client_id.is_none(),
    };
    let twin = is_half_of_two.then_some(Twin {
        channel: draft.channel,
    });
    let row = MessageRow {
        // The writer numbers it.
        id: MessageId::from(""),
        conversation_id: conversation.id.clone(),
        seq: 0,
        rev: 0,
        sender_id: sender,
        sender_party: None,
        client_id,
        kind: draft.kind,
        content: draft.content,
        file_url: draft.file.url,
        file_name: draft.file.name,
        file_size: draft.file.size,
        file_type: draft.file.media_type,
        metadata: None,
        reply_to: None,
        read_at: None,
        read_by: None,
        created_at,
        edited_at: None,
        deleted_at: None,
    };
    NewMessage { row, earlier, twin }
}

/// The unique key of a send, and the one it had in the time window before.
fn client_key(
    draft: &Draft,
    now: chrono::DateTime<chrono::Utc>,
) -> (Option<String>, Option<EarlierKey>) {
    let temporary = match &draft.client_id {
        None => return (None, None),
        Some(ClientId::Explicit(id)) => return (Some(id.clone()), None),
        Some(ClientId::Temporary(id)) => id,
    };
    let digest = digest(temporary, draft);
    if temporary.chars().count() >= LONG_TEMP_ID_CHARS {
        return (Some(format!("temp:{digest}")), None);
    }
    let window = now.timestamp() / SHORT_TEMP_ID_WINDOW.num_seconds();
    let earlier = EarlierKey {
        client_id: format!("temp:{}:{digest}", window - 1),
        not_before: now - SHORT_TEMP_ID_WINDOW,
    };
    (Some(format!("temp:{window}:{digest}")), Some(earlier))
}

/// A temporary id together with what the message says, as 32 hexadecimal digits.
fn digest(temporary: &str, draft: &Draft) -> String {
    let mut hash = Sha256::new();
    let parts = [
        Some(temporary),
        Some(draft.kind.as_str()),
        draft.content.as_deref(),
        draft.file.url.as_deref(),
    ];
    for part in parts {
        // The length in front keeps "ab" + "c" apart from "a" + "bc".
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    let digest = hash.finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(temporary: &str, content: &str) -> Draft {
        Draft {
            sender: None,
            receiver: UserId::from("2"),
            conversation: ConversationHint::None,
            content: Some(content.into()),
            kind: "text".into(),
            file: File::default(),
            client_id: Some(ClientId::Temporary(temporary.into())),
            channel: Channel::Socket,
        }
    }

    #[test]
    fn a_temporary_id_names_a_send_together_with_its_text() {
        let now = store::now();
        let key = |temporary, content| client_key(&draft(temporary, content), now).0;
        assert_eq!(key("temp_12345", "hi"), key("temp_12345", "hi"));
        assert_ne!(key("temp_12345", "hi"), key("temp_12345", "ho"));
        assert_ne!(key("temp_12345", "hi"), key("temp_12346", "hi"));
    }

    #[test]
    fn a_short_temporary_id_names_a_send_for_ten_minutes() {
        let now = store::now();
        let (first, _) = client_key(&draft("7", "hi"), now);
        let (later, earlier) = client_key(&draft("7", "hi"), now + TimeDelta::minutes(10));
        assert_ne!(first, later);
        assert_eq!(Some(earlier.unwrap().client_id), first);
    }

    #[test]
    fn only_small_integers_can_be_wished_for() {
        let is_small = |id: &str| is_small_integer(&ConversationId::from(id));
        assert!(is_small("42"));
        assert!(is_small("2147483647"));
        for id in ["0", "-1", "042", "2147483648", "x", ""] {
            assert!(!is_small(id), "{id}");
        }
    }
}
