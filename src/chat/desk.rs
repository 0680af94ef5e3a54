//! What clients of Sohbet's own dialect ask for, beyond what all dialects have.

use std::sync::Arc;

use super::handling::Step;
use super::{Chat, Dialect, Session};
use crate::error::{Error, Result};

/// What a socket asks for.
#[derive(Debug, PartialEq)]
pub enum DeskRequest {}

/// What it is told.
#[derive(Debug)]
pub enum DeskReply {}

/// What others hear of it.
pub enum DeskEvent {}

impl Chat {
    pub(super) async fn do_desk(
        &self,
        _session: &Arc<Session>,
        _dialect: Dialect,
        _request: DeskRequest,
    ) -> Result<Step> {
        Err(Error::Internal)
    }
}
