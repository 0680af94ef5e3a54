//! SQLite's statistics of the tables are forgotten. They were taken when a server stopped, on a new database of
//! almost empty tables, and made the next one read whole tables for as long as it ran. Without any, each
//! statement takes the index that was made for it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let db = manager.get_connection();
        for table in ["sqlite_stat1", "sqlite_stat4"] {
            let sql = format!("DROP TABLE IF EXISTS {table}");
            db.execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        // A server of before takes them anew.
        Ok(())
    }
}
