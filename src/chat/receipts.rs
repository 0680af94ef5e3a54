//! Read markers.

use sohbet_entity::ids::{ConversationId, UserId};

use super::{About, Chat, Dialect, Receipt};
use crate::auth::Identity;
use crate::error::{Error, Result};
use crate::store::{self, NewRead, Write};

impl Chat {
    /// Checks a read marker and makes it ready for the writer.
    pub(super) async fn prepare_read(
        &self,
        identity: &Identity,
        conversation: ConversationId,
        reader: Option<&UserId>,
        asserted: Option<&UserId>,
    ) -> Result<(Write, About)> {
        let reader = identity.acting(reader, asserted)?;
        self.check_access(identity, &conversation).await?;
        let found = self.find_conversation(&conversation).await?;
        let about = About::Read {
            other: found.and_then(|found| found.other(&reader).cloned()),
        };
        let write = Write::Read(NewRead {
            conversation,
            reader,
            at: store::now(),
        });
        Ok((write, about))
    }

    /// Marks a conversation read for a REST call; returns how many messages that changed.
    pub async fn mark_read(
        &self,
        identity: &Identity,
        conversation: ConversationId,
        reader: &UserId,
        dialect: Dialect,
    ) -> Result<u64> {
        let (write, about) = self
            .prepare_read(identity, conversation, Some(reader), None)
            .await?;
        match self.submit_and_wait(write, about, dialect, None).await? {
            Receipt::Read { n_marked, .. } => Ok(n_marked),
            Receipt::Message(_) => Err(Error::Internal),
        }
    }
}
