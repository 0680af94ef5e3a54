//! The public chat of people who have names instead of accounts.

use std::sync::Arc;

use super::handling::Step;
use super::{Chat, Dialect, Session};
use crate::error::{Error, Result};

/// What a socket asks of the public chat.
#[derive(Debug, PartialEq)]
pub enum LobbyRequest {}

/// What it is told.
#[derive(Debug)]
pub enum LobbyReply {}

/// What happens there.
pub enum LobbyEvent {}

impl Chat {
    pub(super) async fn do_lobby(
        &self,
        _session: &Arc<Session>,
        _dialect: Dialect,
        _request: LobbyRequest,
    ) -> Result<Step> {
        Err(Error::Internal)
    }
}
