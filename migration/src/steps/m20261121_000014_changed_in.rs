//! In which transaction a conversation was changed last, on PostgreSQL: nodes ask for what changed
//! since they last asked, without relying on clocks. Elsewhere there is one node, and both stay 0.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::index;

const TABLE: &str = "conversation";
/// The last transaction that changed the row.
const CHANGED_IN: &str = "changed_in";
/// The last one that changed anything but what was said: names, who takes part. Such a change is
/// stamped with its time.
const FACTS_IN: &str = "facts_in";
const INDEX: &str = "ix_conversation_changed";

/// Numbers of transactions as PostgreSQL counts them: they never come round again.
const CREATE_FUNCTION: &str = "CREATE FUNCTION note_conversation_change() RETURNS trigger AS $$
BEGIN
  NEW.changed_in := pg_current_xact_id()::text::bigint;
  IF TG_OP = 'INSERT' OR (NEW.last_rev = OLD.last_rev AND NEW.updated_at <> OLD.updated_at) THEN
    NEW.facts_in := NEW.changed_in;
  END IF;
  RETURN NEW;
END
$$ LANGUAGE plpgsql";
const CREATE_TRIGGER: &str = "CREATE TRIGGER note_conversation_change \
     BEFORE INSERT OR UPDATE ON conversation FOR EACH ROW EXECUTE FUNCTION note_conversation_change()";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [CHANGED_IN, FACTS_IN] {
            let mut alter = Table::alter();
            alter
                .table(TABLE)
                .add_column(big_integer(column).default(0));
            manager.alter_table(alter).await?;
        }
        manager
            .create_index(index(INDEX, TABLE, &[CHANGED_IN]))
            .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let db = manager.get_connection();
            db.execute_unprepared(CREATE_FUNCTION).await?;
            db.execute_unprepared(CREATE_TRIGGER).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let db = manager.get_connection();
            db.execute_unprepared("DROP TRIGGER note_conversation_change ON conversation")
                .await?;
            db.execute_unprepared("DROP FUNCTION note_conversation_change()")
                .await?;
        }
        manager
            .drop_index(Index::drop().name(INDEX).table(TABLE).to_owned())
            .await?;
        for column in [CHANGED_IN, FACTS_IN] {
            let mut alter = Table::alter();
            alter.table(TABLE).drop_column(column);
            manager.alter_table(alter).await?;
        }
        Ok(())
    }
}
