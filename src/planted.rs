//! Bugs for the torture harness to find (docs/reliability.md). They are only in builds with the feature
//! `planted-bugs`, and then only when the environment names one.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::value::RawValue;

/// Names the bug.
const VARIABLE: &str = "SOHBET_PLANTED_BUG";
/// How long a commit comes after what it should come before.
const LATE: Duration = Duration::from_millis(150);

/// Whether this process has that bug.
pub fn has(bug: &str) -> bool {
    static PLANTED: OnceLock<Option<String>> = OnceLock::new();
    let planted = PLANTED.get_or_init(|| {
        let planted = std::env::var(VARIABLE).ok();
        if let Some(bug) = &planted {
            tracing::error!(bug, "this server has a bug planted into it");
        }
        planted
    });
    planted.as_deref() == Some(bug)
}

/// Does something in a while, unless the process ends before.
pub fn later(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        tokio::time::sleep(LATE).await;
        work.await;
    });
}

/// With `broadcast_before_commit`, an answer that comes when even a late commit is done.
pub fn late_ack(ack: Box<dyn FnOnce(&RawValue) + Send>) -> Box<dyn FnOnce(&RawValue) + Send> {
    if !has("broadcast_before_commit") {
        return ack;
    }
    Box::new(move |body| {
        let body = body.to_owned();
        tokio::spawn(async move {
            tokio::time::sleep(2 * LATE).await;
            ack(&body);
        });
    })
}
