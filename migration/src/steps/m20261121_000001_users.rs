//! People. Rows appear by themselves when a token or a development identity shows up.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{drop_table, id, index, one_of, party};

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
                    .table("user")
                    .col(id("id").primary_key())
                    .col(string_len_null("username", 128))
                    .col(string_len_null("display_name", 255))
                    .col(text_null("avatar_url"))
                    .col(string_len("role", 16))
                    .col(party("party").null())
                    .col(boolean("disabled"))
                    .col(timestamp_with_time_zone_null("tokens_valid_after"))
                    .col(timestamp_with_time_zone_null("last_seen_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .check(one_of(
                        "ck_user_role",
                        "role",
                        &["ADMIN", "MODERATOR", "MEMBER"],
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("ux_user_username", "user", &["username"])
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "user").await
    }
}
