//! Databases that hold messages before anything is measured, each made once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::ensure;
use tempfile::TempDir;

use crate::contenders::{FILE, Stage, command, sqlite_url};

/// Messages in each of the other conversations.
const PER_CONVERSATION: u64 = 10;

/// Folders with a SQLite file, by the number of messages in its longest conversation.
#[derive(Debug, Default)]
pub struct Seeds(BTreeMap<u64, TempDir>);

impl Seeds {
    /// A folder whose file has one conversation of so many messages, and as many in others of ten. The first
    /// user takes part in the long one and, if there are so many, in 999 others.
    pub async fn folder(&mut self, stage: &Stage, n_messages: u64) -> anyhow::Result<&Path> {
        let folder = match self.0.entry(n_messages) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(missing) => missing.insert(make(stage, n_messages).await?),
        };
        Ok(folder.path())
    }
}

/// Has them written as the server writes them.
async fn make(stage: &Stage, longest: u64) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let n_conversations = longest / PER_CONVERSATION + 1;
    let mut command = command(&stage.programs.sohbet);
    command
        .args(["bench", "seed", "--database-url"])
        .arg(sqlite_url(&folder.path().join(FILE)))
        .args(["--messages", &(2 * longest).to_string()])
        .args(["--conversations", &n_conversations.to_string()])
        .args(["--longest", &longest.to_string()])
        .current_dir(folder.path());
    let made = command.output().await?;
    let words = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "no database was made: {words}");
    Ok(folder)
}
