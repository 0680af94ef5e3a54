//! Tables of contenders beside each other.

use super::numbers;
use crate::contenders::Contender;
use crate::figures::Figure;
use crate::samples::{Samples, Spot};

/// Of whom everybody else is a multiple.
const BASE: Contender = Contender::SohbetSqlite;

/// A row of measurements as a table.
pub struct Table {
    /// The row, and the marker.
    pub name: &'static str,
    /// What is compared.
    compared: Figure,
    /// What is shown beside it.
    beside: Figure,
}

/// All tables.
pub const ALL: [Table; 8] = [
    table("pairs", Figure::CpuUsPerMessage, Figure::MessagesPerSecond),
    table("deep", Figure::CpuUsPerMessage, Figure::MessagesPerSecond),
    table(
        "rooms",
        Figure::CpuUsPerDelivery,
        Figure::DeliveriesPerSecond,
    ),
    table(
        "big-room",
        Figure::CpuUsPerDelivery,
        Figure::DeliveriesPerSecond,
    ),
    table(
        "storm",
        Figure::CpuUsPerConnection,
        Figure::ConnectionsPerSecond,
    ),
    table("idle", Figure::KibPerConnection, Figure::StartSeconds),
    table("history", Figure::CpuUsPerRead, Figure::NewestP99Ms),
    table("list", Figure::CpuUsPerRead, Figure::ReadP99Ms),
];

const fn table(name: &'static str, compared: Figure, beside: Figure) -> Table {
    Table {
        name,
        compared,
        beside,
    }
}

impl Table {
    /// The table; empty if nothing was measured.
    pub fn to_markdown(&self, samples: &Samples) -> String {
        let spot = Spot::of(self.name);
        let contenders = samples.contenders(spot);
        if contenders.is_empty() {
            return String::new();
        }
        let (compared, beside) = (self.compared.title(), self.beside.title());
        let head = format!(
            "| {} | {compared} | times Sohbet's | {beside} | faults |\n|---|--:|--:|--:|---|\n",
            self.name
        );
        let lines = contenders.iter().map(|who| self.line(samples, *who));
        head + &lines.collect::<String>()
    }

    fn line(&self, samples: &Samples, contender: Contender) -> String {
        let spot = Spot::of(self.name);
        let number = |figure| {
            let spread = samples.spread(spot, contender, figure);
            spread.map_or_else(String::new, |spread| numbers::spread(spread, figure))
        };
        let ratio = samples.ratio(spot, (contender, BASE), self.compared);
        let ratio = match contender == BASE {
            true => "1".to_owned(),
            false => ratio.map_or_else(String::new, numbers::ratio),
        };
        format!(
            "| {} | {} | {ratio} | {} | {} |\n",
            contender.title(),
            number(self.compared),
            number(self.beside),
            faults(samples, spot, contender)
        )
    }
}

/// What the floors leave: how much of Sohbet's cost is not the library below it and not the rows.
pub fn floors(samples: &Samples) -> String {
    let mut text = String::from(
        "| server CPU a message | Sohbet | the wire alone | the rows alone | left to Sohbet |\n\
         |---|--:|--:|--:|--:|\n",
    );
    let of = [
        (Contender::SohbetSqlite, Contender::InsertsSqlite),
        (Contender::SohbetPostgres, Contender::InsertsPostgres),
    ];
    for row in ["pairs", "deep"] {
        for (ours, writer) in of {
            let figure = Figure::CpuUsPerMessage;
            let median = |who| Some(samples.spread(Spot::of(row), who, figure)?.median);
            let found = (median(ours), median(Contender::Bare), median(writer));
            if let (Some(ours_us), Some(wire), Some(rows)) = found {
                let [all, wire, rows, left] =
                    [ours_us, wire, rows, ours_us - wire - rows].map(numbers::rounded);
                let name = ours.title();
                text +=
                    &format!("| {row}: {name} | {all} µs | {wire} µs | {rows} µs | {left} µs |\n");
            }
        }
    }
    text
}

/// All that went wrong in all rounds, in words.
fn faults(samples: &Samples, spot: Spot, contender: Contender) -> String {
    let mut all = sohbet_bench::Faults::default();
    let mut failures = Vec::new();
    for sample in samples.of(spot, contender) {
        all.add(&sample.faults);
        failures.extend(sample.failure.clone());
    }
    let counted = [
        (all.lost, "lost"),
        (all.doubled, "doubled"),
        (all.reordered, "out of order"),
        (all.strayed, "strayed"),
        (all.refused, "refused"),
        (all.unanswered, "unanswered"),
        (all.unsent, "not sent"),
        (all.broken, "connections lost"),
    ];
    let counted = counted.iter().filter(|(n, _)| *n > 0);
    let mut words: Vec<_> = counted.map(|(n, what)| format!("{n} {what}")).collect();
    failures.dedup();
    words.extend(failures.iter().map(|why| why.replace(['|', '\n'], " ")));
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tests::sample;

    const CPU: Figure = Figure::CpuUsPerMessage;

    fn samples() -> Samples {
        let spot = Spot::of("pairs");
        let mut samples = Samples::default();
        for (who, round, cpu) in [
            (Contender::SohbetSqlite, 1, 20.0),
            (Contender::SohbetSqlite, 2, 22.0),
            (Contender::NodePg, 1, 200.0),
            (Contender::NodePg, 2, 440.0),
            (Contender::Bare, 1, 12.0),
            (Contender::InsertsSqlite, 1, 4.0),
        ] {
            samples.push(sample(spot, who, round, (CPU, cpu)));
        }
        samples
    }

    #[test]
    fn a_table_has_everybody_with_medians_ranges_and_ratios() {
        let mut samples = samples();
        let mut broken = sample(Spot::of("pairs"), Contender::NodePg, 3, (CPU, 300.0));
        broken.faults.lost = 3;
        broken.failure = Some("not in\ntime".to_owned());
        samples.push(broken);
        let text = ALL[0].to_markdown(&samples);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| Sohbet, SQLite | 21 µs (20 to 22) | 1 |  | none |"
        );
        assert_eq!(
            lines[3],
            "| Node, pg | 300 µs (200 to 440) | 15 (10 to 20) |  | 3 lost, not in time |"
        );
        assert_eq!(ALL[1].to_markdown(&samples), "");
    }

    #[test]
    fn what_is_neither_wire_nor_rows_is_left() {
        let text = floors(&samples());
        let line = "| pairs: Sohbet, SQLite | 21 µs | 12 µs | 4 µs | 5 µs |";
        assert!(text.contains(line), "{text}");
        assert_eq!(text.lines().count(), 3);
    }
}
