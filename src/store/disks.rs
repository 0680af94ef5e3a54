//! How full the disk is on which something is kept.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

/// The disk of a folder, which may still have to be made.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// The one on which the folder is, or will be.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let folder = std::path::absolute(folder)?;
        Ok(Self { folder })
    }

    /// How many bytes are left for us on it.
    ///
    /// # Errors
    ///
    /// When the operating system does not say.
    pub async fn free_bytes(&self) -> io::Result<u64> {
        let folder = self.folder.clone();
        // A disk of the network may be slow to answer.
        let asked = tokio::task::spawn_blocking(move || {
            let there = folder.ancestors().find(|folder| folder.exists());
            let state = statvfs(there.unwrap_or(&folder))?;
            Ok(state.f_bavail.saturating_mul(state.f_frsize))
        });
        asked.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_that_is_not_made_yet_has_the_disk_of_the_one_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        let free = Disk::of(&deep).unwrap().free_bytes().await.unwrap();
        assert!(free > 0 && !deep.exists());
    }
}
