//! API tokens and accounts for the command line: straight on the database, also beside a running server.

use std::sync::Arc;

use sohbet_entity::ids::{ApiTokenId, PartyId, UserId};

use super::prepare_auth;
use crate::auth::{self, Auth};
use crate::chat::ApiTokens;
use crate::store::{self, Proof, Store};

pub use crate::chat::{ApiToken, CreatedToken, NewApiToken, TokenFilter, TokenForm, usual_end};
pub use crate::store::AccountChange;

/// The tokens of a database. Whoever can open it may do everything with them.
pub struct Tokens {
    store: Arc<Store>,
    auth: Auth,
    tokens: ApiTokens,
}

impl Tokens {
    /// Opens the database.
    pub async fn open(store: &store::Config, auth: &auth::Config) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open_for_command(store).await?);
        Ok(Self {
            auth: prepare_auth(auth, &store).await?,
            tokens: ApiTokens::new(Arc::clone(&store)),
            store,
        })
    }

    /// Takes notice of a user, who exists from now on; `true` for a new one.
    pub async fn introduce(&self, user: &UserId) -> anyhow::Result<bool> {
        if self.store.find_user(user).await?.is_some() {
            return Ok(false);
        }
        if PartyId::from(user).gallery().is_some() {
            anyhow::bail!("{user} names a gallery, and no user can be called like that");
        }
        self.store.save_user(user, None).await?;
        Ok(true)
    }

    /// Changes what is accepted of a user, who exists from now on; `true` for a new one.
    pub async fn change_account(
        &self,
        user: &UserId,
        change: AccountChange,
    ) -> anyhow::Result<bool> {
        let is_new = self.store.find_user(user).await?.is_none();
        let by = Proof::Nothing;
        self.store.change_account(user, change, &by).await?;
        Ok(is_new)
    }

    /// Makes a token for a user who exists.
    pub async fn create(&self, new: NewApiToken) -> anyhow::Result<CreatedToken> {
        Ok(self.tokens.create(&self.auth, new).await?)
    }

    /// A page of tokens, newest first, of at most 100.
    pub async fn list(&self, filter: &TokenFilter, limit: u32) -> anyhow::Result<Vec<ApiToken>> {
        Ok(self.tokens.list(filter, limit).await?)
    }

    /// Ends a token; `false` when it has been ended before.
    pub async fn revoke(&self, id: &ApiTokenId) -> anyhow::Result<bool> {
        Ok(self.tokens.revoke(id).await?)
    }

    /// Closes the database.
    pub async fn close(self) {
        self.store.close().await;
    }
}
