//! Who listens to a conversation, and why they may.

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, UserId};

use super::Sessions;

/// Why a socket may listen to a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listening {
    /// Its user takes part, and hears no more when that ends.
    Member(UserId),
    /// Its user administers, walks through an open door, or nobody is asked.
    Guest,
}

impl Sessions {
    /// Stops the sockets of a user from listening to a conversation.
    pub fn unlisten_all(&self, user: &UserId, conversation: &ConversationId) {
        let mut listeners = Vec::new();
        self.each_of_conversation(conversation, |session| {
            if session.is_of(user) {
                listeners.push(Arc::clone(session));
            }
        });
        for session in listeners {
            self.unlisten(&session, conversation);
        }
    }

    /// The users whose sockets listen to a conversation because they take part in it.
    pub fn listening_members(&self, conversation: &ConversationId) -> Vec<UserId> {
        let mut members = Vec::new();
        self.each_of_conversation(conversation, |session| {
            let access = session.state().conversations.get(conversation).cloned();
            if let Some(Listening::Member(user)) = access
                && session.is_of(&user)
            {
                members.push(user);
            }
        });
        members
    }
}
