//! The TCP connections under a session, and the two switches that each has.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

/// Stops reading from a connection while its session has enough to do. The client then feels it
/// through TCP, and nothing that it sends is lost.
#[derive(Debug, Default)]
pub struct ReadGate {
    is_closed: AtomicBool,
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

    /// Ready when the connection may be read; the one reader is woken otherwise.
    pub fn poll_open(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_closed.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.reader.register(context.waker());
        // It may have been opened between the look and the registration.
        if self.is_closed.load(Ordering::Acquire) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

/// The other end of a TCP connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Resets the connection at once, however full its buffers are.
    pub kill: CancellationToken,
    /// Stops reading from it.
    pub gate: Arc<ReadGate>,
}

/// What a session runs over: the connection of its first request, and the one it upgraded to.
#[derive(Debug)]
pub struct Links {
    /// Where the first request came from.
    pub address: Option<SocketAddr>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    peers: Vec<Peer>,
    is_killed: bool,
}

impl Links {
    /// The links of a session whose first request came from `peer`.
    pub fn new(peer: Option<Peer>) -> Self {
        Self {
            address: peer.as_ref().map(|peer| peer.address),
            inner: Mutex::new(Inner {
                peers: peer.into_iter().collect(),
                is_killed: false,
            }),
        }
    }

    /// The session moves to another connection.
    pub fn upgrade(&self, peer: Peer) {
        let mut inner = self.inner();
        if inner.is_killed {
            peer.kill.cancel();
        }
        inner.peers = vec![peer];
    }

    /// Resets all connections of the session.
    pub fn kill(&self) {
        let mut inner = self.inner();
        inner.is_killed = true;
        for peer in &inner.peers {
            peer.kill.cancel();
        }
    }

    /// Whether the session was killed: none of its requests is served any more.
    pub fn is_killed(&self) -> bool {
        self.inner().is_killed
    }

    /// Stops or resumes reading.
    pub fn set_reading(&self, is_reading: bool) {
        for peer in &self.inner().peers {
            if is_reading {
                peer.gate.open();
            } else {
                peer.gate.close();
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}
