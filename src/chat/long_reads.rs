//! Reads that take long: catching up, searches and long pages. Each reads many rows in many steps; whoever asks for
//! a lot of them, or many who ask at once, must not take all connections from those who send.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::UserId;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Result};

/// How long a read waits until it is refused. An event has ten seconds.
const MAX_WAIT: Duration = Duration::from_secs(8);
/// After that time somebody who was refused may ask again.
const PAUSE: Duration = Duration::from_secs(1);

/// Whose turn it is. Each user reads one at a time: all tabs of a browser ask at once after a restart, and
/// each is answered in its turn. Only half of the connections that read are for all of them together.
pub struct LongReads {
    in_all: Semaphore,
    /// Those who read or wait; there is no more of them than of requests under way.
    by_user: SyncMutex<HashMap<UserId, Arc<Mutex<()>>>>,
}

impl LongReads {
    /// Of a store with so many connections.
    pub fn new(n_readers: u32) -> Self {
        Self {
            in_all: Semaphore::new((n_readers as usize / 2).max(1)),
            by_user: SyncMutex::default(),
        }
    }

    /// Reads for a user when it is their turn.
    ///
    /// # Errors
    ///
    /// What the read fails with; `RATE_LIMITED` if the user's other reads take too long, `UNAVAILABLE`
    /// if those of everybody do.
    pub async fn in_turn<T>(
        &self,
        user: &UserId,
        read: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let until = Instant::now() + MAX_WAIT;
        let reader = Reader::new(self, user);
        let _turn = timeout_at(until, reader.turn.lock())
            .await
            .map_err(|_| Error::rate_limited(PAUSE))?;
        self.when_free(until, read).await
    }

    /// Reads when there is a place among all; for what a user may ask for several times at once.
    ///
    /// # Errors
    ///
    /// What the read fails with; `UNAVAILABLE` if those of everybody take too long.
    pub async fn among_all<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        self.when_free(Instant::now() + MAX_WAIT, read).await
    }

    async fn when_free<T>(
        &self,
        until: Instant,
        read: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let _place = timeout_at(until, self.in_all.acquire())
            .await
            .map_err(|_| Error::busy())?;
        read.await
    }

    fn by_user(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Mutex<()>>>> {
        self.by_user
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// Somebody who reads or waits, also if nobody waits for the answer any more.
struct Reader<'a> {
    reads: &'a LongReads,
    user: &'a UserId,
    turn: Arc<Mutex<()>>,
}

impl<'a> Reader<'a> {
    fn new(reads: &'a LongReads, user: &'a UserId) -> Self {
        let turn = Arc::clone(reads.by_user().entry(user.clone()).or_default());
        Self { reads, user, turn }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut by_user = self.reads.by_user();
        // One is in the map, and one is ours.
        if Arc::strong_count(&self.turn) == 2 {
            by_user.remove(self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    async fn until_told(told: oneshot::Receiver<()>) -> Result<()> {
        told.await.map_err(|_| Error::Internal)
    }

    #[tokio::test]
    async fn a_user_reads_one_at_a_time_and_nobody_else_waits_for_it() {
        let reads = LongReads::new(4);
        let [a, b] = ["a", "b"].map(UserId::from);
        let (tell, told) = oneshot::channel();
        let mut first = pin!(reads.in_turn(&a, until_told(told)));
        assert!(poll!(&mut first).is_pending());
        let mut second = pin!(reads.in_turn(&a, async { Ok(2) }));
        assert!(poll!(&mut second).is_pending());
        assert_eq!(reads.in_turn(&b, async { Ok(3) }).await, Ok(3));
        tell.send(()).unwrap();
        assert_eq!(first.await, Ok(()));
        assert_eq!(second.await, Ok(2));
    }

    #[tokio::test]
    async fn half_of_the_connections_are_for_everybody_else() {
        let reads = LongReads::new(5);
        let users = ["a", "b", "c"].map(UserId::from);
        let (_tell, told): (Vec<_>, Vec<_>) = (0..2).map(|_| oneshot::channel()).unzip();
        let mut told = told.into_iter().map(until_told);
        let mut first = pin!(reads.in_turn(&users[0], told.next().unwrap()));
        let mut second = pin!(reads.in_turn(&users[1], told.next().unwrap()));
        let mut third = pin!(reads.in_turn(&users[2], async { Ok(()) }));
        for reading in [&mut first, &mut second] {
            assert!(poll!(reading).is_pending());
        }
        assert_eq!(reads.in_all.available_permits(), 0);
        assert!(poll!(&mut third).is_pending());
    }

    #[tokio::test]
    async fn what_is_read_among_all_takes_a_place_and_no_turn() {
        let reads = LongReads::new(4);
        let a = UserId::from("a");
        let (_tell, told): (Vec<_>, Vec<_>) = (0..2).map(|_| oneshot::channel()).unzip();
        let mut told = told.into_iter().map(until_told);
        let mut first = pin!(reads.in_turn(&a, told.next().unwrap()));
        let mut second = pin!(reads.among_all(told.next().unwrap()));
        let mut third = pin!(reads.among_all(async { Ok(()) }));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        assert_eq!(reads.in_all.available_permits(), 0);
        assert!(poll!(&mut third).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused_and_nobody_is_remembered() {
        let reads = LongReads::new(1);
        let [a, b] = ["a", "b"].map(UserId::from);
        {
            let mut first = pin!(reads.in_turn(&a, std::future::pending::<Result<()>>()));
            assert!(poll!(&mut first).is_pending());
            let own = reads.in_turn(&a, async { Ok(()) }).await;
            assert_eq!(own, Err(Error::rate_limited(PAUSE)));
            let other = reads.in_turn(&b, async { Ok(()) }).await;
            assert_eq!(other, Err(Error::busy()));
            assert_eq!(reads.by_user().len(), 1, "the one who reads");
        }
        assert!(reads.by_user().is_empty(), "nobody reads any more");
        assert_eq!(reads.in_turn(&b, async { Ok(()) }).await, Ok(()));
    }
}
