//! What is held against everybody else for a while.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::postgres;
use super::stores::Store;

/// Ends what waits for a lock of somebody else.
const END_WHO_WAIT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE datname = current_database() AND wait_event_type = 'Lock'";
const WHO_WAITS: &str = "SELECT pid FROM pg_stat_activity \
     WHERE datname = current_database() AND wait_event_type = 'Lock'";
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// An SQLite file that cannot be written.
pub struct Lock {
    db: DatabaseConnection,
}

impl Lock {
    /// Waits until nobody else writes.
    pub async fn take(store: &Store) -> Self {
        let db = connect(store).await;
        db.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
        Self { db }
    }

    /// Lets the others write again.
    pub async fn release(self) {
        end(self.db).await;
    }
}

/// A table of PostgreSQL that cannot be read.
pub struct TableLock {
    db: DatabaseConnection,
    other: DatabaseConnection,
}

impl TableLock {
    /// Waits until nobody else uses it.
    pub async fn take(store: &Store, table: &str) -> Self {
        let (db, other) = (connect(store).await, connect(store).await);
        let lock = format!("BEGIN; LOCK TABLE {table}");
        db.execute_unprepared(&lock).await.unwrap();
        Self { db, other }
    }

    /// Ends the connections that wait for it, as soon as there are some.
    pub async fn end_who_wait(&self) {
        let end = || Statement::from_string(DbBackend::Postgres, END_WHO_WAIT);
        while self.other.query_all_raw(end()).await.unwrap().is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Lets the others read again.
    pub async fn release(self) {
        self.other.close().await.unwrap();
        end(self.db).await;
    }
}

/// Waits until somebody waits for a lock of somebody else in a database of PostgreSQL.
pub async fn somebody_waits(db: &DatabaseConnection) {
    let look = || Statement::from_string(DbBackend::Postgres, WHO_WAITS);
    while db.query_all_raw(look()).await.unwrap().is_empty() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn connect(store: &Store) -> DatabaseConnection {
    postgres::connect(&store.database_url().parse().unwrap()).await
}

/// Ends a transaction and its connection.
async fn end(db: DatabaseConnection) {
    db.execute_unprepared("ROLLBACK").await.unwrap();
    db.close().await.unwrap();
}
