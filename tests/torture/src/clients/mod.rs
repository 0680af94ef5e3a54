//! Those who use the server while it is being broken.

mod acting;
pub mod calls;
pub mod device;
mod inbox;
pub mod leaver;
pub mod observer;
pub mod owner;
pub mod reactor;
pub mod rest;
pub mod rude;
pub mod stranger;
pub mod uploader;
pub mod walker;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::history::What;
use crate::log::Log;

/// How far a run has come.
#[derive(Debug, Clone)]
pub enum Phase {
    /// Everybody does what they like.
    Load,
    /// Everybody finishes what they began, and asks for nothing new.
    Settle,
    /// Everybody makes sure that they have everything, up to these positions, and goes.
    Finish(Arc<BTreeMap<String, i64>>),
}

/// What all clients of a run share.
pub struct World {
    /// Where everything is written down.
    pub log: Log,
    /// Where the clients reach each node.
    pub nodes: Vec<SocketAddr>,
    /// Members of each conversation, as the run began.
    pub conversations: BTreeMap<String, Vec<String>>,
    /// The one that anybody may enter.
    pub open_room: String,
    /// All users that take part in something.
    pub users: Vec<String>,
    /// Tokens by user; empty in development mode.
    pub tokens: BTreeMap<String, String>,
    /// The generation of the data.
    pub epoch: String,
    /// How far the run has come.
    pub phase: watch::Receiver<Phase>,
    /// Clients that have nothing left to settle.
    pub n_settled: AtomicU64,
    /// The last number that was given to a request.
    n_calls: AtomicU64,
}

impl World {
    /// A world in which nothing was made yet, and what moves it on.
    pub fn new(
        log: Log,
        nodes: Vec<SocketAddr>,
        users: Vec<String>,
        tokens: BTreeMap<String, String>,
    ) -> (Self, watch::Sender<Phase>) {
        let (sender, phase) = watch::channel(Phase::Load);
        let world = Self {
            log,
            nodes,
            conversations: BTreeMap::new(),
            open_room: String::new(),
            users,
            tokens,
            epoch: String::new(),
            phase,
            n_settled: AtomicU64::new(0),
            n_calls: AtomicU64::new(0),
        };
        (world, sender)
    }

    /// A number for a request.
    pub fn call(&self) -> u64 {
        self.n_calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether new things may be asked for.
    pub fn is_loaded(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Load)
    }

    /// Writes down what happens to a client.
    pub fn record(&self, who: &str, conn: u32, what: What) {
        self.log.record(who, conn, what);
    }

    /// Waits, but not past the end of the load. Returns whether it goes on.
    pub async fn pause(&self, time: Duration) -> bool {
        let mut phase = self.phase.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = phase.wait_for(|phase| !matches!(phase, Phase::Load)) => {}
        }
        self.is_loaded()
    }
}
