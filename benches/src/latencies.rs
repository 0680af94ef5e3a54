//! How long things took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time that is told from longer ones, in nanoseconds: ten minutes.
const MAX_NS: u64 = 600_000_000_000;
/// Digits that are kept of a time.
const DIGITS: u8 = 3;
/// Times that somebody keeps before they are added to those of the others.
const BATCH: usize = 128;
/// The shares that a curve shows.
const CURVE: [f64; 17] = [
    0.0, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999,
    0.99999, 1.0,
];

/// Times that many write down.
#[derive(Clone)]
pub struct Latencies(Arc<Mutex<Histogram<u64>>>);

impl Latencies {
    /// None yet.
    pub fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_bounds(1, MAX_NS, DIGITS)?;
        Ok(Self(Arc::new(Mutex::new(histogram))))
    }

    /// Somebody who writes times down here.
    pub fn recorder(&self) -> Recorder {
        Recorder {
            waiting: Vec::new(),
            all: self.clone(),
        }
    }

    /// What they say so far; `None` if there are none.
    pub fn summary(&self) -> Option<Latency> {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if histogram.is_empty() {
            return None;
        }
        let at = |share: f64| histogram.value_at_quantile(share) as f64 / 1_000.0;
        Some(Latency {
            count: histogram.len(),
            mean_us: histogram.mean() / 1_000.0,
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: histogram.max() as f64 / 1_000.0,
            curve: CURVE.iter().map(|share| (*share, at(*share))).collect(),
        })
    }
}

/// Writes times down in batches, because many do.
pub struct Recorder {
    waiting: Vec<u64>,
    all: Latencies,
}

impl Recorder {
    /// Takes a time.
    pub fn record(&mut self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(MAX_NS);
        self.waiting.push(ns);
        if self.waiting.len() >= BATCH {
            self.flush();
        }
    }

    /// Adds what waits.
    pub fn flush(&mut self) {
        let mut histogram = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ns in self.waiting.drain(..) {
            histogram.saturating_record(ns);
        }
    }
}

/// A distribution of times, in microseconds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How many there are.
    pub count: u64,
    /// Their mean.
    pub mean_us: f64,
    /// Half of them took no longer.
    pub p50_us: f64,
    /// 99 of a hundred took no longer.
    pub p99_us: f64,
    /// 999 of a thousand took no longer.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Shares, and what they took at most.
    pub curve: Vec<(f64, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_counts_once() {
        let latencies = Latencies::new().unwrap();
        assert!(latencies.summary().is_none());
        let mut recorder = latencies.recorder();
        for ms in 1..=1_000 {
            recorder.record(Duration::from_millis(ms));
        }
        recorder.flush();
        let summary = latencies.summary().unwrap();
        assert_eq!(summary.count, 1_000);
        assert!((summary.p50_us - 500_000.0).abs() < 1_000.0);
        assert!((summary.p99_us - 990_000.0).abs() < 2_000.0);
        assert!((summary.max_us - 1_000_000.0).abs() < 2_000.0);
    }
}
