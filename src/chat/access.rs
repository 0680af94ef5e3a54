//! May this caller do that here? One place decides.

use std::net::IpAddr;

use sohbet_entity::ids::{ConversationId, UserId};

use super::{Chat, Conversation};
use crate::auth::{Identity, Trust};
use crate::error::{Error, Result};

/// Whether the user takes part in the conversation.
pub fn may_see(conversation: &Conversation, user: &UserId) -> bool {
    let pair = conversation.pair.as_ref();
    pair.is_some_and(|pair| pair.contains(user))
}

impl Chat {
    /// Lets a caller near a conversation: to listen, to type, to read. In development mode
    /// everybody may, and the conversation need not exist yet; otherwise only who takes part, and
    /// for everybody else it does not exist.
    pub async fn check_access(
        &self,
        identity: &Identity,
        conversation: &ConversationId,
    ) -> Result<()> {
        if identity.trust == Trust::Claimed {
            return Ok(());
        }
        let not_found = |_| Error::NotFound("Conversation not found");
        let user = identity.acting(None, None).map_err(not_found)?;
        self.visible_conversation(&user, conversation).await?;
        Ok(())
    }

    /// Whether a peer may relay events without an identity.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.config
            .trusted_addresses
            .contains(&address.to_canonical())
    }

    /// The identity behind the host application's login cookie, if it is in the `Cookie` header
    /// and the login has not expired.
    pub async fn find_login(&self, cookies: Option<&str>) -> Result<Option<Identity>> {
        let Some(token) = cookies.and_then(login_token) else {
            return Ok(None);
        };
        let user = self.store.find_login(token).await?;
        Ok(user.map(|user| self.auth.logged_in(user)))
    }

    /// Lets a caller relay events that it stored elsewhere. A verified user is no host
    /// application; in development mode everybody may.
    pub(super) fn check_relay(&self, identity: &Identity) -> Result<()> {
        match identity.trust {
            Trust::Claimed | Trust::Relay => Ok(()),
            Trust::Verified => Err(Error::Forbidden("Forbidden")),
        }
    }
}

/// The login cookie of a `Cookie` header.
fn login_token(cookies: &str) -> Option<&str> {
    let mut cookies = cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='));
    let (_, token) = cookies.find(|(name, _)| *name == "session_token")?;
    (!token.is_empty()).then_some(token)
}
