//! The message log. A direct conversation names its two users; a room hangs its own row on it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, id_null, index, one_of};

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
                    .table("conversation")
                    .col(id("id").primary_key())
                    .col(string_len("kind", 16))
                    .col(id_null("user1_id"))
                    .col(id_null("user2_id"))
                    .col(big_integer("last_seq"))
                    .col(big_integer("last_rev"))
                    .col(timestamp_with_time_zone_null("last_message_at"))
                    .col(string_len_null("last_message_preview", 100))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .check(one_of("ck_conversation_kind", "kind", &["direct", "room"]))
                    .check(("ck_conversation_pair", pair_matches_kind()))
                    .check(("ck_conversation_counters", counters_are_sane()))
                    .foreign_key(&mut foreign_key(
                        "fk_conversation_user1",
                        ("conversation", "user1_id"),
                        ("user", "id"),
                        OnDelete::Restrict,
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_conversation_user2",
                        ("conversation", "user2_id"),
                        ("user", "id"),
                        OnDelete::Restrict,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index(
                    "ux_conversation_pair",
                    "conversation",
                    &["user1_id", "user2_id"],
                )
                .unique()
                .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "ix_conversation_user2",
                "conversation",
                &["user2_id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "conversation").await
    }
}

/// A direct conversation has both users, a room has neither.
fn pair_matches_kind() -> SimpleExpr {
    let direct = Expr::col("kind")
        .eq("direct")
        .and(Expr::col("user1_id").is_not_null())
        .and(Expr::col("user2_id").is_not_null());
    let room = Expr::col("kind")
        .eq("room")
        .and(Expr::col("user1_id").is_null())
        .and(Expr::col("user2_id").is_null());
    direct.or(room)
}

/// Every message is a change, so there are never fewer changes than messages.
fn counters_are_sane() -> SimpleExpr {
    Expr::col("last_seq")
        .gte(0)
        .and(Expr::col("last_rev").gte(Expr::col("last_seq")))
}
