//! The clock of an open loop: a thread that wakes up when a message is due, because timers of the runtime
//! are as coarse as a millisecond.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::sync::mpsc;

use super::clients::Window;
use crate::plan::Pace;
use crate::runs::{Run, nanoseconds};

/// Hands out due times, if the loop is open.
pub struct Pacer(Option<thread::JoinHandle<u64>>);

impl Pacer {
    /// Begins, one sender after the other.
    pub fn start(run: &Run, window: Window, senders: Vec<mpsc::Sender<u64>>) -> Self {
        let Pace::Open { per_second } = run.plan.pace else {
            return Self(None);
        };
        let began = run.began;
        let pace = move || pace(began, window, per_second, &senders);
        Self(Some(thread::spawn(pace)))
    }

    /// How many times could not be handed out because their sender had too many already. Waits for the end.
    pub async fn n_unsent(self) -> anyhow::Result<u64> {
        let Some(thread) = self.0 else { return Ok(0) };
        let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
        ended.map_err(|_| anyhow!("it panicked"))
    }
}

fn pace(began: Instant, window: Window, per_second: f64, senders: &[mpsc::Sender<u64>]) -> u64 {
    let interval_ns = 1e9 / per_second;
    let mut n_unsent = 0;
    for (nth, sender) in (0_u64..).zip(senders.iter().cycle()) {
        let due_ns = window.begin_ns + (nth as f64 * interval_ns) as u64;
        if due_ns >= window.to_ns {
            break;
        }
        let wait = due_ns.saturating_sub(nanoseconds(began.elapsed()));
        if wait > 0 {
            thread::sleep(Duration::from_nanos(wait));
        }
        if sender.try_send(due_ns).is_err() {
            n_unsent += 1;
        }
    }
    n_unsent
}
