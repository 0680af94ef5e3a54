//! What is measured.

use std::time::Duration;

use sohbet_bench::{Pace, Plan, Scenario};

use crate::contenders::Contender::{
    self, Bare, InsertsPostgres, InsertsSqlite, NodeMemory, NodePg, NodePrisma, SohbetPostgres,
    SohbetSqlite,
};
use crate::samples::Spot;

/// Secret of the logins, where there are any.
const SECRET: &str = "known to everybody who reads this";
/// The first user where there are messages of others already.
const NEW_USERS: u64 = 2_000_000;
/// Rounds of what says the same every time, or is beside the point.
const FEW: usize = 3;
/// The most connections that all are measured with. Everybody is told of everybody who comes, so with ten times as
/// many that takes a hundred times as long.
const CONNECTIONS_OF_ALL: usize = 1_000;

/// Everything that stores messages, and the one that does not.
const SERVERS: [Contender; 6] = [
    SohbetSqlite,
    SohbetPostgres,
    NodeMemory,
    NodePg,
    NodePrisma,
    Bare,
];
const SERVERS_AND_FLOORS: [Contender; 8] = [
    SohbetSqlite,
    SohbetPostgres,
    NodeMemory,
    NodePg,
    NodePrisma,
    Bare,
    InsertsSqlite,
    InsertsPostgres,
];
/// With Prisma thousands of messages under way go through each of its statements together, so that all are
/// acknowledged in one wave, and none for many seconds before it.
const DEEP: [Contender; 7] = [
    SohbetSqlite,
    SohbetPostgres,
    NodeMemory,
    NodePg,
    Bare,
    InsertsSqlite,
    InsertsPostgres,
];
const WITH_REST: [Contender; 4] = [SohbetSqlite, SohbetPostgres, NodePg, NodePrisma];
/// Logins and conversations that are opened have nothing to do with a database in any of the peers.
const WITH_LOGINS: [Contender; 2] = [SohbetSqlite, NodeMemory];
const WITHOUT_PRISMA: [Contender; 5] = [SohbetSqlite, SohbetPostgres, NodeMemory, NodePg, Bare];
const QUICK: [Contender; 3] = [SohbetSqlite, NodeMemory, Bare];

/// The most messages that are stored before something is measured.
pub const MANY_MESSAGES: u64 = 1_000_000;

/// The names of all rows.
pub const NAMES: [&str; 12] = [
    "pairs",
    "deep",
    "rooms",
    "big-room",
    "storm",
    "idle",
    "history",
    "list",
    "connections",
    "size",
    "messages",
    "lists",
];

/// One measurement, of several contenders.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is called, and where it stands on its curve.
    pub spot: Spot,
    /// The load; its URL is filled in later.
    pub plan: Plan,
    /// Who is measured.
    pub contenders: &'static [Contender],
    /// Messages that are stored before.
    pub seed: Option<u64>,
    /// Rounds that it takes part in, at most.
    pub n_rounds: usize,
}

impl Row {
    fn new(spot: Spot, contenders: &'static [Contender], plan: Plan) -> Self {
        Self {
            spot,
            plan,
            contenders,
            seed: None,
            n_rounds: usize::MAX,
        }
    }

    fn rounds(self, n_rounds: usize) -> Self {
        Self { n_rounds, ..self }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// As little as shows that everything works.
    pub is_smoke: bool,
    /// How long each load runs before it is measured.
    pub warm_up: Duration,
    /// How long it is measured.
    pub duration: Duration,
}

impl Scale {
    /// A second each.
    pub fn smoke() -> Self {
        Self {
            is_smoke: true,
            warm_up: Duration::from_millis(200),
            duration: Duration::from_secs(1),
        }
    }

    /// Transactions of the writer's floor.
    pub fn n_batches(self) -> usize {
        if self.is_smoke { 20 } else { 300 }
    }

    fn plan(self, plan: Plan) -> Plan {
        let plan = Plan {
            warm_up: self.warm_up,
            duration: self.duration,
            ..plan
        };
        match self.is_smoke {
            true => small(plan),
            false => plan,
        }
    }

