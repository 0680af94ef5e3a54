//! How transactions begin.

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use super::Fault;

/// Begins a transaction that holds SQLite's write lock from its first statement on.
pub async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, Fault> {
    let options = TransactionOptions {
        sqlite_transaction_mode: match db.get_database_backend() {
            DbBackend::Sqlite => Some(SqliteTransactionMode::Immediate),
            _ => None,
        },
        ..TransactionOptions::default()
    };
    Ok(db.begin_with_options(options).await?)
}

/// Begins a transaction that only reads, and reads everything as it is at one moment.
pub async fn begin_snapshot(db: &DatabaseConnection) -> Result<DatabaseTransaction, Fault> {
    let options = match db.get_database_backend() {
        // What SQLite reads in one transaction is of one moment.
        DbBackend::Sqlite => TransactionOptions::default(),
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
    };
    Ok(db.begin_with_options(options).await?)
}
