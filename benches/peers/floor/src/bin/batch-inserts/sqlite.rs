//! Batches in SQLite, with the settings that the server has.

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection, query};

use crate::batches::{AT, Advance, Batch, RUN, Row, Store, TEXT, places};

/// The file of that URL.
pub async fn connect(url: &str) -> anyhow::Result<SqliteConnection> {
    let file = url.trim_start_matches("sqlite://");
    let file = file.split('?').next().unwrap_or_default();
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-32768")
        .pragma("wal_autocheckpoint", "8192");
    Ok(SqliteConnection::connect_with(&options).await?)
}

impl Store for SqliteConnection {
    async fn store(&mut self, batch: &Batch) -> anyhow::Result<()> {
        self.execute("BEGIN IMMEDIATE").await?;
        for run in batch.advances.chunks(RUN) {
            advance(self, run).await?;
        }
        for run in batch.rows.chunks(RUN) {
            insert(self, run).await?;
        }
        self.execute("COMMIT").await?;
        Ok(())
    }
}

async fn advance(db: &mut SqliteConnection, run: &[Advance]) -> anyhow::Result<()> {
    let text = format!(
        "UPDATE conversation SET last_seq = last_seq + v.column2, last_rev = last_rev + v.column2, \
         last_message_at = v.column3, updated_at = v.column3, last_message_preview = v.column4 \
         FROM (VALUES {}) AS v WHERE conversation.id = v.column1 RETURNING id, last_seq",
        places(run.len(), 4, |_| "?".to_owned())
    );
    let mut statement = query(AssertSqlSafe(text));
    for advance in run {
        statement = statement
            .bind(&advance.conversation)
            .bind(advance.n_messages)
            .bind(AT)
            .bind(TEXT);
    }
    statement.fetch_all(db).await?;
    Ok(())
}

async fn insert(db: &mut SqliteConnection, run: &[Row]) -> anyhow::Result<()> {
    let text = format!(
        "INSERT INTO message (id, conversation_id, seq, rev, sender_id, client_id, kind, content, created_at) \
         VALUES {}",
        places(run.len(), 9, |_| "?".to_owned())
    );
    let mut statement = query(AssertSqlSafe(text));
    for row in run {
        statement = statement
            .bind(&row.id)
            .bind(&row.conversation)
            .bind(row.seq)
            .bind(row.seq)
            .bind(&row.conversation)
            .bind(&row.client_id)
            .bind("text")
            .bind(TEXT)
            .bind(AT);
    }
    statement.execute(db).await?;
    Ok(())
}
