//! What a room has beyond its conversation: a name, a type and, for dealers, what it is about.

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
                    .table("room")
                    .col(id("conversation_id").primary_key())
                    .col(string_len("name", 255))
                    .col(text_null("description"))
                    .col(string_len("room_type", 16))
                    .col(id_null("offer_id"))
                    .col(id_null("vehicle_id"))
                    .col(id_null("gallery_a_id"))
                    .col(id_null("gallery_b_id"))
                    .col(boolean("is_active"))
                    .col(timestamp_with_time_zone_null("closed_at"))
                    .col(string_len_null("dedup_key", 400))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .check(one_of(
                        "ck_room_type",
                        "room_type",
                        &["group", "offer", "vehicle", "support"],
                    ))
                    .foreign_key(&mut foreign_key(
                        "fk_room_conversation",
                        ("room", "conversation_id"),
                        ("conversation", "id"),
                        OnDelete::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("ux_room_dedup_key", "room", &["dedup_key"])
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("ix_room_gallery_a", "room", &["gallery_a_id"]))
            .await?;
        manager
            .create_index(index("ix_room_gallery_b", "room", &["gallery_b_id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "room").await
    }
}
