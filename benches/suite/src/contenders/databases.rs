//! Databases of PostgreSQL that are made for one run.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, Statement};

/// A server of PostgreSQL.
#[derive(Debug)]
pub struct Databases {
    url: String,
    n_made: AtomicUsize,
}

impl Databases {
    /// Those beside the database that the URL names; whoever connects there must be allowed to make some.
    pub fn beside(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            n_made: AtomicUsize::new(0),
        }
    }

    /// Makes an empty database.
    pub async fn create(&self) -> anyhow::Result<OwnDatabase> {
        let nth = self.n_made.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_{}_{nth}", std::process::id());
        self.execute(&format!("CREATE DATABASE {name}")).await?;
        let (server, _) = self.url.rsplit_once('/').context("no database is named")?;
        Ok(OwnDatabase {
            url: format!("{server}/{name}"),
            name,
        })
    }

    /// Drops one.
    pub async fn drop(&self, database: OwnDatabase) -> anyhow::Result<()> {
        let name = database.name;
        self.execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await
    }

    /// What the server calls its version.
    pub async fn version(&self) -> anyhow::Result<String> {
        let db = self.connect().await?;
        let sql = "SELECT current_setting('server_version') AS version";
        version(&db, DatabaseBackend::Postgres, sql).await
    }

    async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        let db = self.connect().await?;
        db.execute_unprepared(sql).await?;
        Ok(db.close().await?)
    }

    async fn connect(&self) -> anyhow::Result<DatabaseConnection> {
        let connected = Database::connect(&self.url).await;
        connected.context("PostgreSQL cannot be reached")
    }
}

/// A database of one run.
#[derive(Debug)]
pub struct OwnDatabase {
    name: String,
    /// Where it is.
    pub url: String,
}

/// The version of SQLite, which is built in: the servers have the same one.
pub async fn sqlite_version() -> anyhow::Result<String> {
    let db = Database::connect("sqlite::memory:").await?;
    let sql = "SELECT sqlite_version() AS version";
    version(&db, DatabaseBackend::Sqlite, sql).await
}

async fn version(
    db: &DatabaseConnection,
    backend: DatabaseBackend,
    sql: &str,
) -> anyhow::Result<String> {
    let row = db
        .query_one_raw(Statement::from_string(backend, sql))
        .await?;
    Ok(row.context("no version")?.try_get("", "version")?)
}
