//! People as others see them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::{GalleryId, PartyId, UserId};

use super::{Chat, News};
use crate::error::{Error, Result};
use crate::store::UserRow;

/// Profiles kept in memory.
const CACHED_PROFILES: usize = 100_000;

/// What others see of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// User id.
    pub id: UserId,
    /// Name to show.
    pub name: Option<String>,
    /// Name that nobody else has.
    pub username: Option<String>,
    /// Picture.
    pub avatar_url: Option<String>,
    /// What the user may do on the whole server.
    pub role: UserRole,
    /// The gallery that the user belongs to, as the directory says.
    pub gallery: Option<GalleryId>,
}

impl From<UserRow> for Profile {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            name: row.display_name.or_else(|| row.username.clone()),
            username: row.username,
            avatar_url: row.avatar_url,
            role: row.role,
            gallery: row.party.and_then(|party| party.gallery()),
        }
    }
}

/// Known profiles. [`Chat::introduce`] replaces them; a name that another node learns, and whose news are
/// lost, is not seen here before the profile falls out of the cache; a gallery and a role are (see
/// `accounts`). A profile that was read before somebody's was
/// changed is not kept after it.
pub struct Users {
    profiles: Cache<UserId, Arc<Profile>>,
    n_changes: AtomicU64,
}

impl Users {
    pub fn new() -> Self {
        Self {
            profiles: Cache::new(CACHED_PROFILES),
            n_changes: AtomicU64::new(0),
        }
    }

    fn n_changes(&self) -> u64 {
        self.n_changes.load(Ordering::SeqCst)
    }

    /// Keeps a profile that was read after `n_changes` changes, unless there was one since.
    fn remember(&self, row: UserRow, n_changes: u64) -> Arc<Profile> {
        let profile = Arc::new(Profile::from(row));
        self.profiles
            .insert(profile.id.clone(), Arc::clone(&profile));
        if self.n_changes() != n_changes {
            self.profiles.remove(&profile.id);
        }
        profile
    }
}

impl Chat {
    /// The profile of a user, who exists from now on.
    pub async fn profile(&self, id: &UserId) -> Result<Arc<Profile>> {
        match self.users.profiles.get(id) {
            Some(profile) => Ok(profile),
            None => Box::pin(self.load_profile(id, None)).await,
        }
    }

    /// The profiles of users who exist.
    pub(super) async fn profiles(
        &self,
        ids: impl IntoIterator<Item = &UserId>,
    ) -> Result<HashMap<UserId, Arc<Profile>>> {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        for id in ids {
            match self.users.profiles.get(id) {
                Some(profile) => {
                    found.insert(id.clone(), profile);
                }
                None => missing.push(id),
            }
        }
        let n_changes = self.users.n_changes();
        for row in self.store.find_users(&missing).await? {
            let id = row.id.clone();
            found.insert(id, self.users.remember(row, n_changes));
        }
        Ok(found)
    }

    /// The profile as far as it is in memory: enough for what nobody keeps.
    pub(super) fn shown_profile(&self, id: &UserId) -> Arc<Profile> {
        let nameless = || {
            Arc::new(Profile {
                id: id.clone(),
                name: None,
                username: None,
                avatar_url: None,
                role: UserRole::Member,
                gallery: None,
            })
        };
        self.users.profiles.get(id).unwrap_or_else(nameless)
    }

    /// Takes notice of a user and of the name that a token or a client gives.
    pub async fn introduce(&self, id: &UserId, name: Option<&str>) -> Result<()> {
        let profile = self.profile(id).await?;
        if name.is_some() && profile.name.as_deref() != name {
            self.load_profile(id, name).await?;
            self.tell_nodes(News::Profile(id.clone())).await;
        }
        Ok(())
    }

    /// The profile of a user who has been mentioned before.
    pub async fn known_profile(&self, id: &UserId) -> Result<Arc<Profile>> {
        let found = self.find_profile(id).await?;
        found.ok_or(Error::NO_USER)
    }

    /// The profile of a user, if there is one.
    pub(super) async fn find_profile(&self, id: &UserId) -> Result<Option<Arc<Profile>>> {
        if let Some(profile) = self.users.profiles.get(id) {
            return Ok(Some(profile));
        }
        let n_changes = self.users.n_changes();
        let row = self.store.find_user(id).await?;
        Ok(row.map(|row| self.users.remember(row, n_changes)))
    }

    async fn load_profile(&self, id: &UserId, name: Option<&str>) -> Result<Arc<Profile>> {
        let n_changes = self.users.n_changes();
        let row = match self.store.find_user(id).await? {
            Some(row) if name.is_none() => row,
            _ if is_gallery(id) => return Err(Error::InvalidPayload("Invalid user ID")),
            _ => self.store.save_user(id, name).await?,
        };
        Ok(self.users.remember(row, n_changes))
    }

    /// The profile that is in memory, if there is one.
    pub(super) fn peek_profile(&self, id: &UserId) -> Option<Arc<Profile>> {
        self.users.profiles.get(id)
    }

    /// What is in memory about anybody may no longer hold.
    pub(super) fn forget_profiles(&self) {
        self.users.n_changes.fetch_add(1, Ordering::SeqCst);
        self.users.profiles.clear();
    }

    /// What is in memory about a user no longer holds.
    pub(super) fn forget_profile(&self, id: &UserId) {
        self.users.n_changes.fetch_add(1, Ordering::SeqCst);
        self.users.profiles.remove(id);
    }
}

/// Whether an id would make a party of a gallery.
pub(super) fn is_gallery(id: &UserId) -> bool {
    PartyId::from(id).gallery().is_some()
}
