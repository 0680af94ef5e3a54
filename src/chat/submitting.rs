//! Writes whose outcome a caller waits for.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{
    About, Caller, Chat, Dialect, Draft, Event, Message, Origin, Reply, SessionId, Tag, Write,
};
use crate::error::{Error, Result};

/// How long a call waits for its write.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

impl Chat {
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
        self.submit_for(None, caller, write, about, echo).await
    }

    /// As [`Chat::submit_and_wait`], for the request of a socket, which is told of its own write in
    /// its answer only.
    pub(super) async fn submit_for(
        &self,
        asker: Option<SessionId>,
        caller: &Caller,
        write: Write,
        about: About,
        echo: Option<Box<RawValue>>,
    ) -> Result<Reply> {
        let (reply, receipt) = oneshot::channel();
        let tag = Tag {
            origin: Origin::Rest { reply, asker, echo },
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
    pub(super) fn ended_typing(&self, dialect: Dialect, write: &Write) -> Option<Event> {
        match write {
            Write::Message(new) => {
                self.stop_typing_of(dialect, &new.row.conversation_id, &new.row.sender_id)
            }
            Write::Read(_) => None,
        }
    }
}
