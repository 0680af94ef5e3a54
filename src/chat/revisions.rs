//! What happens to messages that are stored: they are edited, deleted and reacted to. Each change
//! goes through the writer and takes a `rev`, like a message.

use std::sync::Arc;

use sohbet_entity::ids::MessageId;

use super::messages::admitted_in;
use super::views::grouped;
use super::{
    About, Caller, Chat, Conversation, DeskEvent, Event, LobbyEvent, Message, MessageView, Profile,
    Reply,
};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{
    self, Change, ChangedMessage, MAX_REACTIONS, MAX_WAYS, NewChange, ReactionRow, Write,
};

impl Chat {
    /// Checks a change that the caller wants of a message in one of their conversations, and makes it
    /// ready for the writer.
    pub(super) async fn prepare_change(
        &self,
        caller: &Caller,
        id: &MessageId,
        change: Change,
    ) -> Result<(Write, About)> {
        let row = self.find_message(id).await?.ok_or(Error::NO_MESSAGE)?;
        let conversation = self.enter(caller, &row.conversation_id).await;
        // Whoever may not see the conversation learns nothing about its messages.
        let conversation = conversation.map_err(|error| match error {
            Error::NotFound(_) => Error::NO_MESSAGE,
            error => error,
        })?;
        let message = self.dress(&conversation, row).await?;
        self.prepare_change_of(caller, &message, change).await
    }

    /// As [`Chat::prepare_change`], of a message that the caller was seen to have access to.
    pub(super) async fn prepare_change_of(
        &self,
        caller: &Caller,
        message: &Message,
        change: Change,
    ) -> Result<(Write, About)> {
        caller.check(Permission::Write)?;
        if message.row.deleted_at.is_some() && change != Change::Delete {
            return Err(Error::NO_MESSAGE);
        }
        let is_own = message.row.sender_id == caller.user;
        match &change {
            Change::React { emoji, is_added } => {
                self.check_reaction(caller, message, emoji, *is_added)
                    .await?;
            }
            Change::Edit { .. } if !is_own => {
                return Err(Error::Forbidden("Only its sender edits a message"));
            }
            Change::Edit { content } => self.check_text(content)?,
            Change::Delete => message.conversation.check_delete(caller, is_own)?,
        }
        let about = About::Message {
            sender: Arc::clone(&message.sender),
            receiver: message.receiver.clone(),
            conversation: Arc::clone(&message.conversation),
        };
        let change = NewChange {
            message: message.row.id.clone(),
            by: caller.user.clone(),
            change,
            at: store::now(),
            admitted_in: admitted_in(&message.conversation, caller),
        };
        Ok((Write::Change(Box::new(change)), about))
    }

    /// Changes a message for a REST call, and waits until that is stored and told.
    pub(super) async fn change_message(
        &self,
        caller: &Caller,
        id: &MessageId,
        change: Change,
    ) -> Result<MessageView> {
        let (write, about) = self.prepare_change(caller, id, change).await?;
        match self.submit_and_wait(caller, write, about, None).await? {
            Reply::Changed(message) => Ok(message),
            _ => Err(Error::Internal),
        }
    }

    async fn check_reaction(
        &self,
        caller: &Caller,
        message: &Message,
        emoji: &str,
        is_added: bool,
    ) -> Result<()> {
        if !is_added {
            return Ok(());
        }
        let ids = [&message.row.id];
        let reactions = self.store.list_reactions(&ids, MAX_REACTIONS as u32);
        let reactions = reactions.await?;
        let is_own = |reaction: &&ReactionRow| reaction.user_id == caller.user;
        let own = reactions.iter().filter(is_own);
        let ways: Vec<&str> = own.map(|reaction| reaction.emoji.as_str()).collect();
        let is_full = ways.len() >= MAX_WAYS || reactions.len() >= MAX_REACTIONS;
        match is_full && !ways.contains(&emoji) {
            true => Err(Error::TooLarge("Too many reactions")),
            false => Ok(()),
        }
    }

    /// What a change comes to: the answer, and what others hear; `emoji` is the reaction that it was
    /// about.
    pub fn tell_of_change(
        &self,
        emoji: Option<String>,
        changed: ChangedMessage,
        sender: Arc<Profile>,
        conversation: Arc<Conversation>,
    ) -> (Reply, Vec<Event>) {
        let mut events = Vec::new();
        if changed.has_changed
            && let Some(emoji) = emoji
        {
            events.push(Event::Lobby(LobbyEvent::Reacted {
                room: changed.row.conversation_id.clone(),
                message: changed.row.id.clone(),
                emoji,
                reactions: self.lobby_reactions(&changed.reactions),
            }));
        }
        let message = MessageView {
            row: self.shown(changed.row),
            sender,
            reactions: grouped(changed.reactions)
                .into_values()
                .next()
                .unwrap_or_default(),
        };
        if changed.has_changed {
            events.push(Event::Desk(DeskEvent::MessageChanged {
                conversation,
                message: message.clone(),
            }));
        }
        (Reply::Changed(message), events)
    }
}
