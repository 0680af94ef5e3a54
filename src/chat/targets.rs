//! Whom a message is for: the conversation behind a receiver or an id.

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, UserId, canonical_decimal};

use super::access::is_trusting;
use super::dialects::IdForm;
use super::handling::GUEST;
use super::{Caller, Chat, Conversation, ConversationHint, Draft, Kind, Target};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{Pair, RoomChange};

impl Chat {
    /// The conversation that a draft goes to; that of two users is made with its first message.
    pub(super) async fn conversation_for(
        &self,
        caller: &Caller,
        draft: &Draft,
    ) -> Result<Arc<Conversation>> {
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
                let found = self.approach_to(Permission::Write, caller, id).await?;
                // Nobody but the two writes to a pair, whatever a server lets pass.
                let found = found.filter(|found| found.pair().is_none() || found.admits(caller));
                let found = found.ok_or(Error::NO_CONVERSATION)?;
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
        let is_gone = id.starts_with(GUEST) && !self.is_reachable(receiver);
        match is_gone || self.sessions.find(id).is_some() {
            true => Err(Error::NO_USER),
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
        Box::pin(self.update_room(&conversation.id, &change)).await
    }

    async fn pair_for(
        &self,
        caller: &Caller,
        pair: Pair,
        hint: &ConversationHint,
    ) -> Result<Arc<Conversation>> {
        let is_trusted = is_trusting(caller);
        let hint = match hint {
            ConversationHint::None => None,
            ConversationHint::Wish(id) => Some(id),
            ConversationHint::MustMatch(id) => match self.find_pair(&pair).await? {
                Some(found) if found.id == *id => return Ok(found),
                Some(_) => return Err(Error::NO_CONVERSATION),
                None if self.is_of_others(id, &pair).await? => return Err(Error::NO_CONVERSATION),
                None if !is_trusted => return Err(Error::NO_CONVERSATION),
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
