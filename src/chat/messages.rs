//! Sending messages.

use std::sync::Arc;

use serde_json::Value;
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UploadId, UserId, canonical_decimal};
use uuid::Uuid;

use super::access::is_trusting;
use super::client_keys::client_key;
use super::dialects::IdForm;
use super::handling::GUEST;
use super::{About, Caller, Chat, ClientId, Conversation, Kind, Profile};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{self, Channel, MessageRow, NewId, NewMessage, Pair, RoomChange, Twin, Write};

/// Longest kind of a message, in characters.
const MAX_KIND_CHARS: usize = 32;
/// Longest URL of a file, in bytes.
const MAX_URL_BYTES: usize = 2_048;
/// Longest name of a file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 1_024;
/// Longest media type of a file, in characters.
const MAX_FILE_TYPE_CHARS: usize = 255;

/// A stored message with the people in it.
#[derive(Debug, Clone)]
pub struct Message {
    /// The row.
    pub row: Arc<MessageRow>,
    /// Who sent it.
    pub sender: Arc<Profile>,
    /// Who receives it; `None` in rooms.
    pub receiver: Option<Arc<Profile>>,
    /// Where it was said.
    pub conversation: Arc<Conversation>,
    /// An earlier send had stored it.
    pub duplicate: bool,
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

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One other user.
    User {
        /// Who receives it.
        receiver: UserId,
        /// The conversation the payload names.
        conversation: ConversationHint,
    },
    /// Whoever takes part in a conversation, which must exist.
    Conversation(ConversationId),
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

/// A stored file that a message shows, named by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedUpload {
    /// Which; its sender must have brought it.
    pub id: UploadId,
    /// Whether the message is of the kind that the file is.
    pub sets_kind: bool,
}

/// A message that somebody wants to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Who the payload says sends it.
    pub sender: Option<UserId>,
    /// Whom it is for.
    pub target: Target,
    /// The text; `None` for a bare file.
    pub content: Option<String>,
    /// `text`, `image` and so on.
    pub kind: String,
    /// The file, if there is one.
    pub file: File,
    /// Instead of `file`: a stored file.
    pub upload: Option<AttachedUpload>,
    /// What else the client wants to be kept with it: a JSON object.
    pub metadata: Option<Value>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The client's id of this send.
    pub client_id: Option<ClientId>,
    /// How it came in.
    pub channel: Channel,
}

impl Draft {
    /// A text message without a text yet.
    pub fn new(target: Target, channel: Channel) -> Self {
        Self {
            sender: None,
            target,
            content: None,
            kind: "text".into(),
            file: File::default(),
            upload: None,
            metadata: None,
            reply_to: None,
            client_id: None,
            channel,
        }
    }
}

impl Chat {
    /// Checks a draft and makes it ready for the writer.
    pub(super) async fn prepare_send(
        &self,
        caller: &Caller,
        mut draft: Draft,
    ) -> Result<(Write, About)> {
        caller.check(Permission::Write)?;
        self.check_size(&draft)?;
        if let Some(upload) = draft.upload.take() {
            self.attach(caller, &mut draft, &upload).await?;
        }
        if let Some(link) = draft.file.url.take() {
            draft.file.url = Some(self.check_link(caller, link).await?);
        }
        let conversation = self.conversation_for(caller, &draft).await?;
        if let Some(reply_to) = &draft.reply_to {
            self.check_message(&conversation.id, reply_to).await?;
        }
        let receiver = match conversation.other(&caller.user) {
            Some(other) => Some(self.profile(other).await?),
            None => None,
        };
        let about = About::Message {
            sender: self.profile(&caller.user).await?,
            receiver,
            conversation: Arc::clone(&conversation),
        };
        let write = new_message(&conversation, caller, draft);
        Ok((Write::Message(Box::new(write)), about))
    }

