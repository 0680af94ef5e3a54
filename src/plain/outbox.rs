//! The way to one client: a bounded queue, and three ways to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::chat::{Backlog, Outbox};
use crate::wire::chatsphere::frames;

/// Tells the task of a socket to end.
#[derive(Clone, Default)]
pub struct Switch {
    /// Its connection is to be reset.
    pub killed: CancellationToken,
    /// Its client is to hear that it is not wanted.
    pub expelled: CancellationToken,
}

/// What waits for a client.
pub struct Queue {
    frames: mpsc::UnboundedReceiver<String>,
    n_taken: Arc<AtomicU64>,
}

impl Queue {
    /// The next frame, when there is one. The socket holds the other end as long as it lives.
    pub async fn next(&mut self) -> Option<String> {
        let frame = self.frames.recv().await;
        self.taken(frame)
    }

    /// The next frame, if there is one now.
    pub fn next_now(&mut self) -> Option<String> {
        let frame = self.frames.try_recv().ok();
        self.taken(frame)
    }

    fn taken(&self, frame: Option<String>) -> Option<String> {
        let n_bytes = frame.as_ref().map_or(0, String::len);
        self.n_taken.fetch_add(n_bytes as u64, Ordering::AcqRel);
        frame
    }
}

/// Puts events into the queue of one client until one finds no room. Then the connection is reset,
/// because a client must not hear of later events when it missed one.
pub struct QueueOutbox {
    frames: mpsc::UnboundedSender<String>,
    backlog: Backlog,
    n_taken: Arc<AtomicU64>,
    switch: Switch,
}

/// A queue for that many frames and bytes, and its two ends.
pub fn channel(n_frames: usize, n_bytes: usize, switch: Switch) -> (QueueOutbox, Queue) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let n_taken = Arc::<AtomicU64>::default();
    let outbox = QueueOutbox {
        frames: sender,
        backlog: Backlog::new(n_frames, n_bytes),
        n_taken: Arc::clone(&n_taken),
        switch,
    };
    let queue = Queue {
        frames: receiver,
        n_taken,
    };
    (outbox, queue)
}

impl Outbox for QueueOutbox {
    fn is_behind(&self) -> bool {
        self.backlog.is_long(self.n_taken.load(Ordering::Acquire))
    }

    fn emit(&self, event: &str, body: &RawValue) {
        if self.switch.killed.is_cancelled() {
            return;
        }
        let frame = frames::write(event, body);
        let n_taken = self.n_taken.load(Ordering::Acquire);
        if self.backlog.send(frame.len(), n_taken) {
            // A queue that nobody empties any more is that of a socket that is gone.
            let _ = self.frames.send(frame);
        } else {
            tracing::info!("a client is too slow, its connection is reset");
            self.close();
        }
    }

    fn is_open(&self) -> bool {
        !self.switch.killed.is_cancelled() && !self.switch.expelled.is_cancelled()
    }

    fn close(&self) {
        self.switch.killed.cancel();
    }

    fn expel(&self) {
        self.switch.expelled.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_BYTES: usize = 1_000_000;

    fn body(n_bytes: usize) -> Box<RawValue> {
        let json = format!("{{\"x\":\"{}\"}}", "x".repeat(n_bytes));
        RawValue::from_string(json).unwrap()
    }

    #[test]
    fn a_client_that_takes_nothing_is_closed_when_its_queue_is_full() {
        let switch = Switch::default();
        let (outbox, mut queue) = channel(2, MAX_BYTES, switch.clone());
        outbox.emit("a", &body(1));
        outbox.emit("b", &body(1));
        assert!(!switch.killed.is_cancelled());
        outbox.emit("c", &body(1));
        assert!(switch.killed.is_cancelled());
        assert_eq!(queue.next_now().unwrap(), r#"{"type":"a","x":"x"}"#);
    }

    #[test]
    fn a_client_is_behind_while_more_than_half_of_its_queue_is_full() {
        let (outbox, mut queue) = channel(4, MAX_BYTES, Switch::default());
        outbox.emit("a", &body(1));
        outbox.emit("b", &body(1));
        assert!(!outbox.is_behind());
        outbox.emit("c", &body(1));
        assert!(outbox.is_behind());
        assert!(queue.next_now().is_some());
        assert!(!outbox.is_behind());
        outbox.emit("d", &body(MAX_BYTES / 2));
        assert!(outbox.is_behind(), "by bytes");
    }

    #[test]
    fn few_long_frames_fill_a_queue_too() {
        let switch = Switch::default();
        let (outbox, mut queue) = channel(100, MAX_BYTES, switch.clone());
        for _ in 0..3 {
            outbox.emit("a", &body(MAX_BYTES - 100));
            assert!(!switch.killed.is_cancelled(), "one is always taken");
            assert!(queue.next_now().is_some());
        }
        for _ in 0..3 {
            outbox.emit("a", &body(MAX_BYTES - 100));
        }
        assert!(switch.killed.is_cancelled());
    }
}
