//! Opening the database: pools, pragmas, the schema, and the checks that make an ack mean "on disk".

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use percent_encoding::percent_decode_str;
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};

use super::sequences::Sequence;
use super::{Config, Disk, Store, checkpoints, meta, patience, statement};

/// The first SQLite without the bug that can damage a write-ahead log.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// How long a caller waits for a connection, or SQLite for a lock.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a command waits for SQLite's write lock. A server that writes all the time leaves it
/// free for moments only, and does not know that somebody else waits.
const COMMAND_PATIENCE: Duration = Duration::from_secs(30);
/// How long one statement may run on PostgreSQL.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept per connection; the writer alone has some dozens.
const STATEMENT_CACHE: usize = 512;

/// What a connection to SQLite is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The one that writes, in a server.
    Write,
    /// One of those that read.
    Read,
    /// A command, which may run beside a server.
    Command,
}

impl Store {
    /// Connects, brings the schema up to date, and checks that commits are synced.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let file_lock = lock_file(config)?;
        if config.migrate {
            migrate(config).await?;
        }
        Self::connect(config, file_lock, Purpose::Write).await
    }

    /// Connects for a command that ends at once, also while a server runs on the same SQLite file:
    /// each transaction takes the write lock of the file for itself, and no ids are given out from
    /// blocks. The schema is brought up to date only when no server uses it.
    pub async fn open_for_command(config: &Config) -> anyhow::Result<Self> {
        let is_there = sqlite_path(&config.url).is_none_or(|path| path.exists());
        if !is_there || !pending_migrations(config).await?.is_empty() {
            let _lock = lock_file(config).context("the schema is not up to date")?;
            if !config.migrate {
                bail!("the schema is not up to date; run: sohbet migrate");
            }
            migrate(config).await?;
        }
        let config = Config {
            readers: 1,
            ..config.clone()
        };
        Self::connect(&config, None, Purpose::Command).await
    }

    async fn connect(
        config: &Config,
        file_lock: Option<File>,
        purpose: Purpose,
    ) -> anyhow::Result<Self> {
        let (read, write) = connect(config, purpose).await?;
        check_durability(&write).await?;
        meta::prepare(&write)
            .await
            .context("preparing server_meta failed")?;
        Ok(Self {
            message_ids: Arc::new(Sequence::new(write.clone(), meta::NEXT_MESSAGE_ID)),
            conversation_ids: Sequence::new(write.clone(), meta::NEXT_CONVERSATION_ID),
            epoch: meta::epoch(&write).await?,
            has_logins: super::logins::table_exists(&read).await,
            n_readers: config.readers,
            disk: sqlite_path(&config.url)
                .map(|path| Disk::of(&path))
                .transpose()?,
            read,
            write,
            _file_lock: file_lock,
        })
    }
}

/// Brings the schema up to date, on connections of its own.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    create_folder(config)?;
    let db = connect_one(config).await?;
    let lock = match db.get_database_backend() {
        DbBackend::Postgres => Some(connect_one(config).await?),
        _ => None,
    };
    sohbet_migration::migrate(&db, lock.as_ref())
        .await
        .context("bringing the schema up to date failed")?;
    if let Some(lock) = lock {
        lock.close().await?;
    }
    Ok(db.close().await?)
}

/// Names of the migration steps that the database does not have yet.
pub async fn pending_migrations(config: &Config) -> anyhow::Result<Vec<String>> {
    if let Some(path) = sqlite_path(&config.url)
        && !path.exists()
    {
        bail!("the file {} does not exist", path.display());
    }
    let db = connect_one(config).await?;
    let pending = sohbet_migration::pending(&db).await?;
    db.close().await?;
    Ok(pending)
}

