//! The scenarios in which people talk: `pairs`, `rooms`, `big-room`.

mod clients;
mod crowd;
mod judging;
mod pacing;
mod seats;
mod talks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use clients::{Outcome, Stage, Window};
pub use crowd::Crowd;
pub use pacing::Pacer;
pub use seats::Seat;

use crate::latencies::Latencies;
use crate::metering::measure;
use crate::report::Report;
use crate::runs::{Progress, Run, nanoseconds};

/// From the moment at which it is quiet to the first message.
const PAUSE: Duration = Duration::from_millis(200);
/// How long nobody must hear anything before it is quiet.
const QUIET: Duration = Duration::from_secs(1);

/// Lets people talk and reports how it went.
pub async fn run(run: Arc<Run>, progress: Progress<'_>) -> anyhow::Result<Report> {
    let (open_window, stage) = set_stage(&run)?;
    // A run that fails leaves nobody behind.
    let _end = stage.over.clone().drop_guard();
    let mut crowd = Crowd::gather(&seats::seats(&run.plan), &stage, progress).await?;
    progress("waiting until it is quiet");
    run.noise.until_quiet(QUIET).await;
    let window = window(&run);
    open_window.send_replace(Some(window));
    let pacer = Pacer::start(&run, window, crowd.due.split_off(0));
    let mut report = Report::empty(&run.plan);
    let span = (window.from_ns, window.to_ns);
    measure(&run, span, || crowd.count(), &mut report, progress).await?;
    progress("waiting for what is under way");
    crowd.drain(run.plan.size - 1, || 0).await;
    stage.over.cancel();
    report.faults = judging::judge(crowd.end().await?);
    report.faults.unsent = pacer.n_unsent().await.context("the pacer failed")?;
    report.send_to_ack = stage.acks.summary();
    report.send_to_receive = stage.deliveries.summary();
    Ok(report)
}

/// What clients share, and how they are told when to talk.
pub fn set_stage(run: &Arc<Run>) -> anyhow::Result<(watch::Sender<Option<Window>>, Arc<Stage>)> {
    let (open_window, window) = watch::channel(None);
    let stage = Stage {
        run: Arc::clone(run),
        window,
        over: CancellationToken::new(),
        acks: Latencies::new()?,
        deliveries: Latencies::new()?,
    };
    Ok((open_window, Arc::new(stage)))
}

/// When to talk if everybody is there now.
pub fn window(run: &Run) -> Window {
    let begin = run.began.elapsed() + PAUSE;
    let from = begin + run.plan.warm_up;
    Window {
        begin_ns: nanoseconds(begin),
        from_ns: nanoseconds(from),
        to_ns: nanoseconds(from + run.plan.duration),
    }
}
