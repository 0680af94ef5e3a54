//! Who takes part in a conversation, and how far they have read.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, index, one_of, party};

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
                    .table("participant")
                    .col(id("conversation_id"))
                    .col(party("party"))
                    .col(string_len("role", 16))
                    .col(big_integer("joined_seq"))
                    .col(big_integer("last_read_seq"))
                    .col(big_integer("last_delivered_seq"))
                    .col(timestamp_with_time_zone_null("last_read_at"))
                    .col(boolean("muted"))
                    .col(boolean("archived"))
                    .col(timestamp_with_time_zone_null("left_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(
                        Index::create()
                            .name("pk_participant")
                            .col("conversation_id")
                            .col("party"),
                    )
                    .check(one_of(
                        "ck_participant_role",
                        "role",
                        &["OWNER", "ADMIN", "MODERATOR", "MEMBER"],
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_participant_conversation",
                        ("participant", "conversation_id"),
                        ("conversation", "id"),
                        OnDelete::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "ix_participant_party",
                "participant",
                &["party", "conversation_id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "participant").await
    }
}
