//! When the next batch begins. A commit costs the same for one write and for fifty, so where several people
//! write at once, a moment is waited for the others; who writes alone waits for nobody.

use std::time::{Duration, Instant};

/// Between the beginnings of two small batches, where the first was of several writes.
const INTERVAL: Duration = Duration::from_millis(2);
/// After each it is looked whether the batch is worth it.
const TICK: Duration = Duration::from_millis(1);
/// So many writes are enough for a batch.
const ENOUGH: usize = 64;

/// The batch before.
pub struct Pace {
    begun_at: Instant,
    n_writes: usize,
}

impl Pace {
    /// Before the first batch.
    pub fn new(now: Instant) -> Self {
        Self {
            begun_at: now,
            n_writes: 0,
        }
    }

    /// Until when so many writes wait for more. When all who wrote the last time are back, nobody else may
    /// come; but they may also be others, so that is only believed of those who `have_waited`.
    pub fn until(&self, n_writes: usize, have_waited: bool, now: Instant) -> Option<Instant> {
        let is_enough = n_writes >= ENOUGH || (have_waited && n_writes >= self.n_writes);
        let is_due = self.n_writes <= 1 || now >= self.begun_at + INTERVAL;
        (!is_enough && !is_due).then_some(now + TICK)
    }

    /// A batch of so many writes begins.
    pub fn note(&mut self, n_writes: usize, now: Instant) {
        *self = Self {
            begun_at: now,
            n_writes,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_few_writes_of_many_people_wait() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.until(1, false, now), None, "the first");
        pace.note(1, now);
        assert_eq!(pace.until(1, false, now), None, "who writes alone");
        pace.note(3, now);
        let next = now + TICK;
        assert_eq!(pace.until(1, false, now), Some(next));
        assert_eq!(pace.until(3, false, now), Some(next), "more may come");
        assert_eq!(pace.until(2, true, next), Some(next + TICK));
        assert_eq!(pace.until(3, true, next), None, "all are back");
        assert_eq!(pace.until(ENOUGH, false, now), None, "worth it");
        assert_eq!(pace.until(1, true, now + INTERVAL), None, "time is over");
    }
}
