//! Stored files on disk, under names that the server makes.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sohbet_entity::ids::UploadId;

/// A folder of blobs.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Blobs under `root/uploads`; the folder is made when the first one is stored.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.join("uploads"),
        }
    }

    /// Stores a blob so that it survives a power loss once this returns.
    pub async fn save(&self, id: &UploadId, bytes: bytes::Bytes) -> anyhow::Result<()> {
        let path = self.path(id);
        tokio::task::spawn_blocking(move || write_synced(&path, &bytes)).await?
    }

    /// Where the blob of an id is. Ids are made by the server, so the path cannot leave the folder;
    /// whoever passes a client's id on must have found it in the database first.
    pub fn path(&self, id: &UploadId) -> PathBuf {
        // The end of a UUIDv7 is random, so folders fill evenly.
        let id = id.as_str();
        let folder = id.get(id.len().saturating_sub(2)..).unwrap_or("00");
        self.root.join(folder).join(id)
    }
}

/// Writes beside, syncs, then renames: a file under its final name is complete.
fn write_synced(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().context("a blob has a folder")?;
    std::fs::create_dir_all(folder)?;
    let draft = path.with_extension("part");
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}
