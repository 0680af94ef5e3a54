//! One TCP connection, as a session knows it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use tokio_util::sync::CancellationToken;

use crate::socket::read_gate::ReadGate;

/// The other end of a TCP connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Resets the connection at once, however full its buffers are.
    pub kill: CancellationToken,
    /// Stops reading from it, for a while or for good.
    pub gate: Arc<ReadGate>,
    /// Whether the last write to it has not been taken yet.
    pub is_stuck: Arc<AtomicBool>,
    /// Bytes that it has taken so far.
    pub n_written: Arc<AtomicU64>,
}

impl Peer {
    /// The other end of a connection that was accepted just now.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            kill: CancellationToken::new(),
            gate: Arc::default(),
            is_stuck: Arc::default(),
            n_written: Arc::default(),
        }
    }
}
