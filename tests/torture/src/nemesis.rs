//! What is done to the servers and their surroundings, planned from a seed.

use std::fmt;
use std::time::Duration;

use crate::processes::network::{Loss, Peer};
use crate::proxy::Toxic;
use crate::rng::Rng;

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Setup {
    /// One node on a SQLite file.
    Sqlite,
    /// One node on PostgreSQL.
    Postgres,
    /// Two nodes on PostgreSQL, with Redis between them.
    Cluster,
    /// Two nodes on PostgreSQL, with nothing else between them.
    Pair,
}

impl Setup {
    /// Servers.
    pub fn n_nodes(self) -> usize {
        match self {
            Self::Sqlite | Self::Postgres => 1,
            Self::Cluster | Self::Pair => 2,
        }
    }

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Cluster => "cluster",
            Self::Pair => "pair",
        }
    }
}

/// A way to break something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9`, and a new start.
    Kill(usize),
    /// A stop in order, and a new start.
    Stop(usize),
    /// The process stands still.
    Pause(usize),
    /// `kill -9`, what was not synced is lost, and a new start.
    PowerLoss(usize),
    /// Every sync fails.
    SyncsFail(usize),
    /// No room on the disk.
    DiskFull,
    /// The wall clock is wrong by so many seconds.
    Clock(usize, i64),
    /// One connection in so many between clients and a node is reset.
    Cut(usize, u64),
    /// Something happens to all that goes between clients and a node.
    Clients(usize, Toxic),
    /// Something happens to all that goes between a node and PostgreSQL.
    Database(usize, Toxic),
    /// Something happens to all that goes between a node and Redis.
    Bus(usize, Toxic),
    /// Packets between a node and somebody are lost, and neither side is told.
    Network(usize, Peer, Loss),
    /// PostgreSQL stops at once and starts again.
    DatabaseCrash,
    /// PostgreSQL ends every connection of the server.
    Terminate,
    /// PostgreSQL refuses to write.
    ReadOnly,
    /// Redis is killed and starts again, empty.
    BusCrash,
    /// Redis stands still.
    BusPause,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(node) => write!(to, "kill -9 of node {node}"),
            Self::Stop(node) => write!(to, "stop of node {node}"),
            Self::Pause(node) => write!(to, "pause of node {node}"),
            Self::PowerLoss(node) => write!(to, "power loss of node {node}"),
            Self::SyncsFail(node) => write!(to, "syncs of node {node} fail"),
            Self::DiskFull => write!(to, "disk full"),
            Self::Clock(node, seconds) => write!(to, "clock of node {node} off by {seconds} s"),
            Self::Cut(node, one_in) => write!(to, "one client in {one_in} of node {node} cut"),
            Self::Clients(node, toxic) => write!(to, "clients of node {node}: {toxic:?}"),
            Self::Database(node, toxic) => write!(to, "database of node {node}: {toxic:?}"),
            Self::Bus(node, toxic) => write!(to, "Redis of node {node}: {toxic:?}"),
            Self::Network(node, peer, loss) => {
                write!(to, "network of node {node}: {peer:?} {loss:?}")
            }
            Self::DatabaseCrash => write!(to, "PostgreSQL crash"),
            Self::Terminate => write!(to, "PostgreSQL ends all connections"),
            Self::ReadOnly => write!(to, "PostgreSQL is read-only"),
            Self::BusCrash => write!(to, "kill -9 of Redis"),
            Self::BusPause => write!(to, "pause of Redis"),
        }
    }
}

/// A fault, when it comes and how long it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Time in peace before it.
    pub after: Duration,
    /// What.
    pub fault: Fault,
    /// How long.
    pub length: Duration,
}

/// What the machine can do.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// The shims were built.
    pub has_shims: bool,
    /// The data is on a small disk, which may be filled; then syncs are left alone.
    pub has_disk: bool,
    /// Each server is a host in a network of its own.
    pub has_network: bool,
}

impl Means {
    fn allow(self, fault: &Fault) -> bool {
        match fault {
            Fault::PowerLoss(_) | Fault::SyncsFail(_) | Fault::Clock(..) => self.has_shims,
            Fault::DiskFull => self.has_disk,
            Fault::Network(..) => self.has_network,
            _ => true,
        }
    }
}

/// Faults for about that long.
pub fn plan(setup: Setup, means: Means, seconds: u64, rng: &mut Rng) -> Vec<Step> {
    let mut left = Duration::from_secs(seconds);
    let mut steps = Vec::new();
    loop {
        // Now and then long enough to see how soon all is well again (I20).
        let after = if rng.chance(25) {
            rng.between(5_200, 6_000)
        } else {
            rng.between(700, 2_500)
        };
        let fault = choose(setup, means, rng);
        let longest = if matches!(fault, Fault::Stop(_) | Fault::Kill(_)) {
            800
        } else {
            3_500
        };
        let (after, length) = (
            Duration::from_millis(after),
            Duration::from_millis(rng.between(100, longest)),
        );
        match left.checked_sub(after + length) {
            Some(rest) => left = rest,
            None if steps.is_empty() => {
                let after = Duration::from_millis(800);
                return vec![Step {
                    after,
                    fault,
                    length,
                }];
            }
            None => return steps,
        }
        steps.push(Step {
            after,
            fault,
            length,
        });
    }
}

