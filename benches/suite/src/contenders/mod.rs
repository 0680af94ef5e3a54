//! Who is measured, and how each is started.

mod databases;
mod floors;
mod processes;
mod servers;

use std::path::{Path, PathBuf};

use anyhow::ensure;
use serde::Serialize;

pub use databases::{Databases, sqlite_version};
pub use floors::measure as measure_inserts;
pub use processes::{command, raise_file_limit};
pub use servers::Server;

/// Name of a SQLite file in its folder.
pub const FILE: &str = "chat.db";

/// Who is measured. In the order in which tables have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// Sohbet on SQLite.
    SohbetSqlite,
    /// Sohbet on PostgreSQL; what the database itself needs is not counted.
    SohbetPostgres,
    /// Socket.IO on Node, nothing is stored.
    NodeMemory,
    /// Socket.IO on Node, SQL by hand.
    NodePg,
    /// Socket.IO on Node with Prisma.
    NodePrisma,
    /// The library below Sohbet alone, nothing is stored.
    Bare,
    /// Rows written in batches into SQLite, with nothing around them.
    InsertsSqlite,
    /// The same into PostgreSQL.
    InsertsPostgres,
    /// Both floors of Sohbet on SQLite together; computed.
    FloorSqlite,
    /// Both floors of Sohbet on PostgreSQL together; computed.
    FloorPostgres,
}

impl Contender {
    /// What the page calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::SohbetSqlite => "Sohbet, SQLite",
            Self::SohbetPostgres => "Sohbet, PostgreSQL",
            Self::NodeMemory => "Node, no database",
            Self::NodePg => "Node, pg",
            Self::NodePrisma => "Node, Prisma",
            Self::Bare => "bare socketioxide",
            Self::InsertsSqlite => "batch inserts, SQLite",
            Self::InsertsPostgres => "batch inserts, PostgreSQL",
            Self::FloorSqlite => "both floors, SQLite",
            Self::FloorPostgres => "both floors, PostgreSQL",
        }
    }

    /// Whether it is Sohbet itself.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::SohbetSqlite | Self::SohbetPostgres)
    }

    /// Whether it only writes rows, and is no server.
    pub fn only_writes(self) -> bool {
        matches!(self, Self::InsertsSqlite | Self::InsertsPostgres)
    }

    /// How many times as long as others it is measured. Prisma acknowledges in waves some seconds apart: one more or
    /// less must not matter.
    pub fn patience(self) -> u32 {
        if self == Self::NodePrisma { 4 } else { 1 }
    }

    /// Whether it wants a database of PostgreSQL.
    fn wants_postgres(self) -> bool {
        matches!(
            self,
            Self::SohbetPostgres | Self::NodePg | Self::NodePrisma | Self::InsertsPostgres
        )
    }
}

/// Where programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The server.
    pub sohbet: PathBuf,
    /// The folder of `bare-socketioxide` and `batch-inserts`.
    pub floors: PathBuf,
    /// The folder of the peers on Node.
    pub peers: PathBuf,
}

impl Programs {
    /// Fails if one of them is missing.
    pub fn check(&self) -> anyhow::Result<()> {
        let floors = ["bare-socketioxide", "batch-inserts"].map(|name| self.floor(name));
        let peers = [
            "memory.mjs",
            "pg.mjs",
            "prisma.mjs",
            "node_modules",
            "generated",
        ];
        let peers = peers.map(|name| self.peer(name));
        for place in [&self.sohbet].into_iter().chain(&floors).chain(&peers) {
            ensure!(
                place.exists(),
                "{} is missing; `make bench` builds everything first",
                place.display()
            );
        }
        Ok(())
    }

    fn floor(&self, name: &str) -> PathBuf {
        self.floors.join(name)
    }

    fn peer(&self, name: &str) -> PathBuf {
        self.peers.join(name)
    }
}

/// What contenders are started with.
#[derive(Debug)]
pub struct Stage {
    /// Where programs are.
    pub programs: Programs,
    /// Where databases of PostgreSQL are made.
    pub databases: Databases,
    /// Where files may be written; all of it is thrown away in the end.
    pub folder: PathBuf,
}

/// The URL of a SQLite file that is made if it is missing.
pub fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}
