//! The directory of galleries, vehicles, offers and of who belongs where. Somebody else keeps it:
//! the system that the galleries trade in.

use sohbet_entity::ids::{GalleryId, UserId};

use super::Chat;
use super::users::is_gallery;
use crate::auth::{Identity, Permission};
use crate::error::{Error, Result};
use crate::store::DirectoryEntry;

impl Chat {
    /// Writes an entry of the directory. A user who is moved to another gallery hears nothing of the
    /// old one from then on.
    pub async fn save_entry(&self, identity: &Identity, entry: &DirectoryEntry) -> Result<()> {
        self.check_directory(identity)?;
        match entry {
            DirectoryEntry::User { id, .. } if is_gallery(id) => {
                return Err(Error::InvalidPayload("Invalid user ID"));
            }
            _ => self.store.save_entry(entry).await?,
        }
        if let DirectoryEntry::User { id, gallery, .. } = entry {
            self.forget_profile(id);
            self.move_sessions(id, gallery.as_ref());
        }
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

    /// Lets the sockets of a user follow the directory, unless their token names the gallery. Those
    /// that listen for another gallery, and maybe in its rooms, come back as who they are now.
    fn move_sessions(&self, user: &UserId, gallery: Option<&GalleryId>) {
        let mut followers = Vec::new();
        self.sessions.each(|session| {
            if session.identity().gallery.is_none() && session.is_of(user) {
                followers.push(session.clone());
            }
        });
        for session in &followers {
            match (session.gallery(), gallery) {
                (Some(old), new) if Some(&old) != new => session.outbox.close(),
                (None, Some(new)) => self.sessions.listen_gallery(session, new),
                _ => {}
            }
        }
    }
}
