//! How much waits for one client, in bytes. Counts of packets alone say little: one may be a hundred
//! times as long as another.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that were sent to a client, and bytes that it took. It may take more than it was sent: what
/// carries them adds a little, which is not counted as sent.
#[derive(Debug)]
pub struct Backlog {
    max_bytes: u64,
    n_sent: AtomicU64,
    /// The longest packet that may still wait.
    n_longest: AtomicU64,
}

impl Backlog {
    /// An empty one, in which so many bytes may wait, and one packet more.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes: max_bytes as u64,
            n_sent: AtomicU64::new(0),
            n_longest: AtomicU64::new(0),
        }
    }

    /// Notes a packet that is sent while the client has taken `n_taken` bytes. `false` when more waits
    /// than may. The longest packet does not count: a page that was asked for must not close the
    /// client that takes a while to read it.
    pub fn send(&self, n_bytes: usize, n_taken: u64) -> bool {
        let n_bytes = n_bytes as u64;
        let add = |n_sent: u64| Some(n_sent.max(n_taken) + n_bytes);
        let n_before = self
            .n_sent
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add)
            .unwrap_or_default();
        let n_waiting = n_before.saturating_sub(n_taken);
        if n_waiting <= self.max_bytes / 2 {
            self.n_longest.store(0, Ordering::Release);
        }
        let n_longest = self
            .n_longest
            .fetch_max(n_bytes, Ordering::AcqRel)
            .max(n_bytes);
        n_waiting + n_bytes <= self.max_bytes + n_longest
    }

    /// Whether so much waits that the client should read before it asks for more.
    pub fn is_long(&self, n_taken: u64) -> bool {
        let n_sent = self.n_sent.load(Ordering::Acquire);
        n_sent.saturating_sub(n_taken) > self.max_bytes / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_may_wait_and_one_packet_more() {
        let backlog = Backlog::new(100);
        for _ in 0..11 {
            assert!(backlog.send(10, 0));
        }
        assert!(!backlog.send(10, 0));
        assert!(backlog.is_long(0) && !backlog.is_long(70));
    }

    #[test]
    fn a_long_packet_leaves_room_for_what_comes_behind_it() {
        let backlog = Backlog::new(100);
        assert!(backlog.send(1_000, 0));
        assert!(backlog.send(100, 0));
        assert!(!backlog.send(1, 0));
    }

    #[test]
    fn what_carries_the_packets_hides_nothing() {
        let backlog = Backlog::new(100);
        assert!(backlog.send(50, 0));
        // Its frames were longer than what was sent.
        assert!(backlog.send(50, 500));
        assert!(backlog.send(100, 500));
        assert!(backlog.send(50, 500));
        assert!(!backlog.send(1, 500));
    }
}
