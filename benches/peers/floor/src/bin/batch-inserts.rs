//! What storing messages costs at least: many rows in one transaction, over our own schema, with nothing
//! around them. Prints the processor time of this process for each row, in microseconds.
//!
//! `batch-inserts URL ROWS CONVERSATIONS BATCHES`: rows of one transaction, spread over so many
//! conversations.

use std::io::Write;

use anyhow::Context;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{Connection, Executor, SqliteConnection, query};
use sea_orm::{ConnectionTrait, Database};

/// Rows of one statement.
const RUN: usize = 64;
const TEXT: &str = "a text of about a hundred characters, as people write them in a chat when they have a bit more to say";
const AT: &str = "2026-01-01T00:00:00.000000+00:00";

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("a database")?;
    let mut number =
        |what| -> anyhow::Result<usize> { Ok(arguments.next().context(what)?.parse()?) };
    let (n_rows, n_conversations, n_batches) = (
        number("rows")?,
        number("conversations")?,
        number("batches")?,
    );
    let db = Database::connect(&url).await?;
    sohbet_migration::migrate(&db, None).await?;
    if let Ok(drop) = std::env::var("DROP") {
        for name in drop.split(',') {
            db.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
    }
    prepare(&db, n_conversations).await?;
    db.close().await?;
    let mut batches = Batches {
        n_rows,
        n_conversations,
        next: 0,
    };
    let file = url
        .trim_start_matches("sqlite://")
        .split('?')
        .next()
        .unwrap_or_default();
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-32768")
        .pragma("wal_autocheckpoint", "8192");
    let mut connection = SqliteConnection::connect_with(&options).await?;
    for _ in 0..n_batches / 10 + 1 {
        batches.store_in_sqlite(&mut connection).await?;
    }
    let before = cpu_us()?;
    let began = std::time::Instant::now();
    for _ in 0..n_batches {
        batches.store_in_sqlite(&mut connection).await?;
    }
    let n = (n_rows * n_batches) as f64;
    let cpu = (cpu_us()? - before) / n;
    writeln!(
        std::io::stdout(),
        "{cpu:.2} us a row, {:.0} rows a second",
        n / began.elapsed().as_secs_f64()
    )?;
    Ok(())
}

async fn prepare(db: &impl ConnectionTrait, n_conversations: usize) -> anyhow::Result<()> {
    for id in 0..n_conversations {
        let (one, two) = (1_000_000 + 2 * id, 1_000_001 + 2 * id);
        for user in [one, two] {
            db.execute_unprepared(&format!("INSERT INTO \"user\" (id, role, disabled, created_at, updated_at) VALUES ('{user}', 'MEMBER', false, '{AT}', '{AT}')")).await?;
        }
        db.execute_unprepared(&format!("INSERT INTO conversation (id, kind, user1_id, user2_id, last_seq, last_rev, created_at, updated_at) VALUES ('{one}', 'direct', '{one}', '{two}', 0, 0, '{AT}', '{AT}')")).await?;
    }
    Ok(())
}

/// Makes batches, each unlike the others.
struct Batches {
    n_rows: usize,
    n_conversations: usize,
    next: usize,
}

impl Batches {
    async fn store_in_sqlite(&mut self, db: &mut SqliteConnection) -> anyhow::Result<()> {
        db.execute("BEGIN IMMEDIATE").await?;
        let per = self.n_rows.div_ceil(self.n_conversations);
        let touched: Vec<usize> = (0..self.n_rows.min(self.n_conversations))
            .map(|nth| (self.next + nth) % self.n_conversations)
            .collect();
        for run in touched.chunks(RUN) {
            let values = vec!["(?,?,?,?)"; run.len()].join(",");
            let text = format!(
                "UPDATE conversation SET last_seq = last_seq + v.column2, last_rev = last_rev + v.column2, last_message_at = v.column3, updated_at = v.column3, last_message_preview = v.column4 FROM (VALUES {values}) AS v WHERE conversation.id = v.column1 RETURNING id, last_seq"
            );
            let mut statement = query(sea_orm::sqlx::AssertSqlSafe(text));
            for conversation in run {
                statement = statement
                    .bind((1_000_000 + 2 * conversation).to_string())
                    .bind(per as i64)
                    .bind(AT)
                    .bind(TEXT);
            }
            statement.fetch_all(&mut *db).await?;
        }
        let first = self.next;
        for from in (0..self.n_rows).step_by(RUN) {
            let n = RUN.min(self.n_rows - from);
            let values = vec!["(?,?,?,?,?,?,?,?,?)"; n].join(",");
            let text = format!(
                "INSERT INTO message (id, conversation_id, seq, rev, sender_id, client_id, kind, content, created_at) VALUES {values}"
            );
            let mut statement = query(sea_orm::sqlx::AssertSqlSafe(text));
            for nth in first + from..first + from + n {
                let conversation = 1_000_000 + 2 * (nth % self.n_conversations);
                let seq = (nth / self.n_conversations + 1) as i64;
                let client_id = format!(
                    "temp:{:016x}{:016x}",
                    (nth as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                    (nth as u64 + 7).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
                );
                statement = statement
                    .bind((nth + 1).to_string())
                    .bind(conversation.to_string())
                    .bind(seq)
                    .bind(seq)
                    .bind(conversation.to_string())
                    .bind(client_id)
                    .bind("text")
                    .bind(TEXT)
                    .bind(AT);
            }
            statement.execute(&mut *db).await?;
        }
        self.next += self.n_rows;
        db.execute("COMMIT").await?;
        Ok(())
    }
}

fn cpu_us() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').context("stat")?.1;
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks * 10_000.0)
}
