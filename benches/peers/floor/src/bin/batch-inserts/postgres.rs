//! Batches in PostgreSQL. What the database itself needs of the processor is not counted.

use chrono::{DateTime, Utc};
use sea_orm::sqlx::{AssertSqlSafe, Executor, PgConnection, query};

use crate::batches::{AT, Advance, Batch, RUN, Row, Store, TEXT, places};

impl Store for PgConnection {
    async fn store(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let at = AT.parse()?;
        self.execute("BEGIN").await?;
        for run in batch.advances.chunks(RUN) {
            advance(self, run, at).await?;
        }
        for run in batch.rows.chunks(RUN) {
            insert(self, run, at).await?;
        }
        self.execute("COMMIT").await?;
        Ok(())
    }
}

async fn advance(db: &mut PgConnection, run: &[Advance], at: DateTime<Utc>) -> anyhow::Result<()> {
    let text = format!(
        "UPDATE conversation SET last_seq = last_seq + v.column2, last_rev = last_rev + v.column2, \
         last_message_at = v.column3, updated_at = v.column3, last_message_preview = v.column4 \
         FROM (VALUES {}) AS v WHERE conversation.id = v.column1 RETURNING id, last_seq",
        places(run.len(), 4, numbered)
    );
    let mut statement = query(AssertSqlSafe(text));
    for advance in run {
        statement = statement
            .bind(&advance.conversation)
            .bind(advance.n_messages)
            .bind(at)
            .bind(TEXT);
    }
    statement.fetch_all(db).await?;
    Ok(())
}

async fn insert(db: &mut PgConnection, run: &[Row], at: DateTime<Utc>) -> anyhow::Result<()> {
    let text = format!(
        "INSERT INTO message (id, conversation_id, seq, rev, sender_id, client_id, kind, content, created_at) \
         VALUES {}",
        places(run.len(), 9, numbered)
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
            .bind(at);
    }
    statement.execute(db).await?;
    Ok(())
}

fn numbered(place: usize) -> String {
    format!("${}", place + 1)
}
