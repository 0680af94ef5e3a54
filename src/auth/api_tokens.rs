//! API tokens: what their text looks like, and what they permit.

use chrono::{DateTime, Utc};
use sohbet_entity::enums::TokenType;
use sohbet_entity::ids::ApiTokenId;

use super::Permissions;

/// What an API token lets its holder do.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The token; `None` for one that somebody else signed and that has no row.
    pub token: Option<ApiTokenId>,
    /// Whether it speaks for one user or for a program.
    pub token_type: TokenType,
    /// What it permits, its owner's role taken into account.
    pub permissions: Permissions,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}
