//! Bringing a database up to date while other nodes may be starting on it as well.

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::Migrator;

/// Waits for the lock that migrating nodes share, however long the one before us takes. The
/// number means nothing beyond being ours ("sohbet" in ASCII).
const TAKE_LOCK: &str = "SET LOCAL lock_timeout = 0; \
    SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = 0; \
    SELECT pg_advisory_xact_lock(126922329843060)";

/// Applies all pending steps to `db`. Nodes that start at once take turns, and the later ones
/// find nothing left to do. An up-to-date database is only read.
///
/// On PostgreSQL a transaction on `lock` holds an advisory lock while `db` works. Without `lock`
/// that transaction runs on `db`, whose pool must then allow two connections. On SQLite one
/// immediate transaction is both the lock and the work, all steps or none; `lock` is not used, and
/// a second process waits no longer than the busy timeout of its connection.
///
/// # Errors
///
/// Fails when a step fails, and when the database has steps that this version does not know.
pub async fn migrate(
    db: &DatabaseConnection,
    lock: Option<&DatabaseConnection>,
) -> Result<(), DbErr> {
    if pending(db).await?.is_empty() {
        return Ok(());
    }
    match db.get_database_backend() {
        DbBackend::Postgres => migrate_postgres(db, lock.unwrap_or(db)).await,
        _ => migrate_sqlite(db).await,
    }
}

/// The names of the steps that `db` lacks, oldest first. Reads only: a database without any
/// Sohbet table lacks all of them.
///
/// # Errors
///
/// Fails when the database has steps that this version does not know.
pub async fn pending<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    let steps = Migrator::get_pending_migrations_read_only(db).await?;
    Ok(steps.iter().map(|step| step.name().to_owned()).collect())
}

async fn migrate_postgres(db: &DatabaseConnection, lock: &DatabaseConnection) -> Result<(), DbErr> {
    let held = lock.begin().await?;
    held.execute_unprepared(TAKE_LOCK).await?;
    let migrated = Migrator::up(db, None).await;
    held.rollback().await?;
    migrated
}

async fn migrate_sqlite(db: &DatabaseConnection) -> Result<(), DbErr> {
    let transaction = db
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    Migrator::up(&transaction, None).await?;
    transaction.commit().await
}
