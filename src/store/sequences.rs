//! Integer ids, handed out from blocks: no round trip per id, and no clash between nodes, because a
//! block belongs to whoever reserved it. A restart skips the rest of its block.

use std::ops::Range;
use std::sync::Mutex;

use sea_orm::DatabaseConnection;

use super::{Fault, meta};

/// Size of the first block; each further one is twice as long, up to [`MAX_BLOCK`].
const FIRST_BLOCK: i64 = 32;
const MAX_BLOCK: i64 = 4_096;
/// Milliseconds in a block of [`Millis`]: while messages come in, one is reserved that often.
const MILLIS_BLOCK: i64 = 10_000;

/// One sequence of small integers.
pub struct Sequence {
    db: DatabaseConnection,
    key: &'static str,
    block: Mutex<Range<i64>>,
    /// Length of the next block; held while one is reserved, so that only one caller does it.
    next_length: tokio::sync::Mutex<i64>,
}

impl Sequence {
    pub(super) fn new(db: DatabaseConnection, key: &'static str) -> Self {
        Self {
            db,
            key,
            block: Mutex::new(0..0),
            next_length: tokio::sync::Mutex::new(FIRST_BLOCK),
        }
    }

    /// The next free number.
    pub async fn next(&self) -> Result<i64, Fault> {
        if let Some(number) = self.take() {
            return Ok(number);
        }
        let mut length = self.next_length.lock().await;
        // Whoever held the lock before has probably brought a new block.
        if let Some(number) = self.take() {
            return Ok(number);
        }
        let first = meta::reserve(&self.db, self.key, *length).await?;
        *self.block() = first + 1..first + *length;
        *length = (*length * 2).min(MAX_BLOCK);
        Ok(first)
    }

    fn take(&self) -> Option<i64> {
        self.block().next()
    }

    fn block(&self) -> std::sync::MutexGuard<'_, Range<i64>> {
        self.block
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// Ids that are milliseconds since 1970, strictly ascending whatever the clock says. They are ahead
/// of the clock when more than one is asked for in a millisecond, and for some seconds after a
/// restart.
pub struct Millis {
    db: DatabaseConnection,
    block: Range<i64>,
}

impl Millis {
    pub(super) fn new(db: DatabaseConnection) -> Self {
        Self { db, block: 0..0 }
    }

    /// The first free one that is not before `now`.
    pub async fn next(&mut self, now: i64) -> Result<i64, Fault> {
        let mut first = self.block.start.max(now);
        if first >= self.block.end {
            first = meta::reserve_from(&self.db, meta::NEXT_MILLIS, first, MILLIS_BLOCK).await?;
            self.block.end = first + MILLIS_BLOCK;
        }
        self.block.start = first + 1;
        Ok(first)
    }
}
