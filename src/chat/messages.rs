//! Sending messages.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UploadId, UserId};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::access::is_trusting;
use super::client_keys::client_key;
use super::dialects::IdForm;
use super::{
    About, Caller, Chat, ClientId, Conversation, Event, Origin, Profile, Reply, SessionId, Tag,
};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{self, Channel, MessageRow, NewId, NewMessage, ReactionRow, Twin, Write};

/// Longest kind of a message, in characters.
const MAX_KIND_CHARS: usize = 32;
/// Longest URL of a file, in bytes.
const MAX_URL_BYTES: usize = 2_048;
/// Longest name of a file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 1_024;
/// Longest media type of a file, in characters.
const MAX_FILE_TYPE_CHARS: usize = 255;
/// How long a REST call waits for its write.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

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
    /// What others did to it since, when it is a duplicate.
    pub reactions: Vec<ReactionRow>,
    /// As [`store::StoredMessage::facts_in`]; 0 for one that was read.
    pub facts_in: i64,
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
        let conversation = match self.check_parts(caller, &mut draft).await {
            Ok(conversation) => conversation,
            // What is stored is answered as it was, whatever became of its parts since.
            Err(error) => Box::pin(self.sent_in(caller, &draft)).await?.ok_or(error)?,
        };
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

    /// Checks what a draft refers to; returns the conversation that it goes to.
    async fn check_parts(&self, caller: &Caller, draft: &mut Draft) -> Result<Arc<Conversation>> {
        if let Some(upload) = draft.upload.take() {
            Box::pin(self.attach(caller, draft, &upload)).await?;
        }
        if let Some(link) = draft.file.url.take() {
            draft.file.url = Some(Box::pin(self.check_link(caller, link)).await?);
        }
        let conversation = self.conversation_for(caller, draft).await?;
        if let Some(reply_to) = &draft.reply_to {
            Box::pin(self.check_message(&conversation.id, reply_to)).await?;
        }
        Ok(conversation)
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
        draft
            .content
            .as_deref()
            .map_or(Ok(()), |text| self.check_text(text))?;
        let is_too_large = too_long(draft.file.url.as_ref(), MAX_URL_BYTES)
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

    /// Refuses a text that is too long.
    pub(super) fn check_text(&self, text: &str) -> Result<()> {
        match text.len() > self.config.max_text_bytes {
            true => Err(Error::TooLarge("Message is too long")),
            false => Ok(()),
        }
    }

    /// Sends a message for a REST call and waits until it is stored and handed to its listeners.
    pub async fn send(
        &self,
        caller: &Caller,
        draft: Draft,
        echo: Option<Box<RawValue>>,
    ) -> Result<Message> {
        let (write, about) = self.prepare_send(caller, draft).await?;
        match self.submit_and_wait(caller, write, about, echo).await? {
            Reply::Sent { message, .. } => Ok(message),
            _ => Err(Error::Internal),
        }
    }

    /// Hands a write of a REST call to the writer and waits for its outcome.
    pub(super) async fn submit_and_wait(
        &self,
        caller: &Caller,
        write: Write,
        about: About,
        echo: Option<Box<RawValue>>,
    ) -> Result<Reply> {
        let (reply, receipt) = oneshot::channel();
        let origin = Origin::Rest {
            reply,
            asker: None,
            echo,
        };
        self.submit_from(caller, write, about, origin, receipt)
            .await
    }

    /// As [`Chat::submit_and_wait`], for a request of a socket, which does not hear of what it did.
    pub(super) async fn submit_for(
        &self,
        asker: Option<SessionId>,
        caller: &Caller,
        write: Write,
        about: About,
    ) -> Result<Reply> {
        let (reply, receipt) = oneshot::channel();
        let origin = Origin::Rest {
            reply,
            asker,
            echo: None,
        };
        self.submit_from(caller, write, about, origin, receipt)
            .await
    }

    async fn submit_from(
        &self,
        caller: &Caller,
        write: Write,
        about: About,
        origin: Origin,
        receipt: oneshot::Receiver<Result<Reply>>,
    ) -> Result<Reply> {
        self.limits.admit_write(&write, &about)?;
        let tag = Tag {
            origin,
            before: self.ended_typing(caller.dialect, &write),
            about,
            dialect: caller.dialect,
        };
        self.writer.submit(write, tag).map_err(|(_, error)| error)?;
        // The write may still go through; a repeat with the same client id finds out.
        tokio::time::timeout(WRITE_DEADLINE, receipt)
            .await
            .map_err(|_| Error::busy())?
            .map_err(|_| Error::busy())?
    }

    /// The end of its author's typing, which is heard before a message.
    pub(super) fn ended_typing(&self, dialect: super::Dialect, write: &Write) -> Option<Event> {
        match write {
            Write::Message(new) => {
                self.stop_typing_of(dialect, &new.row.conversation_id, &new.row.sender_id)
            }
            Write::Change(_) | Write::Read(_) => None,
        }
    }
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
    let is_room_of_people = conversation.room().is_some() && conversation.galleries().is_none();
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
        room_sender_id: is_room_of_people.then(|| caller.user.clone()),
        is_changed: false,
    };
    NewMessage {
        row,
        id,
        earlier,
        twin,
        admitted_in: admitted_in(conversation, caller),
    }
}

/// Set where a room lets the caller speak because of the part that they take by name.
pub(super) fn admitted_in(conversation: &Conversation, caller: &Caller) -> Option<i64> {
    let room = conversation.room()?;
    let is_by_name = room.members.contains_key(&caller.user) && !is_trusting(caller);
    is_by_name.then_some(conversation.facts_in)
}

/// Users of a gallery speak for it in its rooms.
fn sender_party(conversation: &Conversation, caller: &Caller) -> Option<PartyId> {
    conversation.galleries()?;
    caller.gallery_party()
}
