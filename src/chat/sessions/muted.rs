//! Conversations that a socket is not told of, although its user takes part.

use std::sync::atomic::Ordering;

use sohbet_entity::ids::ConversationId;

use super::Session;
use crate::error::{Error, Result};

/// Conversations that one socket may have told to be silent.
const MAX_MUTED: usize = 1_000;

impl Session {
    /// Tells it nothing of a conversation from now on.
    pub fn mute(&self, conversation: &ConversationId) -> Result<()> {
        let muted = &mut self.state().muted;
        if muted.len() >= MAX_MUTED && !muted.contains(conversation) {
            return Err(Error::TooLarge("Too many conversations left"));
        }
        muted.insert(conversation.clone());
        self.n_muted.store(muted.len(), Ordering::Release);
        Ok(())
    }

    /// Tells it of a conversation again.
    pub fn unmute(&self, conversation: &ConversationId) {
        if self.n_muted.load(Ordering::Acquire) > 0 {
            let muted = &mut self.state().muted;
            muted.remove(conversation);
            self.n_muted.store(muted.len(), Ordering::Release);
        }
    }

    /// Whether it asked not to be told of a conversation.
    pub fn has_muted(&self, conversation: &ConversationId) -> bool {
        self.n_muted.load(Ordering::Acquire) > 0 && self.state().muted.contains(conversation)
    }
}
