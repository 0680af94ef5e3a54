//! The directory of galleries, vehicles, offers and of who belongs where. Somebody else keeps it:
//! the system that the galleries trade in.

use std::sync::Arc;

use sohbet_entity::ids::GalleryId;

use super::users::is_gallery;
use super::{Chat, News, Session};
use crate::auth::{Identity, Permission};
use crate::error::{Error, Result};
use crate::store::{DirectoryEntry, UserChange};

impl Chat {
    /// Writes an entry of the directory. A user who is moved to another gallery hears nothing of the
    /// old one from then on.
    pub async fn save_entry(&self, identity: &Identity, entry: &DirectoryEntry) -> Result<()> {
        self.check_directory(identity)?;
        let DirectoryEntry::User { id, .. } = entry else {
            self.store.save_entry(entry).await?;
            return Ok(());
        };
        if is_gallery(id) {
            return Err(Error::InvalidPayload("Invalid user ID"));
        }
        // Whoever asked may be gone before this goes on; then the change is found by looking.
        let changed = self.store.save_entry(entry).await?;
        self.forget_profile(id);
        let mut news = News::Profile(id.clone());
        if let Some(changed) = changed {
            self.follow_change(&changed);
            if let UserChange::Gallery { old, new } = changed.change {
                news = News::Gallery {
                    number: changed.number,
                    user: changed.user,
                    old,
                    new,
                };
            }
        }
        self.tell_nodes(news).await;
        Ok(())
    }

    /// Refuses who may not write the directory.
    pub fn check_directory(&self, identity: &Identity) -> Result<()> {
        match identity.may(Permission::Directory) {
            true => Ok(()),
            false => Err(Error::Forbidden("Forbidden")),
        }
    }

    /// The gallery that somebody acts for: the one that the token names, else the one of the
    /// directory. Nobody comes into being by being asked for.
    pub async fn gallery_of(&self, identity: &Identity) -> Result<Option<GalleryId>> {
        match (&identity.gallery, &identity.user) {
            (Some(gallery), _) => Ok(Some(gallery.clone())),
            (None, None) => Ok(None),
            (None, Some(user)) => match self.known_profile(user).await {
                Ok(profile) => Ok(profile.gallery.clone()),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Lets sockets of a user follow the directory, unless their token names the gallery. Who
    /// had another gallery may be in its rooms, in whatever dialect: all those sockets come back as
    /// who they are now.
    pub(super) fn move_sessions(
        &self,
        sessions: &[Arc<Session>],
        old: Option<&GalleryId>,
        new: Option<&GalleryId>,
    ) {
        let follows = |session: &&Arc<Session>| session.identity().gallery.is_none();
        for session in sessions.iter().filter(follows) {
            let heard = session.gallery();
            let was_in_another = [old, heard.as_ref()]
                .into_iter()
                .flatten()
                .any(|it| Some(it) != new);
            match new {
                _ if was_in_another => session.outbox.close(),
                Some(new) if heard.is_none() => self.sessions.listen_gallery(session, new),
                _ => {}
            }
        }
    }
}
