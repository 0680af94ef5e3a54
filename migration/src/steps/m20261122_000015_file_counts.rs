//! How many messages of a conversation show a file: it is shown there until the last of them is deleted.

use std::collections::BTreeMap;

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::{QueryResult, Statement, Value};

const TABLE: &str = "upload_use";
const N_MESSAGES: &str = "n_messages";
/// Messages that are counted in one statement.
const PAGE_ROWS: i64 = 500;
/// Digits of the id of a file when this step was made.
const ID_CHARS: usize = 32;

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
            .add_column(big_integer(N_MESSAGES).default(0));
        manager.alter_table(alter).await?;
        let db = manager.get_connection();
        let mut last = String::new();
        while let Some(id) = count_page(db, &last).await? {
            last = id;
        }
        // It lost its use when one of several messages that show it was deleted, and its blob is still there.
        let sql = "UPDATE upload SET used_at = created_at WHERE used_at IS NULL AND stored_at IS NOT NULL \
                   AND EXISTS (SELECT 1 FROM upload_use AS u WHERE u.upload_id = upload.id)";
        db.execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut alter = Table::alter();
        alter.table(TABLE).drop_column(N_MESSAGES);
        manager.alter_table(alter).await
    }
}

/// Counts the messages that come after `last`; the id of the last one of them, while there are some.
async fn count_page(db: &impl ConnectionTrait, last: &str) -> Result<Option<String>, DbErr> {
    let sql = "SELECT id, conversation_id, file_url FROM message \
               WHERE id > $1 AND file_url IS NOT NULL ORDER BY id LIMIT $2";
    let values = [last.into(), PAGE_ROWS.into()];
    let rows = db.query_all_raw(statement(db, sql, values)).await?;
    let column = |row: &QueryResult, index| row.try_get_by_index::<String>(index);
    let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
    for row in &rows {
        if let Some(file) = file_in(&column(row, 2)?) {
            let key = (file.to_owned(), column(row, 1)?);
            *counts.entry(key).or_default() += 1;
        }
    }
    add(db, counts).await?;
    rows.last().map(|row| column(row, 0)).transpose()
}

/// Adds to the counts. A link to a file that is not there is no use of it.
async fn add(
    db: &impl ConnectionTrait,
    counts: BTreeMap<(String, String), i64>,
) -> Result<(), DbErr> {
    if counts.is_empty() {
        return Ok(());
    }
    let row = |at: usize| format!("(${}, ${}, ${})", 3 * at + 1, 3 * at + 2, 3 * at + 3);
    let rows: Vec<String> = (0..counts.len()).map(row).collect();
    let sql = format!(
        "INSERT INTO upload_use (upload_id, conversation_id, n_messages) \
         SELECT v.column1, v.column2, v.column3 FROM (VALUES {}) AS v \
         JOIN upload ON upload.id = v.column1 WHERE upload.stored_at IS NOT NULL \
         ON CONFLICT (upload_id, conversation_id) \
         DO UPDATE SET n_messages = upload_use.n_messages + excluded.n_messages",
        rows.join(", ")
    );
    let values = counts
        .into_iter()
        .flat_map(|((file, conversation), n)| [file.into(), conversation.into(), n.into()]);
    db.execute_raw(statement(db, &sql, values)).await?;
    Ok(())
}

fn statement(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// The id in a link to a file of ours, as the server read links when this step was made.
fn file_in(link: &str) -> Option<&str> {
    let (_, name) = link.rsplit_once("/uploads/")?;
    let id = name.split(['.', '?', '#']).next()?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (id.len() == ID_CHARS && id.bytes().all(is_digit)).then_some(id)
}
