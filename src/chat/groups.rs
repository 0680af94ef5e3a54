//! Groups that people join by their id.

use std::sync::Arc;

use sohbet_entity::ids::ConversationId;

use super::handling::Step;
use super::{Chat, Dialect, Session};
use crate::error::{Error, Result};

/// What a socket asks about groups.
#[derive(Debug, PartialEq)]
pub enum GroupRequest {
    /// Take part; a group that does not exist is made.
    Join {
        /// Which.
        group: ConversationId,
    },
    /// Take part no longer.
    Leave {
        /// Which.
        group: ConversationId,
    },
}

impl Chat {
    pub(super) async fn do_group(
        &self,
        _session: &Arc<Session>,
        _dialect: Dialect,
        _request: GroupRequest,
    ) -> Result<Step> {
        Err(Error::Internal)
    }
}
