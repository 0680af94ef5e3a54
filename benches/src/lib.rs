//! Loads a Socket.IO chat server that speaks the messaging vocabulary, measures it, and counts what it
//! lost, doubled or brought out of order. Knows nothing of the server's insides.

mod ears;
mod gathering;
mod latencies;
mod limits;
mod metering;
mod noise;
mod plan;
pub mod plots;
mod posting;
mod presence;
mod processes;
mod reading;
mod report;
mod runs;
mod stamps;
mod talking;
mod tokens;
mod visitors;
mod wire;

use std::sync::Arc;

pub use ears::Faults;
pub use latencies::Latency;
pub use plan::{Pace, Plan, Scenario};
pub use processes::{Process, Usage};
pub use reading::n_unread;
pub use report::{Figures, Place, Report, Second, Server, to_html, to_text};
pub use runs::Progress;

use reading::{History, List};
use runs::Run;

/// Does what the plan says and reports. `progress` is told from time to time how far it is.
///
/// # Errors
///
/// When the plan cannot be done, the server cannot be reached, somebody cannot join, or what is read over REST
/// is wrong. What happens to messages under load is no error, see [`Report::faults`].
pub async fn run(plan: &Plan, progress: Progress<'_>) -> anyhow::Result<Report> {
    plan.check()?;
    limits::make_room(plan)?;
    // For https://. Who has installed one already wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let run = Arc::new(Run::begin(plan).await?);
    let mut report = match plan.scenario {
        Scenario::Pairs | Scenario::Rooms | Scenario::BigRoom => talking::run(run, progress).await,
        Scenario::Storm => presence::storm(run, progress).await,
        Scenario::Idle => presence::idle(run, progress).await,
        Scenario::Reconnect => presence::reconnect(run, progress).await,
        Scenario::History => reading::run::<History>(run, progress).await,
        Scenario::List => reading::run::<List>(run, progress).await,
    }?;
    report.figures = Figures::of(&report);
    Ok(report)
}
