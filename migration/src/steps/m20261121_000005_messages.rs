//! Messages: `seq` numbers them, `rev` stamps the latest change of each.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, id_null, index, party};

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
                    .table("message")
                    .col(id("id").primary_key())
                    .col(id("conversation_id"))
                    .col(big_integer("seq"))
                    .col(big_integer("rev"))
                    .col(id("sender_id"))
                    .col(party("sender_party").null())
                    .col(string_len_null("client_id", 255))
                    .col(string_len("kind", 32))
                    .col(text_null("content"))
                    .col(text_null("file_url"))
                    .col(text_null("file_name"))
                    .col(big_integer_null("file_size"))
                    .col(string_len_null("file_type", 255))
                    .col(json_binary_null("metadata"))
                    .col(id_null("reply_to"))
                    .col(timestamp_with_time_zone_null("read_at"))
                    .col(id_null("read_by"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("edited_at"))
                    .col(timestamp_with_time_zone_null("deleted_at"))
                    .check((
                        "ck_message_counters",
                        Expr::col("seq").gte(1).and(Expr::col("rev").gte(1)),
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_message_conversation",
                        ("message", "conversation_id"),
                        ("conversation", "id"),
                        OnDelete::Cascade,
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_message_sender",
                        ("message", "sender_id"),
                        ("user", "id"),
                        OnDelete::Restrict,
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_message_reply_to",
                        ("message", "reply_to"),
                        ("message", "id"),
                        OnDelete::SetNull,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("ux_message_seq", "message", &["conversation_id", "seq"])
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index(
                    "ux_message_client_id",
                    "message",
                    &["conversation_id", "sender_id", "client_id"],
                )
                .unique()
                .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "ix_message_rev",
                "message",
                &["conversation_id", "rev"],
            ))
            .await?;
        manager
            .create_index(index("ix_message_sender", "message", &["sender_id"]))
            .await?;
        manager
            .create_index(
                index("ix_message_reply_to", "message", &["reply_to"])
                    .and_where(Expr::col("reply_to").is_not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "message").await
    }
}
