//! Reactions: one row per message, user and emoji.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, index};

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
                    .table("reaction")
                    .col(id("message_id"))
                    .col(id("user_id"))
                    .col(string_len("emoji", 64))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(
                        Index::create()
                            .name("pk_reaction")
                            .col("message_id")
                            .col("user_id")
                            .col("emoji"),
                    )
                    .foreign_key(&mut foreign_key(
                        "fk_reaction_message",
                        ("reaction", "message_id"),
                        ("message", "id"),
                        OnDelete::Cascade,
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_reaction_user",
                        ("reaction", "user_id"),
                        ("user", "id"),
                        OnDelete::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("ix_reaction_user", "reaction", &["user_id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "reaction").await
    }
}