async fn connect(
    config: &Config,
    purpose: Purpose,
) -> anyhow::Result<(DatabaseConnection, DatabaseConnection)> {
    if sqlite_path(&config.url).is_none() {
        let pool = open(postgres(config, config.readers.max(2)), config).await?;
        return Ok((pool.clone(), pool));
    }
    // The writer comes first: it switches the file to a write-ahead log.
    let write = open(sqlite(&config.url, 1, purpose), config).await?;
    let readers = config.readers.max(1);
    let read = open(sqlite(&config.url, readers, Purpose::Read), config).await?;
    Ok((read, write))
}

async fn connect_one(config: &Config) -> anyhow::Result<DatabaseConnection> {
    let options = match sqlite_path(&config.url) {
        Some(_) => sqlite(&config.url, 1, Purpose::Command),
        None => postgres(config, 1),
    };
    open(options, config).await
}

async fn open(options: ConnectOptions, config: &Config) -> anyhow::Result<DatabaseConnection> {
    let kind = if sqlite_path(&config.url).is_some() {
        "SQLite"
    } else {
        "PostgreSQL"
    };
    Database::connect(options)
        .await
        .with_context(|| format!("cannot open the {kind} database"))
}

fn common(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

fn sqlite(url: &str, connections: u32, purpose: Purpose) -> ConnectOptions {
    let mut options = common(url, connections);
    let patience = match purpose {
        Purpose::Command => COMMAND_PATIENCE,
        Purpose::Write | Purpose::Read => ACQUIRE_TIMEOUT,
    };
    options
        .min_connections(connections)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(is_reusable(connection)))
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(patience)
                .foreign_keys(true)
                .statement_cache_capacity(STATEMENT_CACHE)
                .row_buffer_size(256)
                .pragma("cache_size", "-32768")
                .pragma("temp_store", "memory")
                .pragma("journal_size_limit", checkpoints::KEPT_BYTES.to_string())
                .pragma("wal_autocheckpoint", checkpoints::FULL.to_string());
            #[cfg(feature = "planted-bugs")]
            let sqlite = match crate::planted::has("synchronous_normal") {
                true => sqlite.synchronous(SqliteSynchronous::Normal),
                false => sqlite,
            };
            match purpose {
                Purpose::Read => sqlite.create_if_missing(false).pragma("query_only", "on"),
                // No statistics are taken: those of a new database make SQLite read whole tables later.
                Purpose::Write | Purpose::Command => sqlite,
            }
        });
    options
}

/// SQLite ends a transaction by itself when its disk is full or fails. The driver's own end of it then
/// fails too, and it goes on counting the transaction as open: every later one would be a part of it,
/// and never be stored. Such a connection is replaced.
async fn is_reusable(connection: &mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    if connection.is_in_transaction() {
        // What was dropped is rolled back behind our back; this waits for it.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn postgres(config: &Config, connections: u32) -> ConnectOptions {
    let mut options = common(&config.url, connections);
    options
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .set_application_name("sohbet")
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(patience::is_at_rest(connection)))
        });
    // A pooler such as PgBouncer keeps neither prepared statements nor start-up options.
    if !config.url.contains("statement-cache-capacity=0") {
        options
            .statement_timeout(STATEMENT_TIMEOUT)
            .map_sqlx_postgres_opts(|postgres| {
                postgres.statement_cache_capacity(STATEMENT_CACHE).options([
                    ("lock_timeout", "5s"),
                    ("idle_in_transaction_session_timeout", "15s"),
                ])
            });
    }
    if let Some(schema) = &config.schema {
        options.set_schema_search_path(schema.clone());
    }
    options
}

/// An ack promises that the message is on disk, so the database must promise it too.
async fn check_durability(db: &DatabaseConnection) -> anyhow::Result<()> {
    if db.get_database_backend() != DbBackend::Sqlite {
        let setting: String = value_of(db, "SHOW synchronous_commit").await?;
        if setting == "off" {
            tracing::warn!(
                "PostgreSQL runs with synchronous_commit=off: a power loss can lose acknowledged messages"
            );
        }
        return Ok(());
    }
    let version: String = value_of(db, "SELECT sqlite_version()").await?;
    if parse_version(&version) < Some(OLDEST_SQLITE) {
        bail!("SQLite {version} can damage its log; Sohbet needs 3.51.3 or newer");
    }
    let synchronous: i32 = value_of(db, "PRAGMA synchronous").await?;
    let journal: String = value_of(db, "PRAGMA journal_mode").await?;
    #[cfg(feature = "planted-bugs")]
    let synchronous = match crate::planted::has("synchronous_normal") {
        true => 2,
        false => synchronous,
    };
    if synchronous < 2 || journal != "wal" {
        bail!(
            "SQLite refused synchronous=FULL with a write-ahead log (got {synchronous}, {journal})"
        );
    }
    Ok(())
}

