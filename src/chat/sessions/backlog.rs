//! How much waits for one client, in packets and in bytes. Either alone says little: one packet may be
//! a hundred times as long as another.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

/// Bytes that were sent to a client, against bytes that it took. It may take more than it was sent: what
/// carries them adds a little, which is not always counted as sent.
#[derive(Debug)]
pub struct Backlog {
    max_packets: usize,
    max_bytes: u64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    n_sent: u64,
    /// Where each packet that still waits ends, counted like `n_sent`.
    ends: VecDeque<u64>,
    /// The longest packet that may still wait.
    n_longest: u64,
}

impl Waiting {
    /// Forgets what the client has taken. Returns how many bytes still wait.
    fn take(&mut self, n_taken: u64) -> u64 {
        self.n_sent = self.n_sent.max(n_taken);
        let n_gone = self.ends.partition_point(|end| *end <= n_taken);
        self.ends.drain(..n_gone);
        self.n_sent - n_taken
    }
}

impl Backlog {
    /// An empty one, in which so many packets may wait, and so many bytes and one packet more.
    pub fn new(max_packets: usize, max_bytes: usize) -> Self {
        Self {
            max_packets,
            max_bytes: max_bytes as u64,
            waiting: Mutex::default(),
        }
    }

    /// Notes a packet that is sent while the client has taken `n_taken` bytes. `false` when more waits
    /// than may. The longest packet does not count: a page that was asked for must not close the
    /// client that takes a while to read it.
    pub fn send(&self, n_bytes: usize, n_taken: u64) -> bool {
        let n_bytes = n_bytes as u64;
        let mut waiting = self.waiting();
        let n_waiting = waiting.take(n_taken);
        if n_waiting <= self.max_bytes / 2 {
            waiting.n_longest = 0;
        }
        waiting.n_longest = waiting.n_longest.max(n_bytes);
        waiting.n_sent += n_bytes;
        let end = waiting.n_sent;
        waiting.ends.push_back(end);
        waiting.ends.len() <= self.max_packets
            && n_waiting + n_bytes <= self.max_bytes + waiting.n_longest
    }

    /// Whether so much waits that the client should read before it asks for more.
    pub fn is_long(&self, n_taken: u64) -> bool {
        let mut waiting = self.waiting();
        waiting.take(n_taken) > self.max_bytes / 2 || waiting.ends.len() > self.max_packets / 2
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .expect("no code panics with this lock held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: usize = 1_000;

    #[test]
    fn so_much_may_wait_and_one_packet_more() {
        let backlog = Backlog::new(MANY, 100);
        for _ in 0..11 {
            assert!(backlog.send(10, 0));
        }
        assert!(!backlog.send(10, 0));
        assert!(backlog.is_long(0) && !backlog.is_long(70));
    }

    #[test]
    fn so_many_may_wait() {
        let backlog = Backlog::new(10, MANY);
        for _ in 0..10 {
            assert!(backlog.send(2, 0));
        }
        assert!(backlog.is_long(0) && backlog.is_long(8) && !backlog.is_long(10));
        // A packet waits until its last byte is taken.
        for _ in 0..5 {
            assert!(backlog.send(2, 11));
        }
        assert!(!backlog.send(2, 11));
    }

    #[test]
    fn a_long_packet_leaves_room_for_what_comes_behind_it() {
        let backlog = Backlog::new(MANY, 100);
        assert!(backlog.send(1_000, 0));
        assert!(backlog.send(100, 0));
        assert!(!backlog.send(1, 0));
    }

    #[test]
    fn what_carries_the_packets_hides_nothing() {
        let backlog = Backlog::new(MANY, 100);
        assert!(backlog.send(50, 0));
        // Its frames were longer than what was sent.
        assert!(backlog.send(50, 500));
        assert!(backlog.send(100, 500));
        assert!(backlog.send(50, 500));
        assert!(!backlog.send(1, 500));
    }
}
