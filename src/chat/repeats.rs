//! Repeats of a send that would be refused now, or go elsewhere: what is stored under the client's id is
//! the answer all the same. Looked up only then; otherwise the writer finds repeats by their key.

use std::sync::Arc;

use sohbet_entity::ids::ConversationId;

use super::{Caller, Chat, ClientId, Conversation, Draft, Note, Target};
use crate::error::Result;
use crate::store::Pair;

impl Chat {
    /// The conversation in which a send is stored already. The caller still takes part in it.
    pub(super) async fn sent_in(
        &self,
        caller: &Caller,
        draft: &Draft,
    ) -> Result<Option<Arc<Conversation>>> {
        let Some(ClientId::Explicit(client_id)) = &draft.client_id else {
            return Ok(None);
        };
        let found = match &draft.target {
            Target::User { receiver, .. } => {
                let pair = Pair::new(caller.user.clone(), receiver.clone());
                self.find_pair(&pair).await?
            }
            Target::Conversation(id) => self.find_conversation(id).await?,
        };
        let Some(conversation) = found.filter(|found| found.admits(caller)) else {
            return Ok(None);
        };
        let is_sent = self.has_sent(caller, &conversation.id, client_id).await?;
        Ok(is_sent.then_some(conversation))
    }

    /// Whether the caller has sent something under that id there.
    pub(super) async fn has_sent(
        &self,
        caller: &Caller,
        conversation: &ConversationId,
        client_id: &str,
    ) -> Result<bool> {
        let sent = self
            .store
            .find_sent(conversation, &caller.user, client_id)
            .await?;
        Ok(sent.is_some())
    }

    /// The direct conversation in which the caller has sent something under that id to a socket, which
    /// may be gone.
    pub(super) async fn sent_to_socket(
        &self,
        caller: &Caller,
        socket: &str,
        client_id: Option<&ClientId>,
    ) -> Result<Option<ConversationId>> {
        let Some(ClientId::Explicit(client_id)) = client_id else {
            return Ok(None);
        };
        let sent = self
            .store
            .find_sent_privately(&caller.user, client_id)
            .await?;
        let was_to = |to: Option<String>| to.as_deref() == Some(socket);
        let sent = sent.into_iter().find(|row| was_to(Note::of(row).to));
        Ok(sent.map(|row| row.conversation_id))
    }
}
