//! An SQLite file that cannot be written for a while.

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::postgres;
use super::stores::Store;

/// Holds the database against all other writers.
pub struct Lock {
    db: DatabaseConnection,
}

impl Lock {
    /// Waits until nobody else writes.
    pub async fn take(store: &Store) -> Self {
        let db = postgres::connect(&store.database_url().parse().unwrap()).await;
        db.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
        Self { db }
    }

    /// Lets the others write again.
    pub async fn release(self) {
        self.db.execute_unprepared("ROLLBACK").await.unwrap();
        self.db.close().await.unwrap();
    }
}
