//! Counts what happens in each second of a run, and what it costs the server.

use std::time::{Duration, Instant};

use crate::processes::Usage;
use crate::report::{Report, Second, Server};
use crate::runs::{Progress, Run};

/// Measures from one moment of the run to another, given in nanoseconds since it began. `count` says what has
/// been counted so far.
pub async fn measure(
    run: &Run,
    (from_ns, to_ns): (u64, u64),
    count: impl Fn() -> Second,
    report: &mut Report,
    progress: Progress<'_>,
) -> anyhow::Result<()> {
    let sample = || Sample::take(run, &count);
    progress("warming up");
    tokio::time::sleep_until(moment(run, from_ns)).await;
    let first = sample()?;
    let mut last = first;
    while last.at < run.began + Duration::from_nanos(to_ns) {
        let next = tokio::time::Instant::now() + Duration::from_secs(1);
        tokio::time::sleep_until(next.min(moment(run, to_ns))).await;
        let now = sample()?;
        let second = now.counts.since(&last.counts);
        report.by_second.push(second);
        let seconds = (now.at - first.at).as_secs_f64();
        progress(&format!("{seconds:.0} s: {}", in_words(second)));
        last = now;
    }
    let counts = last.counts.since(&first.counts);
    report.seconds = (last.at - first.at).as_secs_f64();
    report.messages = counts.messages;
    report.deliveries = counts.deliveries;
    report.reads = counts.reads;
    report.server = Server::between(first.usage, last.usage);
    Ok(())
}

fn moment(run: &Run, at_ns: u64) -> tokio::time::Instant {
    tokio::time::Instant::from_std(run.began + Duration::from_nanos(at_ns))
}

fn in_words(second: Second) -> String {
    match second.reads {
        0 => format!(
            "{} messages, {} deliveries",
            second.messages, second.deliveries
        ),
        reads => format!("{reads} reads"),
    }
}

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    usage: Option<Usage>,
    counts: Second,
}

impl Sample {
    fn take(run: &Run, count: impl Fn() -> Second) -> anyhow::Result<Self> {
        Ok(Self {
            at: Instant::now(),
            usage: run.usage()?,
            counts: count(),
        })
    }
}
