//! Facts about this database: its epoch, and the next free small integer ids.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::drop_table;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("server_meta")
                    .col(string_len("key", 64).primary_key())
                    .col(text_null("text"))
                    .col(big_integer_null("number"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "server_meta").await
    }
}
