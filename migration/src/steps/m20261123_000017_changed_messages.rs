//! Messages are found by `rev` where they changed after they were said; in all others `rev` and `seq` ascend
//! together. Only the former stand in an index of their own: one that every message enters is a fifth or more
//! of what it costs to store one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use crate::columns::index;

const TABLE: &str = "message";
const IS_CHANGED: &str = "is_changed";
const INDEX: &str = "ix_message_changed";
/// It held all messages.
const OLD_INDEX: &str = "ix_message_rev";
/// Those that have a higher `rev` than some message after them.
const MARK_CHANGED: &str = "UPDATE message SET is_changed = true WHERE id IN (SELECT id FROM (\
     SELECT id, rev, MIN(rev) OVER (PARTITION BY conversation_id ORDER BY seq \
     ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_rev FROM message) AS m WHERE rev > next_rev)";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut alter = Table::alter();
        alter
            .table(TABLE)
            .add_column(boolean(IS_CHANGED).default(false));
        manager.alter_table(alter).await?;
        manager
            .get_connection()
            .execute_unprepared(MARK_CHANGED)
            .await?;
        let changed = index(INDEX, TABLE, &["conversation_id", "rev"])
            .and_where(Expr::col(IS_CHANGED))
            .to_owned();
        manager.create_index(changed).await?;
        drop_index(manager, OLD_INDEX).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(index(OLD_INDEX, TABLE, &["conversation_id", "rev"]))
            .await?;
        drop_index(manager, INDEX).await?;
        let mut alter = Table::alter();
        alter.table(TABLE).drop_column(IS_CHANGED);
        manager.alter_table(alter).await
    }
}

async fn drop_index(manager: &SchemaManager<'_>, name: &'static str) -> Result<(), DbErr> {
    manager
        .drop_index(Index::drop().name(name).table(TABLE).to_owned())
        .await
}
