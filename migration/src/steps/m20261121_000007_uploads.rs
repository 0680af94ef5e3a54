//! Stored files: what a blob is and who put it there.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, id_null, index};

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
                    .table("upload")
                    .col(id("id").primary_key())
                    .col(id_null("owner_id"))
                    .col(text("name"))
                    .col(string_len("media_type", 255))
                    .col(big_integer("size_bytes"))
                    .col(string_len("sha256", 64))
                    .col(big_integer_null("width"))
                    .col(big_integer_null("height"))
                    .col(big_integer_null("duration_ms"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(&mut foreign_key(
                        "fk_upload_owner",
                        ("upload", "owner_id"),
                        ("user", "id"),
                        OnDelete::SetNull,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("ix_upload_owner", "upload", &["owner_id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "upload").await
    }
}
