//! What a run found.

mod figures;
mod html;
mod summary;
mod text;

pub use figures::Figures;
pub use html::to_html;
pub use text::to_text;

use serde::Serialize;

use crate::ears::Faults;
use crate::latencies::Latency;
use crate::plan::Plan;
use crate::processes::Usage;

/// A run and what it found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What was done.
    pub plan: Plan,
    /// How long was measured. In `storm` and `reconnect`, how long it took until all were in.
    pub seconds: f64,
    /// Messages that were acknowledged while it was measured.
    pub messages: u64,
    /// Messages that came to somebody other than their sender.
    pub deliveries: u64,
    /// Connections that were opened while it was measured; in `idle`, those that were there.
    pub connections: u64,
    /// REST calls that were answered while it was measured.
    pub reads: u64,
    /// From the moment a message was due to its acknowledgement.
    pub send_to_ack: Option<Latency>,
    /// From the moment a message was due to its arrival at somebody else.
    pub send_to_receive: Option<Latency>,
    /// From opening a connection to having joined everything.
    pub connect: Option<Latency>,
    /// From a REST call to its whole answer.
    pub read: Option<Latency>,
    /// The same, by what was read.
    pub reads_by_place: Vec<Place>,
    /// What was counted in each second; the last one may be shorter.
    pub by_second: Vec<Second>,
    /// What the server used, if it runs on this machine.
    pub server: Option<Server>,
    /// What was wrong.
    pub faults: Faults,
    /// What follows from all that.
    pub figures: Figures,
}

/// Reads of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// Which: `newest`, `oldest`, `anywhere`.
    pub place: String,
    /// How long they took.
    pub latency: Latency,
}

/// What was counted in one second of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Acknowledged messages.
    pub messages: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// REST calls that were answered.
    pub reads: u64,
}

impl Second {
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            messages: self.messages - earlier.messages,
            deliveries: self.deliveries - earlier.deliveries,
            reads: self.reads - earlier.reads,
        }
    }
}

/// What the server used while it was measured.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Processor seconds of its process.
    pub cpu_seconds: f64,
    /// Resident memory at the end, in bytes.
    pub resident_bytes: u64,
    /// Its peak since the process began.
    pub peak_bytes: u64,
    /// Resident memory that the connections added, in bytes for each of them.
    pub bytes_per_connection: Option<f64>,
}

impl Server {
    /// What was used between two looks; `None` if it cannot be seen.
    pub(crate) fn between(first: Option<Usage>, last: Option<Usage>) -> Option<Self> {
        let (first, last) = first.zip(last)?;
        Some(Self {
            cpu_seconds: last.cpu.saturating_sub(first.cpu).as_secs_f64(),
            resident_bytes: last.resident_bytes,
            peak_bytes: last.peak_bytes,
            bytes_per_connection: None,
        })
    }
}

impl Report {
    pub(crate) fn empty(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            seconds: 0.0,
            messages: 0,
            deliveries: 0,
            connections: 0,
            reads: 0,
            send_to_ack: None,
            send_to_receive: None,
            connect: None,
            read: None,
            reads_by_place: Vec::new(),
            by_second: Vec::new(),
            server: None,
            faults: Faults::default(),
            figures: Figures::default(),
        }
    }
}
