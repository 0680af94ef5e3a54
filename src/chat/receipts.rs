//! Read markers.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use sohbet_entity::ids::{ConversationId, MessageId, PartyId};

use super::{About, Caller, Chat, Conversation, Dialect, Reply, Session};
use crate::auth::{Permission, Trust};
use crate::error::{Error, Result};
use crate::store::{self, MessageRow, NewRead, ReadOutcome, ReadScope, Write};

/// Markers of one call that wait for the writer at a time, so that others get their turn.
const MAX_MARKS_TOGETHER: usize = 64;

impl Chat {
    /// Checks a read marker and makes it ready for the writer.
    pub(super) async fn prepare_read(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        scope: ReadScope,
        message: Option<MessageId>,
    ) -> Result<(Write, About)> {
        caller.check(Permission::Write)?;
        let known = self.approach(caller, &conversation).await?;
        let write = Write::Read(NewRead {
            party: reading_party(known.as_deref(), caller),
            conversation,
            reader: caller.user.clone(),
            scope,
            message,
            at: store::now(),
        });
        Ok((write, About::Read { known }))
    }

    /// Checks the marker of one message, which only who received it may set. In development mode a
    /// socket that never said who it is sets it for the receiver.
    pub(super) async fn prepare_read_by(
        &self,
        session: &Session,
        dialect: Dialect,
        message: &MessageId,
    ) -> Result<(Write, About)> {
        let (row, known) = self.locate(message).await?;
        let is_nobody = session.identity().trust == Trust::Claimed && session.user().is_none();
        let receiver = known.other(&row.sender_id).filter(|_| is_nobody);
        let caller = self.speaker(session, dialect, receiver).await;
        let caller = caller.map_err(|error| match error {
            Error::Unauthenticated(text) => Error::Forbidden(text),
            error => error,
        })?;
        self.prepare_one(&caller, &row, &known).await
    }

    async fn locate(&self, message: &MessageId) -> Result<(MessageRow, Arc<Conversation>)> {
        let row = self.store.find_message(message).await?;
        let row = row.ok_or(Error::NO_MESSAGE)?;
        let known = self.find_conversation(&row.conversation_id).await?;
        Ok((row, known.ok_or(Error::NO_MESSAGE)?))
    }

    async fn prepare_one(
        &self,
        caller: &Caller,
        row: &MessageRow,
        known: &Conversation,
    ) -> Result<(Write, About)> {
        if !known.admits(caller) || row.sender_id == caller.user {
            return Err(Error::Forbidden("Forbidden"));
        }
        let (conversation, scope) = (row.conversation_id.clone(), ReadScope::One(row.seq));
        self.prepare_read(caller, conversation, scope, Some(row.id.clone()))
            .await
    }

    /// Marks one message read for a REST call.
    pub async fn mark_message_read(
        &self,
        caller: &Caller,
        message: &MessageId,
    ) -> Result<ReadOutcome> {
        let (row, known) = self.locate(message).await?;
        let (write, about) = self.prepare_one(caller, &row, &known).await?;
        match self.submit_and_wait(caller, write, about, None).await? {
            Reply::Read { outcome, .. } => Ok(outcome),
            _ => Err(Error::Internal),
        }
    }

    /// Marks those messages read that the caller received, and leaves the others alone. Returns how
    /// many became read.
    pub async fn mark_messages_read(&self, caller: &Caller, ids: &[MessageId]) -> Result<u64> {
        let ids: Vec<&MessageId> = ids.iter().collect();
        let mut marks = Vec::with_capacity(ids.len());
        for row in self.store.find_messages(&ids).await? {
            if let Some(known) = self.find_conversation(&row.conversation_id).await?
                && let Ok((write, about)) = self.prepare_one(caller, &row, &known).await
            {
                marks.push(self.submit_and_wait(caller, write, about, None));
            }
        }
        let mut n_marked = 0;
        let mut replies = stream::iter(marks).buffered(MAX_MARKS_TOGETHER);
        while let Some(reply) = replies.next().await {
            if let Reply::Read { outcome, .. } = reply? {
                n_marked += outcome.n_marked;
            }
        }
        Ok(n_marked)
    }

    /// Messages that a user has not read, in all direct conversations.
    pub async fn count_unread(&self, caller: &Caller) -> Result<i64> {
        caller.check(Permission::Read)?;
        Ok(self.store.count_unread(&caller.user).await?)
    }

    /// Marks a conversation, or a part of it, read for a REST call.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        scope: ReadScope,
    ) -> Result<ReadOutcome> {
        let (write, about) = self.prepare_read(caller, conversation, scope, None).await?;
        match self.submit_and_wait(caller, write, about, None).await? {
            Reply::Read { outcome, .. } => Ok(outcome),
            _ => Err(Error::Internal),
        }
    }
}

/// Whose marker moves: in the rooms of galleries that of the gallery, elsewhere the reader's own.
fn reading_party(conversation: Option<&Conversation>, caller: &Caller) -> PartyId {
    let is_dealer_room = conversation.is_some_and(|known| known.galleries().is_some());
    let gallery = caller.gallery_party().filter(|_| is_dealer_room);
    gallery.unwrap_or_else(|| PartyId::from(&caller.user))
}
