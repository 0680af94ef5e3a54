//! The scenarios in which people come and stay: `storm`, `idle`, `reconnect`.

mod homes;
mod members;
mod memories;
mod reconnect;
mod returning;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use homes::Chat;
use members::House;

pub use reconnect::run as reconnect;

use crate::gathering::Gathering;
use crate::latencies::Latencies;
use crate::processes::Usage;
use crate::report::{Report, Server};
use crate::runs::{Progress, Run};

/// How long nobody must hear anything before it is quiet.
const QUIET: Duration = Duration::from_secs(5);

/// Everybody comes at once; what is measured is how long that takes and what it costs.
pub async fn storm(run: Arc<Run>, progress: Progress<'_>) -> anyhow::Result<Report> {
    let homes = set_up(&run, progress).await?;
    let entered = enter(&run, homes, progress).await?;
    let mut report = entered.report;
    report.server = Server::between(entered.before, run.usage()?);
    report.faults.broken = leave(&entered.house, entered.members).await?;
    Ok(report)
}

/// Everybody is there and silent; what is measured is what that takes of memory, and of the processor.
pub async fn idle(run: Arc<Run>, progress: Progress<'_>) -> anyhow::Result<Report> {
    run.usage()?.context(
        "what a connection takes of memory is read from the server's process: it must run on this machine; \
         give its number with --pid if it is not found by its port",
    )?;
    let homes = set_up(&run, progress).await?;
    let entered = enter(&run, homes, progress).await?;
    let mut report = entered.report;
    progress("waiting until it is quiet");
    run.noise.until_quiet(QUIET).await;
    let (began, first) = (Instant::now(), run.usage()?);
    progress("idle");
    tokio::time::sleep(run.plan.duration).await;
    report.server = Server::between(first, run.usage()?);
    report.seconds = began.elapsed().as_secs_f64();
    if let (Some(server), Some(before), Some(quiet)) = (&mut report.server, entered.before, first) {
        let added = quiet.resident_bytes as f64 - before.resident_bytes as f64;
        server.bytes_per_connection = Some(added / report.connections as f64);
    }
    report.faults.broken = leave(&entered.house, entered.members).await?;
    Ok(report)
}

/// The conversations of each user, once the server has forgotten that they were there.
async fn set_up(run: &Run, progress: Progress<'_>) -> anyhow::Result<Vec<Vec<Chat>>> {
    let chats = homes::set_up(run, progress).await?;
    progress("waiting until the server has forgotten the set-up");
    tokio::time::sleep(run.plan.pause).await;
    Ok(homes::by_user(&chats, run.plan.connections))
}

/// Everybody is in.
struct Entered {
    house: Arc<House>,
    members: Gathering<bool>,
    /// What the server had used before.
    before: Option<Usage>,
    report: Report,
}

async fn enter(
    run: &Arc<Run>,
    homes: Vec<Vec<Chat>>,
    progress: Progress<'_>,
) -> anyhow::Result<Entered> {
    let house = Arc::new(House {
        run: Arc::clone(run),
        over: CancellationToken::new(),
    });
    let mut report = Report::empty(&run.plan);
    let connect = Latencies::new()?;
    let (began, before) = (Instant::now(), run.usage()?);
    let members = members::gather(&house, homes, || connect.recorder(), progress).await?;
    report.seconds = began.elapsed().as_secs_f64();
    report.connections = run.plan.connections as u64;
    report.connect = connect.summary();
    Ok(Entered {
        house,
        members,
        before,
        report,
    })
}

/// Everybody goes. Returns how many were gone before.
async fn leave(house: &House, members: Gathering<bool>) -> anyhow::Result<u64> {
    house.over.cancel();
    let lasted = members.end().await?;
    Ok(lasted.iter().filter(|lasted| !**lasted).count() as u64)
}
