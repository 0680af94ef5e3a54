//! Indexes for lists over the whole server: the newest users, and what one user wrote.

use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(index("ix_user_created", "user", &["created_at", "id"]))
            .await?;
        manager
            .create_index(index(
                "ix_message_written",
                "message",
                &["sender_id", "created_at"],
            ))
            .await?;
        drop_index(manager, "ix_message_sender", "message").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(index("ix_message_sender", "message", &["sender_id"]))
            .await?;
        drop_index(manager, "ix_message_written", "message").await?;
        drop_index(manager, "ix_user_created", "user").await
    }
}

async fn drop_index(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
) -> Result<(), DbErr> {
    manager
        .drop_index(Index::drop().name(name).table(table).to_owned())
        .await
}
