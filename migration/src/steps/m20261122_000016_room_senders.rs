//! What somebody wrote in rooms is listed, and what two wrote to each other is not: only the former stands in
//! an index. An index that every message enters is a fifth or more of what it costs to store one.

use sea_orm_migration::prelude::*;

use crate::columns::{id_null, index};

const TABLE: &str = "message";
/// The sender again, in a room of people.
const ROOM_SENDER: &str = "room_sender_id";
const INDEX: &str = "ix_message_room_sender";
/// It held all messages.
const OLD_INDEX: &str = "ix_message_written";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut alter = Table::alter();
        alter.table(TABLE).add_column(id_null(ROOM_SENDER));
        manager.alter_table(alter).await?;
        drop_index(manager, OLD_INDEX).await?;
        let sql = "UPDATE message SET room_sender_id = sender_id WHERE conversation_id IN \
                   (SELECT conversation_id FROM room WHERE gallery_a_id IS NULL)";
        manager.get_connection().execute_unprepared(sql).await?;
        manager
            .create_index(
                index(INDEX, TABLE, &[ROOM_SENDER, "created_at"])
                    .and_where(Expr::col(ROOM_SENDER).is_not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, INDEX).await?;
        let mut alter = Table::alter();
        alter.table(TABLE).drop_column(ROOM_SENDER);
        manager.alter_table(alter).await?;
        manager
            .create_index(index(OLD_INDEX, TABLE, &["sender_id", "created_at"]))
            .await
    }
}

async fn drop_index(manager: &SchemaManager<'_>, name: &'static str) -> Result<(), DbErr> {
    manager
        .drop_index(Index::drop().name(name).table(TABLE).to_owned())
        .await
}
