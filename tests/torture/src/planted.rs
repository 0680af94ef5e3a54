//! Bugs that are planted into a server built with the feature `planted-bugs`, and how each is found: a
//! harness that has never failed proves nothing.

use std::time::Duration;

use crate::nemesis::{Fault, Setup, Step};
use crate::report::Summary;

/// The variable by which such a server is told which bug to have.
pub const VARIABLE: &str = "SOHBET_PLANTED_BUG";
/// How long the load of such a run goes on, in seconds.
pub const SECONDS: u64 = 12;
/// How long Redis is away in such a run; other faults are over at once.
const GAP: Duration = Duration::from_secs(3);
/// Times that a fault comes that brings a bug to light.
const N_FAULTS: usize = 4;

/// A bug that can be planted.
#[derive(Debug, Clone)]
pub struct Planted {
    /// Its name, as the server knows it.
    pub name: &'static str,
    /// Where it shows.
    pub setup: Setup,
    /// What must be found, among other things.
    pub breaks: &'static str,
    brought_out_by: Option<Fault>,
}

/// All of them.
pub static ALL: [Planted; 8] = [
    bug("ack_before_commit", "I1", Some(Fault::Kill(0))),
    bug("broadcast_before_commit", "I11", Some(Fault::Kill(0))),
    bug("no_dedupe", "I3", None),
    bug("no_conversation_order", "I6", None),
    bug("skip_member_check", "I13", None),
    bug("synchronous_normal", "I1", Some(Fault::PowerLoss(0))),
    Planted {
        setup: Setup::Cluster,
        ..bug("bus_only_fanout", "I20", Some(Fault::BusCrash))
    },
    Planted {
        setup: Setup::Cluster,
        ..bug("wait_for_exact_rev", "I9", Some(Fault::BusCrash))
    },
];

const fn bug(name: &'static str, breaks: &'static str, brought_out_by: Option<Fault>) -> Planted {
    Planted {
        name,
        setup: Setup::Sqlite,
        breaks,
        brought_out_by,
    }
}

impl Planted {
    /// The faults of its run.
    pub fn plan(&self) -> Vec<Step> {
        let step = |fault: &Fault| Step {
            after: Duration::from_millis(2_000),
            fault: fault.clone(),
            length: match fault {
                Fault::BusCrash => GAP,
                _ => Duration::from_millis(200),
            },
        };
        let steps = self.brought_out_by.iter().map(step);
        steps
            .cycle()
            .take(self.brought_out_by.iter().count() * N_FAULTS)
            .collect()
    }

    /// Whether a run has found it.
    pub fn is_found(&self, summary: &Summary) -> bool {
        summary
            .violations
            .iter()
            .any(|violation| violation.invariant == self.breaks)
    }
}
