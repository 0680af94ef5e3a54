//! What things may cost, and what they do.

use super::numbers;
use crate::contenders::Contender::{
    self, Bare, FloorPostgres, FloorSqlite, NodeMemory, NodePg, NodePrisma, SohbetPostgres,
    SohbetSqlite,
};
use crate::figures::Figure;
use crate::rows::MANY_MESSAGES;
use crate::samples::{Samples, Spot};
use crate::statistics::Spread;

/// A limit for something that was measured.
struct Budget {
    what: &'static str,
    spot: Spot,
    of: Contender,
    figure: Figure,
    /// `None`: the limit is a number; else how many times as much as this one needs.
    beside: Option<Contender>,
    limit: f64,
}

/// All budgets with a line each.
pub fn to_markdown(samples: &Samples) -> String {
    let head = "| what | budget | measured | met by |\n|---|--:|--:|--:|\n".to_owned();
    let lines = all().into_iter().map(|budget| budget.line(samples));
    head + &lines.collect::<String>()
}

fn all() -> Vec<Budget> {
    let mut all = Vec::new();
    all.extend(messages("message, SQLite", SohbetSqlite, FloorSqlite));
    all.extend(messages(
        "message, PostgreSQL",
        SohbetPostgres,
        FloorPostgres,
    ));
    all.extend(deliveries());
    all.extend(people());
    all.extend(reads());
    all
}

fn messages(what: &'static str, of: Contender, floor: Contender) -> [Budget; 5] {
    let budget = |beside, limit| Budget {
        what,
        spot: Spot::of("pairs"),
        of,
        figure: Figure::CpuUsPerMessage,
        beside,
        limit,
    };
    [
        budget(None, 30.0),
        budget(Some(NodePrisma), 1.0 / 25.0),
        budget(Some(NodePg), 1.0 / 8.0),
        budget(Some(NodeMemory), 1.0),
        budget(Some(floor), 1.6),
    ]
}

fn deliveries() -> [Budget; 5] {
    let budget = |beside, limit| Budget {
        what: "delivery in a room of 100",
        spot: Spot::of("rooms"),
        of: SohbetSqlite,
        figure: Figure::CpuUsPerDelivery,
        beside,
        limit,
    };
    [
        budget(None, 0.9),
        budget(Some(NodeMemory), 0.1),
        budget(Some(NodePg), 0.1),
        budget(Some(NodePrisma), 0.1),
        budget(Some(Bare), 1.4),
    ]
}

fn people() -> [Budget; 3] {
    let idle = |beside, limit| Budget {
        what: "idle connection with a login and 5 conversations",
        spot: Spot::of("idle"),
        of: SohbetSqlite,
        figure: Figure::KibPerConnection,
        beside,
        limit,
    };
    let storm = Budget {
        what: "connection that comes in with a login and opens 5 conversations",
        spot: Spot::of("storm"),
        of: SohbetSqlite,
        figure: Figure::CpuUsPerConnection,
        beside: None,
        limit: 600.0,
    };
    [idle(None, 24.0), idle(Some(NodeMemory), 1.0), storm]
}

fn reads() -> [Budget; 5] {
    let budget = |what, spot, figure, limit| Budget {
        what,
        spot,
        of: SohbetSqlite,
        figure,
        beside: None,
        limit,
    };
    let many = Spot::on("messages", MANY_MESSAGES);
    [
        budget(
            "p99, newest 50 of 1,000,000 messages",
            many,
            Figure::NewestP99Ms,
            3.0,
        ),
        budget(
            "p99, oldest 50 of 1,000,000 messages",
            many,
            Figure::OldestP99Ms,
            3.0,
        ),
        budget(
            "p99, list of 1,000 conversations",
            Spot::on("lists", MANY_MESSAGES),
            Figure::ReadP99Ms,
            10.0,
        ),
        budget(
            "start with 1,000,000 messages",
            many,
            Figure::StartSeconds,
            0.3,
        ),
        budget(
            "release binary",
            Spot::of("program"),
            Figure::ProgramMb,
            40.0,
        ),
    ]
}

impl Budget {
    fn line(&self, samples: &Samples) -> String {
        let (limit, write): (_, fn(Spread, Figure) -> String) = match self.beside {
            None => (
                numbers::rounded(self.limit) + self.figure.unit(),
                numbers::spread,
            ),
            Some(other) => (
                format!("{} of {}", numbers::times(self.limit), other.title()),
                |ratio, _| numbers::ratio(ratio),
            ),
        };
        let what = self.what;
        match self.measured(samples) {
            None => format!("| {what} | {limit} | not measured | |\n"),
            Some(measured) => {
                let met = self.met_by(measured.median);
                let measured = write(measured, self.figure);
                format!("| {what} | {limit} | {measured} | {met} |\n")
            }
        }
    }

    fn measured(&self, samples: &Samples) -> Option<Spread> {
        match self.beside {
            None => samples.spread(self.spot, self.of, self.figure),
            Some(other) => samples.ratio(self.spot, (self.of, other), self.figure),
        }
    }

    /// Of the median.
    fn met_by(&self, measured: f64) -> String {
        let share = (measured / self.limit - 1.0) * 100.0;
        match share > 0.0 {
            true => format!("**no**, {share:.0} % over"),
            false => format!("{:.0} %", -share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tests::sample;

    #[test]
    fn a_budget_says_by_how_much_it_is_met() {
        let mut samples = Samples::default();
        let spot = Spot::of("pairs");
        for (who, us) in [
            (SohbetSqlite, 27.0),
            (NodePrisma, 540.0),
            (NodeMemory, 54.0),
        ] {
            samples.push(sample(spot, who, 1, (Figure::CpuUsPerMessage, us)));
        }
        let text = to_markdown(&samples);
        for line in [
            "| message, SQLite | 30 µs | 27 µs | 10 % |",
            "| message, SQLite | 1/25 of Node, Prisma | 1/20 | **no**, 25 % over |",
            "| message, SQLite | 1/8 of Node, pg | not measured | |",
            "| message, SQLite | 1 of Node, no database | 0.5 | 50 % |",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
