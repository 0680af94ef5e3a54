//! Looks after the disks. When one is almost full, who runs the server is told, and files are refused:
//! messages need little, and find room longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Chat;
use crate::store::Disk;
use crate::worker::Ticks;

/// Between two looks. What comes in meanwhile is bounded by how fast a disk is.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The disks of this machine on which we keep something; none for a database or a bucket elsewhere.
pub(super) struct Disks {
    files: Option<Watched>,
    messages: Option<Watched>,
}

struct Watched {
    /// What is on it, for people.
    what: &'static str,
    disk: Disk,
    is_low: AtomicBool,
}

impl Disks {
    pub fn new(files: Option<Disk>, messages: Option<Disk>) -> Self {
        Self {
            files: files.map(|disk| Watched::new("files", disk)),
            messages: messages.map(|disk| Watched::new("messages", disk)),
        }
    }

    /// Whether the disk of the files was almost full when it was looked at.
    pub fn are_low_for_files(&self) -> bool {
        let files = self.files.as_ref();
        files.is_some_and(|files| files.is_low.load(Ordering::Relaxed))
    }
}

impl Watched {
    fn new(what: &'static str, disk: Disk) -> Self {
        let is_low = AtomicBool::new(false);
        Self { what, disk, is_low }
    }

    async fn look(&self, min_free_bytes: u64) {
        let free_bytes = match self.disk.free_bytes().await {
            Ok(free_bytes) => free_bytes,
            Err(error) => {
                tracing::debug!(disk.of = self.what, %error, "nobody knows how full a disk is");
                return;
            }
        };
        let is_low = free_bytes < min_free_bytes;
        let was_low = self.is_low.swap(is_low, Ordering::Relaxed);
        match (was_low, is_low) {
            (false, true) => {
                tracing::error!(disk.of = self.what, free_bytes, "a disk is almost full");
            }
            (true, false) => {
                tracing::info!(disk.of = self.what, free_bytes, "a disk has room again");
            }
            _ => {}
        }
    }
}

impl Chat {
    /// Looks at the disks again and again until told to stop.
    pub async fn watch_disks(&self, stop: CancellationToken) {
        let min_free_bytes = self.config.uploads.min_free_bytes;
        let mut ticks = Ticks::new(LOOK_INTERVAL, &stop);
        while ticks.next().await {
            let disks = [&self.disks.files, &self.disks.messages];
            for watched in disks.into_iter().flatten() {
                watched.look(min_free_bytes).await;
            }
        }
    }
}
