//! Databases that hold messages before anything is measured, each made once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::time::Duration;

use sohbet_bench::{Plan, Scenario};
use tempfile::TempDir;

use crate::contenders::{Contender, Server, Stage};

/// Folders with a SQLite file, by the number of messages in it.
#[derive(Debug, Default)]
pub struct Seeds(BTreeMap<u64, TempDir>);

impl Seeds {
    /// A folder whose file has one conversation of so many messages, of the first two users of a plan.
    pub async fn folder(&mut self, stage: &Stage, n_messages: u64) -> anyhow::Result<&Path> {
        let folder = match self.0.entry(n_messages) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(missing) => missing.insert(make(stage, n_messages).await?),
        };
        Ok(folder.path())
    }
}

/// Sends them, as people would, and leaves what the server has stored.
async fn make(stage: &Stage, n_messages: u64) -> anyhow::Result<TempDir> {
    let server = Server::start(stage, Contender::SohbetSqlite, None, None).await?;
    let plan = Plan {
        url: server.url(),
        messages: usize::try_from(n_messages)?,
        connections: 1,
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(100),
        ..Plan::usual(Scenario::History)
    };
    let filled = sohbet_bench::run(&plan, &|_| {}).await;
    let folder = server.stop(stage).await?;
    filled?;
    Ok(folder)
}
