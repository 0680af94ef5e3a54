//! A report for the terminal.

use super::summary::{self, Rows, microseconds};
use super::{Latency, Report};

/// The whole report in a screenful of text.
pub fn to_text(report: &Report) -> String {
    let plan = &report.plan;
    let parts = [
        in_columns(&summary::done(plan)),
        in_columns(&summary::found(report)),
        table(&summary::latencies(report)),
        summary::verdict(report).join("\n"),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

fn in_columns(rows: &Rows) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:<width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn table(latencies: &[(String, &Latency)]) -> String {
    let Some(width) = latencies.iter().map(|(name, _)| name.len()).max() else {
        return String::new();
    };
    let line = |name: &str, cells: [String; 5]| {
        let [count, p50, p99, p999, max] = cells;
        format!("{name:<width$}  {count:>12}  {p50:>10}  {p99:>10}  {p999:>10}  {max:>10}")
    };
    let mut lines = vec![line("", HEAD.map(str::to_owned))];
    lines.extend(
        latencies
            .iter()
            .map(|(name, latency)| line(name, cells(latency))),
    );
    lines.join("\n")
}

/// What [`cells`] are.
pub const HEAD: [&str; 5] = ["count", "p50", "p99", "p99.9", "longest"];

/// What a table says of a distribution.
pub fn cells(latency: &Latency) -> [String; 5] {
    [
        summary::count(latency.count),
        microseconds(latency.p50_us),
        microseconds(latency.p99_us),
        microseconds(latency.p999_us),
        microseconds(latency.max_us),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::latencies::Latencies;
    use crate::plan::{Plan, Scenario};
    use crate::report::Figures;

    #[test]
    fn columns_are_aligned_and_only_what_the_scenario_is_about_is_there() {
        let mut report = Report::empty(&Plan::usual(Scenario::Pairs));
        report.seconds = 2.0;
        report.messages = 24_690;
        report.figures = Figures::of(&report);
        let latencies = Latencies::new().unwrap();
        let mut recorder = latencies.recorder();
        recorder.record(Duration::from_micros(1_500));
        recorder.flush();
        report.send_to_ack = latencies.summary();
        report.send_to_receive = latencies.summary();
        let text = to_text(&report);
        assert!(text.contains("messages      12,345 a second"), "{text}");
        assert!(text.contains("nothing lost"), "{text}");
        assert!(!text.contains("reads"), "{text}");
        let table: Vec<_> = text.lines().filter(|line| line.contains("ms")).collect();
        assert_eq!(table.len(), 2);
        assert_eq!(table[0].chars().count(), table[1].chars().count());
    }
}