    /// Places on a curve; a smoke goes to the first.
    fn places(self, places: &[u64]) -> &[u64] {
        &places[..if self.is_smoke { 1 } else { places.len() }]
    }
}

fn small(plan: Plan) -> Plan {
    let connections = plan.connections.min(20);
    let size = plan.size.min(10);
    Plan {
        conversations: plan.conversations.min(5),
        messages: plan.messages.min(200),
        pause: Duration::ZERO,
        ..plan.sized(Some(connections), Some(size))
    }
}

/// All rows, those of a name beside each other.
pub fn all(scale: Scale) -> Vec<Row> {
    let mut rows = tables(scale);
    rows.extend(by_connections(scale));
    rows.extend(by_size(scale));
    rows.extend(by_messages(scale));
    rows
}

fn tables(scale: Scale) -> Vec<Row> {
    let usual = |scenario| scale.plan(Plan::usual(scenario));
    let deep = Plan {
        pace: Pace::Closed { in_flight: 32 },
        ..scale.plan(Plan::usual(Scenario::Pairs).sized(Some(100), None))
    };
    let with_logins = |scenario| Plan {
        secret: Some(SECRET.to_owned()),
        ..usual(scenario)
    };
    // One reader, so that nobody waits for another one.
    let read = |scenario| Plan {
        connections: 1,
        messages: usual(scenario).messages.min(2_000),
        ..usual(scenario)
    };
    let row = |name, contenders, plan| Row::new(Spot::of(name), contenders, plan);
    vec![
        row("pairs", &SERVERS_AND_FLOORS, usual(Scenario::Pairs)),
        row("deep", &DEEP, deep).rounds(FEW),
        row("rooms", &SERVERS, usual(Scenario::Rooms)),
        row("big-room", &QUICK, usual(Scenario::BigRoom)).rounds(1),
        row("storm", &WITH_LOGINS, with_logins(Scenario::Storm)),
        row("idle", &WITH_LOGINS, with_logins(Scenario::Idle)),
        row("history", &WITH_REST, read(Scenario::History)).rounds(FEW),
        row("list", &WITH_REST, read(Scenario::List)).rounds(FEW),
    ]
}

fn by_connections(scale: Scale) -> Vec<Row> {
    let places = scale.places(&[100, 300, 1_000, 3_000, 10_000]);
    let rows = places.iter().map(|&n| {
        let plan = Plan::usual(Scenario::Pairs).sized(Some(n as usize), None);
        let contenders: &[_] = match n as usize > CONNECTIONS_OF_ALL {
            true => &[SohbetSqlite, Bare],
            false => &WITHOUT_PRISMA,
        };
        Row::new(Spot::on("connections", n), contenders, scale.plan(plan)).rounds(1)
    });
    rows.collect()
}

/// At least a thousand connections, whatever the size of a room.
fn by_size(scale: Scale) -> Vec<Row> {
    let places = scale.places(&[2, 10, 100, 1_000, 5_000]);
    let rows = places.iter().map(|&n| {
        let size = n as usize;
        let plan = Plan::usual(Scenario::Rooms).sized(Some(size.max(1_000)), Some(size));
        Row::new(Spot::on("size", n), &QUICK, scale.plan(plan)).rounds(1)
    });
    rows.collect()
}

/// What was stored before may cost those who read and those who write.
fn by_messages(scale: Scale) -> Vec<Row> {
    let places: &[u64] = match scale.is_smoke {
        true => &[200],
        false => &[10_000, 100_000, MANY_MESSAGES],
    };
    let rows = places.iter().flat_map(|&n| {
        let read = Plan {
            connections: 1,
            messages: n as usize,
            ..scale.plan(Plan::usual(Scenario::History))
        };
        let write = Plan {
            first_user: NEW_USERS,
            ..scale.plan(Plan::usual(Scenario::Pairs))
        };
        let list = Plan {
            connections: 1,
            ..scale.plan(Plan::usual(Scenario::List))
        };
        let row = |name, plan| Row {
            seed: Some(n),
            ..Row::new(Spot::on(name, n), &[SohbetSqlite], plan)
        };
        [
            row("messages", read).rounds(FEW),
            row("messages", write).rounds(1),
            row("lists", list).rounds(FEW),
        ]
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_can_be_done_and_every_row_has_a_name() {
        let full = Scale {
            is_smoke: false,
            ..Scale::smoke()
        };
        for scale in [full, Scale::smoke()] {
            let rows = all(scale);
            for row in &rows {
                assert!(row.plan.check().is_ok(), "{row:?}");
                assert!(NAMES.contains(&row.spot.row), "{row:?}");
            }
            let has = |name| rows.iter().any(|row| row.spot.row == name);
            assert!(NAMES.into_iter().all(has));
        }
    }

    #[test]
    fn a_smoke_is_small() {
        for row in all(Scale::smoke()) {
            assert!(row.plan.connections <= 20, "{row:?}");
            assert!(row.plan.duration <= Duration::from_secs(1), "{row:?}");
        }
    }
}
