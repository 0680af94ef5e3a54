//! A small disk that can be full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{command, run};

/// Its size. What a run writes is far below.
const SIZE: &str = "64m";
/// Bytes that are written at a time when it is filled.
const BLOCK_BYTES: usize = 64 * 1024;

/// A file system in memory; unmounted when dropped.
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts one over a folder. Only root may.
    pub async fn mount(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut mount = command("mount", None);
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={SIZE}"), "torture"])
            .arg(folder);
        run(mount).await?;
        Ok(Self(folder.to_owned()))
    }

    /// Takes all the room that is left.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::create(self.filler())?;
        // It ends with "no space left": that is what this is for.
        for length in [BLOCK_BYTES, 512, 1] {
            while file.write_all(&vec![1; length]).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back.
    pub fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps it. A mount that stays is reported by the
        // folder, which then cannot be removed.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
