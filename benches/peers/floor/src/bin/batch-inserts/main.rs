//! What storing messages costs at least: many rows in one transaction, over our own schema, with nothing
//! around them. Prints the processor time of this process for each row, in microseconds.
//!
//! `batch-inserts URL ROWS CONVERSATIONS BATCHES`: rows of one transaction, spread over so many
//! conversations. The URL is that of an empty SQLite file (`sqlite://chat.db?mode=rwc`) or of an empty PostgreSQL
//! database. With `DROP=name,...` those indexes are dropped first, which shows what they cost.

mod batches;
mod postgres;
mod sqlite;

use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{ConnectionTrait, Database};

use batches::{AT, Batch, Batches, Store, conversation_id};

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
    let batches = Batches::new(number("rows")?, number("conversations")?);
    let n_batches = number("batches")?;
    prepare(&url, batches.n_conversations()).await?;
    match url.starts_with("sqlite:") {
        true => measure(sqlite::connect(&url).await?, batches, n_batches).await,
        false => measure(PgConnection::connect(&url).await?, batches, n_batches).await,
    }
}

async fn measure(
    mut store: impl Store,
    mut batches: Batches,
    n_batches: usize,
) -> anyhow::Result<()> {
    for _ in 0..n_batches / 10 + 1 {
        store.store(&batches.next_batch()).await?;
    }
    let (before, began) = (cpu_us()?, Instant::now());
    let mut n_rows = 0;
    for _ in 0..n_batches {
        let batch: Batch = batches.next_batch();
        store.store(&batch).await?;
        n_rows += batch.rows.len();
    }
    let cpu = (cpu_us()? - before) / n_rows as f64;
    let per_second = n_rows as f64 / began.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{cpu:.2} us a row, {per_second:.0} rows a second"
    )?;
    Ok(())
}

/// The schema, the conversations, and the users who talk in them.
async fn prepare(url: &str, n_conversations: usize) -> anyhow::Result<()> {
    let db = Database::connect(url).await?;
    sohbet_migration::migrate(&db, None).await?;
    if let Ok(drop) = std::env::var("DROP") {
        for name in drop.split(',') {
            db.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
    }
    for nth in 0..n_conversations {
        let (one, two) = (conversation_id(nth), conversation_id(nth) + 1);
        for user in [one, two] {
            db.execute_unprepared(&format!(
                "INSERT INTO \"user\" (id, role, disabled, created_at, updated_at) \
                 VALUES ('{user}', 'MEMBER', false, '{AT}', '{AT}')"
            ))
            .await?;
        }
        db.execute_unprepared(&format!(
            "INSERT INTO conversation (id, kind, user1_id, user2_id, last_seq, last_rev, created_at, updated_at) \
             VALUES ('{one}', 'direct', '{one}', '{two}', 0, 0, '{AT}', '{AT}')"
        ))
        .await?;
    }
    Ok(db.close().await?)
}

/// Fields 14 and 15 of `stat` (proc(5)), at a hundred ticks a second.
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
