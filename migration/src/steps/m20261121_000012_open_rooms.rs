//! Rooms that anybody may join who knows their id.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_open = boolean("is_open").default(false).to_owned();
        manager
            .alter_table(Table::alter().table("room").add_column(is_open).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("room")
                    .drop_column("is_open")
                    .to_owned(),
            )
            .await
    }
}