async fn value_of<T: sea_orm::TryGetable>(db: &DatabaseConnection, sql: &str) -> anyhow::Result<T> {
    let row = db
        .query_one_raw(statement(db, sql, []))
        .await?
        .with_context(|| format!("no answer to {sql}"))?;
    Ok(row.try_get_by_index(0)?)
}

fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// The file of a SQLite URL; `None` for PostgreSQL.
fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = percent_decode_str(rest.split('?').next().unwrap_or(rest));
    Some(PathBuf::from(path.decode_utf8_lossy().into_owned()))
}

fn create_folder(config: &Config) -> anyhow::Result<()> {
    let path = sqlite_path(&config.url);
    match path.as_deref().and_then(Path::parent) {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display())),
        _ => Ok(()),
    }
}

/// Two servers on one SQLite file would each give out the same numbers.
fn lock_file(config: &Config) -> anyhow::Result<Option<File>> {
    let Some(mut path) = sqlite_path(&config.url) else {
        return Ok(None);
    };
    create_folder(config)?;
    path.as_mut_os_string().push(".lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another Sohbet is running on this database ({} is locked)",
                path.display()
            )
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the database"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fault;
    use super::super::tests_support::open_sqlite;
    use super::super::transactions::begin;
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("3.51.3") >= Some(OLDEST_SQLITE));
        assert!(parse_version("3.9.0") < Some(OLDEST_SQLITE));
        assert!(parse_version("3.51") < Some(OLDEST_SQLITE));
    }

    /// Commits one row of so many bytes.
    async fn store(db: &DatabaseConnection, key: &str, n_bytes: usize) -> Result<(), Fault> {
        let txn = begin(db).await?;
        let sql = "INSERT INTO server_meta (key, text) VALUES ($1, $2)";
        let values = [key.into(), "x".repeat(n_bytes).into()];
        txn.execute_raw(statement(&txn, sql, values)).await?;
        Ok(txn.commit().await?)
    }

    #[tokio::test]
    async fn what_is_stored_after_the_disk_was_full_is_really_stored() {
        let (_folder, Store { read, write, .. }) = open_sqlite().await;
        let n_pages: i64 = value_of(&write, "PRAGMA page_count").await.unwrap();
        let full = format!("PRAGMA max_page_count = {n_pages}");
        write.execute_unprepared(&full).await.unwrap();
        // Like a full disk, this ends the transaction before the driver can.
        let refused = store(&write, "too long", 1_000_000).await;
        assert_eq!(refused, Err(Fault::Storage));
        let enough = "PRAGMA max_page_count = 1000000";
        write.execute_unprepared(enough).await.unwrap();
        store(&write, "twice", 1).await.unwrap();
        assert_eq!(store(&write, "twice", 1).await, Err(Fault::Unique));
        store(&write, "after", 1).await.unwrap();
        let sql = "SELECT COUNT(*) FROM server_meta WHERE key = 'after'";
        let n_rows: i64 = value_of(&read, sql).await.unwrap();
        assert_eq!(n_rows, 1, "a reader sees what was committed");
    }

    #[test]
    fn the_file_of_a_url_is_found() {
        let path = |url| sqlite_path(url).map(|path| path.display().to_string());
        assert_eq!(
            path("sqlite://data/x%20y.db?mode=rwc"),
            Some("data/x y.db".into())
        );
        assert_eq!(path("postgres://localhost/x"), None);
    }
}
