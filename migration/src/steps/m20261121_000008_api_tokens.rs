//! API tokens. The secret is shown once; the table holds its SHA-256 and a visible prefix.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, index, one_of};

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
                    .table("api_token")
                    .col(id("id").primary_key())
                    .col(id("user_id"))
                    .col(string_len("name", 120))
                    .col(string_len("token_type", 16))
                    .col(string_len("token_hash", 64))
                    .col(string_len("prefix", 16))
                    .col(json_binary("permissions"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .col(timestamp_with_time_zone_null("last_used_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .check(one_of(
                        "ck_api_token_type",
                        "token_type",
                        &["USER", "CLIENT"],
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_api_token_user",
                        ("api_token", "user_id"),
                        ("user", "id"),
                        OnDelete::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("ux_api_token_hash", "api_token", &["token_hash"])
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("ix_api_token_user", "api_token", &["user_id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "api_token").await
    }
}
