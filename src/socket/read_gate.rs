//! Stops reading from a connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Stops reading from a connection while its session has enough to do. The client then feels it
/// through TCP, and nothing that it sends is lost.
#[derive(Debug, Default)]
pub struct ReadGate {
    is_closed: AtomicBool,
    has_ended: AtomicBool,
    reader: AtomicWaker,
}

impl ReadGate {
    /// Stops reading.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Goes on reading.
    pub fn open(&self) {
        self.is_closed.store(false, Ordering::Release);
        self.reader.wake();
    }

    /// Lets the reader come to an end, whatever the client still sends.
    pub fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// Whether nothing more is to be read.
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Ready when the connection may be read, or has ended. The one reader is woken when either
    /// becomes true, also while it waits for the client.
    pub fn poll_open(&self, context: &mut Context<'_>) -> Poll<()> {
        self.reader.register(context.waker());
        if self.is_closed.load(Ordering::Acquire) && !self.has_ended() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn the_end_opens_a_closed_gate() {
        let (gate, mut context) = (ReadGate::default(), Context::from_waker(Waker::noop()));
        assert!(gate.poll_open(&mut context).is_ready() && !gate.has_ended());
        gate.close();
        assert!(gate.poll_open(&mut context).is_pending());
        gate.end();
        assert!(gate.poll_open(&mut context).is_ready() && gate.has_ended());
    }
}
