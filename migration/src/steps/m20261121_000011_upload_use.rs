//! Which conversations show a stored file, and which files nobody shows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::{OnDelete, drop_table, foreign_key, id, index};

/// Empty while the blob is on its way in or on its way out.
const STORED_AT: &str = "stored_at";
/// When a message showed the file for the first time.
const USED_AT: &str = "used_at";
const UNUSED_INDEX: &str = "ix_upload_unused";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [STORED_AT, USED_AT] {
            let mut alter = Table::alter();
            alter
                .table("upload")
                .add_column(timestamp_with_time_zone_null(column));
            manager.alter_table(alter).await?;
        }
        // Nobody wrote down what shows the files of before, so all of them are kept.
        manager
            .get_connection()
            .execute_unprepared("UPDATE upload SET stored_at = created_at, used_at = created_at")
            .await?;
        manager
            .create_index(index(UNUSED_INDEX, "upload", &[USED_AT, "created_at"]))
            .await?;
        create_upload_use(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, "upload_use").await?;
        let drop_index = Index::drop().name(UNUSED_INDEX).table("upload").to_owned();
        manager.drop_index(drop_index).await?;
        for column in [STORED_AT, USED_AT] {
            let mut alter = Table::alter();
            alter.table("upload").drop_column(column);
            manager.alter_table(alter).await?;
        }
        Ok(())
    }
}

async fn create_upload_use(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("upload_use")
                .col(id("upload_id"))
                .col(id("conversation_id"))
                .primary_key(
                    Index::create()
                        .name("pk_upload_use")
                        .col("upload_id")
                        .col("conversation_id"),
                )
                .foreign_key(&mut foreign_key(
                    "fk_upload_use_upload",
                    ("upload_use", "upload_id"),
                    ("upload", "id"),
                    OnDelete::Cascade,
                ))
                .foreign_key(&mut foreign_key(
                    "fk_upload_use_conversation",
                    ("upload_use", "conversation_id"),
                    ("conversation", "id"),
                    OnDelete::Cascade,
                ))
                .to_owned(),
        )
        .await?;
    let by_conversation = index(
        "ix_upload_use_conversation",
        "upload_use",
        &["conversation_id"],
    );
    manager.create_index(by_conversation).await
}
