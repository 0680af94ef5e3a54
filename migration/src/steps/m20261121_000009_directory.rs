//! What dealer rooms refer to: galleries, their vehicles and the offers between them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{drop_table, id, id_null, index};

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
                    .table("gallery")
                    .col(id("id").primary_key())
                    .col(string_len("name", 255))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("vehicle")
                    .col(id("id").primary_key())
                    .col(id_null("gallery_id"))
                    .col(string_len_null("brand", 255))
                    .col(string_len_null("model", 255))
                    .col(double_null("base_price"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("offer")
                    .col(id("id").primary_key())
                    .col(id_null("vehicle_id"))
                    .col(id_null("seller_gallery_id"))
                    .col(id_null("buyer_gallery_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("ix_vehicle_gallery", "vehicle", &["gallery_id"]))
            .await?;
        manager
            .create_index(index("ix_offer_vehicle", "offer", &["vehicle_id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "offer").await?;
        drop_table(manager, "vehicle").await?;
        drop_table(manager, "gallery").await
    }
}