    /// Makes a stored file the one that a message shows.
    async fn attach(
        &self,
        caller: &Caller,
        draft: &mut Draft,
        upload: &AttachedUpload,
    ) -> Result<()> {
        let no_upload = Error::NotFound("Upload not found");
        let row = self.store.find_upload(&upload.id).await?;
        let row = row.ok_or(no_upload.clone())?;
        if row.owner_id.as_ref() != Some(&caller.user) {
            return Err(no_upload);
        }
        if upload.sets_kind {
            let family = row.media_type.split('/').next().unwrap_or_default();
            let is_known = ["image", "video", "audio"].contains(&family);
            draft.kind = if is_known { family } else { "file" }.to_owned();
        }
        draft.file = File {
            url: Some(self.upload_path(&row)),
            name: Some(row.name),
            size: Some(row.size_bytes),
            media_type: Some(row.media_type),
        };
        Ok(())
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

    async fn conversation_for(&self, caller: &Caller, draft: &Draft) -> Result<Arc<Conversation>> {
        match &draft.target {
            Target::User {
                receiver,
                conversation,
            } => {
                self.check_receiver(receiver)?;
                let pair = Pair::new(caller.user.clone(), receiver.clone());
                self.pair_for(caller, pair, conversation).await
            }
            Target::Conversation(id) => {
                let found = self.approach(caller, id).await?;
                let found = found.ok_or(Error::NotFound("Conversation not found"))?;
                self.reopen(caller, found).await
            }
        }
    }

    /// A guest lives as long as its socket, and the id of a socket is nobody's address.
    fn check_receiver(&self, receiver: &UserId) -> Result<()> {
        let id = receiver.as_str();
        if canonical_decimal(id).is_some() {
            return Ok(());
        }
        let is_gone = id.starts_with(GUEST) && !self.sessions.is_connected(receiver);
        match is_gone || self.sessions.find(id).is_some() {
            true => Err(Error::NotFound("User not found")),
            false => Ok(()),
        }
    }

    /// A message brings a dealer room that was closed back to life; nobody can write into a closed
    /// room of people.
    async fn reopen(
        &self,
        caller: &Caller,
        conversation: Arc<Conversation>,
    ) -> Result<Arc<Conversation>> {
        let Kind::Room(room) = &conversation.kind else {
            return Ok(conversation);
        };
        if room.is_active || (is_trusting(caller) && room.galleries.is_none()) {
            return Ok(conversation);
        }
        if room.galleries.is_none() {
            return Err(Error::Conflict("Conversation is closed"));
        }
        let change = RoomChange {
            is_active: Some(true),
            ..RoomChange::default()
        };
        self.update_room(&conversation.id, &change).await
    }

    async fn pair_for(
        &self,
        caller: &Caller,
        pair: Pair,
        hint: &ConversationHint,
    ) -> Result<Arc<Conversation>> {
        let is_trusted = is_trusting(caller);
        let not_found = Error::NotFound("Conversation not found");
        let hint = match hint {
            ConversationHint::None => None,
            ConversationHint::Wish(id) => Some(id),
            ConversationHint::MustMatch(id) => match self.find_pair(&pair).await? {
                Some(found) if found.id == *id => return Ok(found),
                Some(_) => return Err(not_found),
                None if self.is_of_others(id, &pair).await? => return Err(not_found),
                None if !is_trusted => return Err(not_found),
                None => Some(id),
            },
        };
        let may_choose = |id: &&ConversationId| is_trusted && is_small_integer(id);
        let wanted = hint.filter(may_choose).cloned();
        let is_numbered = caller.dialect.ids() == IdForm::Small;
        let (conversation, _) = self.pair_conversation(pair, wanted, is_numbered).await?;
        Ok(conversation)
    }

    /// Whether an id is the one of a conversation that is not the pair's. The pair's own may have
    /// been made a moment ago, by the same message over another channel.
    async fn is_of_others(&self, id: &ConversationId, pair: &Pair) -> Result<bool> {
        let found = self.find_conversation(id).await?;
        Ok(found.is_some_and(|found| found.pair() != Some(pair)))
    }
}

/// An id that a client may choose for a new conversation: a positive integer below 2^31.
fn is_small_integer(id: &ConversationId) -> bool {
    let text = id.as_str();
    let value: Option<u32> = text.parse().ok();
    value.is_some_and(|value| value > 0 && value < 1 << 31 && value.to_string() == text)
}

fn new_message(conversation: &Conversation, caller: &Caller, draft: Draft) -> NewMessage {
    let created_at = store::now();
    let (client_id, earlier) = client_key(&draft, created_at);
    let is_half_of_two = match draft.channel {
        Channel::Socket => matches!(draft.client_id, Some(ClientId::Temporary(_))),
        Channel::Rest => draft.client_id.is_none(),
    };
    // Only the front ends of one dialect send everything twice.
    let is_half_of_two = is_half_of_two && caller.dialect.ids() == IdForm::Small;
    let twin = is_half_of_two.then_some(Twin {
        channel: draft.channel,
    });
    let id = match caller.dialect.ids() {
        IdForm::Small => NewId::Number,
        IdForm::Millis => NewId::Millis,
        IdForm::Uuid => NewId::Given,
    };
    let row = MessageRow {
        // The writer replaces it where it gives out numbers.
        id: match id {
            NewId::Given => MessageId::from(Uuid::now_v7().to_string()),
            NewId::Number | NewId::Millis => MessageId::from(""),
        },
        conversation_id: conversation.id.clone(),
        seq: 0,
        rev: 0,
        sender_id: caller.user.clone(),
        sender_party: sender_party(conversation, caller),
        client_id,
        kind: draft.kind,
        content: draft.content,
        file_url: draft.file.url,
        file_name: draft.file.name,
        file_size: draft.file.size,
        file_type: draft.file.media_type,
        metadata: draft.metadata,
        reply_to: draft.reply_to,
        read_at: None,
        read_by: None,
        created_at,
        edited_at: None,
        deleted_at: None,
    };
    NewMessage {
        row,
        id,
        earlier,
        twin,
    }
}

/// Users of a gallery speak for it in its rooms.
fn sender_party(conversation: &Conversation, caller: &Caller) -> Option<PartyId> {
    conversation.galleries()?;
    caller.gallery_party()
}

#[cfg(test)]
mod tests {
    use super::*;

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