/// The faults of a smoke: few, and those that matter most.
pub fn smoke(setup: Setup, means: Means) -> Vec<Step> {
    let lost = |peer| Fault::Network(0, peer, Loss::Both);
    let commit = Fault::Database(0, Toxic::CutAfterPattern("COMMIT"));
    let clock = Fault::Clock(0, -3_600);
    let faults = match setup {
        Setup::Sqlite => vec![
            Fault::PowerLoss(0),
            lost(Peer::Clients),
            Fault::Kill(0),
            clock,
        ],
        Setup::Postgres => vec![commit, lost(Peer::Database), Fault::DatabaseCrash, clock],
        Setup::Cluster => vec![
            Fault::BusCrash,
            Fault::Kill(1),
            lost(Peer::All),
            commit,
            Fault::Cut(0, 1),
        ],
        Setup::Pair => vec![Fault::Terminate, Fault::Kill(1), lost(Peer::All)],
    };
    let faults = faults.into_iter().filter(|fault| means.allow(fault));
    let step = |fault| Step {
        after: Duration::from_millis(2_400),
        fault,
        length: Duration::from_millis(800),
    };
    faults.map(step).collect()
}

fn choose(setup: Setup, means: Means, rng: &mut Rng) -> Fault {
    let node = rng.index(setup.n_nodes());
    loop {
        let fault = match rng.between(0, 99) {
            0..18 => Fault::Kill(node),
            18..23 => Fault::Stop(node),
            23..30 => Fault::Pause(node),
            30..38 => Fault::Cut(node, rng.between(1, 4)),
            38..50 => Fault::Clients(node, toxic(rng)),
            50..55 if means.has_shims => {
                Fault::Clock(node, [3_600, -3_600, 86_400, -86_400][rng.index(4)])
            }
            55..67 if means.has_network => Fault::Network(
                node,
                peer(setup, rng),
                [Loss::In, Loss::Out, Loss::Both][rng.index(3)],
            ),
            55..100 => match setup {
                Setup::Sqlite if means.has_disk => Fault::DiskFull,
                Setup::Sqlite if means.has_shims && rng.chance(70) => Fault::PowerLoss(node),
                Setup::Sqlite if means.has_shims => Fault::SyncsFail(node),
                Setup::Sqlite => Fault::Kill(node),
                Setup::Cluster if rng.chance(40) => bus_fault(node, rng),
                _ => database_fault(node, rng),
            },
            _ => continue,
        };
        return fault;
    }
}

fn toxic(rng: &mut Rng) -> Toxic {
    match rng.between(0, 6) {
        0 => Toxic::Delay(Duration::from_millis(rng.between(5, 300))),
        1 => Toxic::Slice(7),
        2 => Toxic::Stall,
        3 => Toxic::BlackHole,
        4 => Toxic::Deaf,
        5 => Toxic::CutAfter(rng.between(100, 20_000)),
        _ => Toxic::Refuse,
    }
}

/// Somebody whom a node of that set-up talks to.
fn peer(setup: Setup, rng: &mut Rng) -> Peer {
    let peers: &[Peer] = match setup {
        Setup::Sqlite => &[Peer::Clients],
        Setup::Postgres | Setup::Pair => &[Peer::All, Peer::Clients, Peer::Database],
        Setup::Cluster => &[Peer::All, Peer::Clients, Peer::Database, Peer::Bus],
    };
    peers[rng.index(peers.len())]
}

fn database_fault(node: usize, rng: &mut Rng) -> Fault {
    match rng.between(0, 9) {
        0..3 => Fault::DatabaseCrash,
        3 => Fault::Terminate,
        4 => Fault::ReadOnly,
        5..8 => Fault::Database(node, Toxic::CutAfterPattern("COMMIT")),
        _ => Fault::Database(node, toxic(rng)),
    }
}

fn bus_fault(node: usize, rng: &mut Rng) -> Fault {
    match rng.between(0, 2) {
        0 => Fault::BusCrash,
        1 => Fault::BusPause,
        _ => Fault::Bus(node, toxic(rng)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_plans_the_same_faults_again() {
        let means = Means {
            has_shims: true,
            has_disk: false,
            has_network: true,
        };
        let plan = |seed| plan(Setup::Cluster, means, 30, &mut Rng::new(seed));
        assert_eq!(plan(4), plan(4));
        assert_ne!(plan(4), plan(5));
        let total: Duration = plan(4).iter().map(|step| step.after + step.length).sum();
        assert!(total <= Duration::from_secs(30), "{total:?}");
    }
}
