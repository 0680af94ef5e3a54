//! What came of a run, for people and for programs.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::checker::Violation;
use crate::history::{Ask, Entry, Told, What};

/// Numbers of a run, and what was wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Name of the set-up.
    pub setup: String,
    /// Repeats the plan.
    pub seed: u64,
    /// What was done, in order.
    pub faults: Vec<String>,
    /// Sends that were acknowledged.
    pub n_acked: usize,
    /// Sends whose outcome stayed unknown at least once.
    pub n_unknown: usize,
    /// Sends that were refused.
    pub n_failed: usize,
    /// Messages in the database in the end.
    pub n_stored: usize,
    /// Messages that came live.
    pub n_received: usize,
    /// Messages that came by catching up.
    pub n_caught: usize,
    /// Connections.
    pub n_connections: usize,
    /// From the ack to the last live event of the message: p50, p95, p99 and the longest, in
    /// milliseconds.
    pub ack_to_all_ms: [f64; 4],
    /// What must not have happened.
    pub violations: Vec<Violation>,
    /// How many more there are.
    pub n_more_violations: usize,
    /// How long the run took, judging included.
    pub seconds: f64,
    /// Where history and logs are, if they were kept.
    pub kept: Option<PathBuf>,
}

impl Summary {
    /// Counts a history.
    pub fn new(
        history: &[Entry],
        faults: Vec<String>,
        violations: Vec<Violation>,
        n_more_violations: usize,
        took: Duration,
    ) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sends: HashMap<u64, bool> = HashMap::new();
        let (mut seed, mut setup) = (0, String::new());
        for entry in history {
            let what = match &entry.what {
                What::Run {
                    seed: number,
                    setup: name,
                    ..
                } => {
                    (seed, setup) = (*number, name.clone());
                    continue;
                }
                What::Invoke {
                    call,
                    ask: Ask::Send { .. },
                } => {
                    sends.insert(*call, true);
                    continue;
                }
                What::Ok {
                    told: Told::Message { .. },
                    ..
                } => "acked",
                What::Unknown { call } if sends.contains_key(call) => "unknown",
                What::Fail { call, .. } if sends.contains_key(call) => "failed",
                What::Received { .. } => "received",
                What::Caught { messages, .. } => {
                    *counts.entry("caught").or_default() += messages.len();
                    continue;
                }
                What::Row { .. } => "stored",
                What::Open { .. } => "connections",
                _ => continue,
            };
            *counts.entry(what).or_default() += 1;
        }
        let count = |name: &str| counts.get(name).copied().unwrap_or_default();
        Self {
            setup,
            seed,
            faults,
            n_acked: count("acked"),
            n_unknown: count("unknown"),
            n_failed: count("failed"),
            n_stored: count("stored"),
            n_received: count("received"),
            n_caught: count("caught"),
            n_connections: count("connections"),
            ack_to_all_ms: ack_to_all_ms(history),
            violations,
            n_more_violations,
            seconds: took.as_secs_f64(),
            kept: None,
        }
    }

    /// One line for a terminal.
    pub fn to_line(&self) -> String {
        let [p50, p95, p99, max] = self.ack_to_all_ms;
        format!(
            "{} seed {}: {} violations; {} acked, {} unknown, {} refused, {} stored, {} received, {} caught up, {} connections; \
             ack to all p50 {p50:.1} p95 {p95:.1} p99 {p99:.1} max {max:.1} ms; {} faults; {:.1} s",
            self.setup,
            self.seed,
            self.violations.len() + self.n_more_violations,
            self.n_acked,
            self.n_unknown,
            self.n_failed,
            self.n_stored,
            self.n_received,
            self.n_caught,
            self.n_connections,
            self.faults.len(),
            self.seconds,
        )
    }

    /// A page for people.
    pub fn to_markdown(&self) -> String {
        let mut page = format!(
            "# {} seed {}\n\n{}\n\n## Faults\n\n",
            self.setup,
            self.seed,
            self.to_line()
        );
        for fault in &self.faults {
            page.push_str(&format!("- {fault}\n"));
        }
        page.push_str("\n## Violations\n\n");
        for violation in &self.violations {
            page.push_str(&format!(
                "- **{}** {} (history lines {:?})\n",
                violation.invariant, violation.what, violation.lines
            ));
        }
        page
    }
}

/// A row for each set-up: what many runs come to.
pub fn table(summaries: &[Summary]) -> String {
    let mut by_setup: BTreeMap<&str, Vec<&Summary>> = BTreeMap::new();
    for summary in summaries {
        by_setup.entry(&summary.setup).or_default().push(summary);
    }
    let mut page = "| set-up | seeds | faults | acked | unknown | stored | received | caught up | p50 ms | p99 ms | violations |\n|---|---|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for (setup, runs) in by_setup {
        let sum = |count: fn(&Summary) -> usize| runs.iter().map(|run| count(run)).sum::<usize>();
        let mean = |position: usize| {
            runs.iter()
                .map(|run| run.ack_to_all_ms[position])
                .sum::<f64>()
                / runs.len() as f64
        };
        let seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
        page.push_str(&format!(
            "| {setup} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {:.1} | {} |\n",
            ranges(&seeds),
            sum(|run| run.faults.len()),
            sum(|run| run.n_acked),
            sum(|run| run.n_unknown),
            sum(|run| run.n_stored),
            sum(|run| run.n_received),
            sum(|run| run.n_caught),
            mean(0),
            mean(2),
            sum(|run| run.violations.len() + run.n_more_violations),
        ));
    }
    page
}

/// `1..3, 7`
fn ranges(seeds: &[u64]) -> String {
    let mut seeds = seeds.to_vec();
    seeds.sort_unstable();
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for seed in seeds {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 >= seed => *last = seed,
            _ => parts.push((seed, seed)),
        }
    }
    let texts = parts.iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}..{last}")
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn ack_to_all_ms(history: &[Entry]) -> [f64; 4] {
    let mut acked: HashMap<&str, u64> = HashMap::new();
    let mut received: HashMap<&str, u64> = HashMap::new();
    for entry in history {
        match &entry.what {
            What::Ok {
                told:
                    Told::Message {
                        message,
                        duplicate: false,
                    },
                ..
            } => {
                acked.entry(&message.id).or_insert(entry.at_us);
            }
            What::Received { message } => {
                received.insert(&message.id, entry.at_us);
            }
            _ => {}
        }
    }
    let both = acked
        .iter()
        .filter_map(|(id, acked)| Some((*acked, *received.get(id)?)));
    let mut times: Vec<u64> = both
        .map(|(acked, received)| received.saturating_sub(acked))
        .collect();
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |time| *time as f64 / 1_000.0)
    };
    [at(50), at(95), at(99), at(100)]
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn seeds_are_shown_as_ranges() {
        assert_eq!(ranges(&[3, 1, 2, 9]), "1..3, 9");
    }
}
