//! Copies SQLite's write-ahead log back into the database beside the writer: when the log is full, the
//! commit that filled it copies what is left, and everybody waits for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{Fault, statement};

/// Pages in a full log, 128 MiB. Rows of many conversations touch the same pages again and again; a longer
/// log copies each of them back less often.
pub const FULL: i64 = 32_768;
/// What a log keeps of the disk when it begins anew, in bytes: all of it, so that no page is asked for again.
pub const KEPT_BYTES: i64 = FULL * 4_096;
/// From here on it is copied beside the writer, so that little is left when it is full.
const ALMOST_FULL: i64 = FULL * 3 / 4;
/// Between two looks at it.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The log, seen from the writer.
pub struct Checkpoints {
    db: DatabaseConnection,
    looked_at: Instant,
    is_looking: Arc<AtomicBool>,
}

impl Checkpoints {
    /// The log of the database that `db` reads.
    pub fn new(db: DatabaseConnection) -> Self {
        Self {
            db,
            looked_at: Instant::now(),
            is_looking: Arc::default(),
        }
    }

    /// To be called after a commit. Nothing is waited for.
    pub fn look(&mut self) {
        if self.looked_at.elapsed() < LOOK_INTERVAL || self.is_looking.swap(true, Ordering::AcqRel)
        {
            return;
        }
        self.looked_at = Instant::now();
        let (db, is_looking) = (self.db.clone(), Arc::clone(&self.is_looking));
        tokio::spawn(async move {
            // The commit that fills the log copies it all the same.
            if let Err(fault) = copy_back(&db).await {
                tracing::warn!(%fault, "the log could not be copied back");
            }
            is_looking.store(false, Ordering::Release);
        });
    }
}

/// Copies the log back if it is almost full; whoever writes or reads is not held up.
async fn copy_back(db: &DatabaseConnection) -> Result<(), Fault> {
    let log = checkpoint(db, "NOOP").await?;
    if log.n_pages >= ALMOST_FULL && log.n_copied < log.n_pages {
        checkpoint(db, "PASSIVE").await?;
    }
    Ok(())
}

struct Log {
    n_pages: i64,
    n_copied: i64,
}

/// <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>
async fn checkpoint(db: &DatabaseConnection, mode: &str) -> Result<Log, Fault> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let row = db.query_one_raw(statement(db, &sql, [])).await?;
    let row = row.ok_or(Fault::Other)?;
    Ok(Log {
        n_pages: row.try_get_by_index(1)?,
        n_copied: row.try_get_by_index(2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests_support::open_sqlite;

    #[tokio::test]
    async fn a_log_that_is_almost_full_is_copied_back() {
        let (_folder, store) = open_sqlite().await;
        let fill = async |n_pages: i64| {
            let sql = "INSERT INTO server_meta (key, text) VALUES (hex(randomblob(16)), \
                       hex(zeroblob(2000 * ?)))";
            let insert = statement(&store.write, sql, [n_pages.into()]);
            store.write.execute_raw(insert).await.unwrap();
            copy_back(&store.read).await.unwrap();
            checkpoint(&store.read, "NOOP").await.unwrap()
        };
        let log = fill(10).await;
        assert!(log.n_copied < log.n_pages && log.n_pages < ALMOST_FULL);
        let log = fill(ALMOST_FULL + ALMOST_FULL / 16).await;
        assert!(log.n_pages >= ALMOST_FULL && log.n_pages < FULL);
        assert_eq!(log.n_copied, log.n_pages);
    }
}
