//! One run: set up, break, heal, read everything, judge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::checker;
use crate::clients::device::Device;
use crate::clients::observer::WATCHER;
use crate::clients::owner::{GUEST, OWNER};
use crate::clients::reactor::REACTOR;
use crate::clients::rest::Caller;
use crate::clients::rude::RUDE;
use crate::clients::stranger::STRANGER;
use crate::clients::uploader::UPLOADER;
use crate::clients::{
    Phase, World, leaver, observer, owner, reactor, rude, stranger, uploader, walker,
};
use crate::final_state;
use crate::history::What;
use crate::log::Log;
use crate::nemesis::{self, Means, Setup, Step};
use crate::processes::network::Network;
use crate::processes::{command, run as run_command};
use crate::report::Summary;
use crate::rng::Rng;
use crate::stage::{Backends, Scene, Stage, can_mount};

/// People that write to each other.
const PEOPLE: [&str; 4] = ["ada", "bob", "cem", "dua"];
/// The room that anybody may enter.
const OPEN: &str = "open";
/// Devices of each of them.
const DEVICES: u64 = 2;
/// How long clients may take to finish what they began, once nothing is broken.
const SETTLE_PATIENCE: Duration = Duration::from_secs(40);
/// How long they may take to get everything.
const FINISH_PATIENCE: Duration = Duration::from_secs(40);
/// How long a server may take to let go of everything.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(12);
/// Open files that come and go with the server's own work.
const FILES_SLACK: u64 = 4;
/// Signs the tokens of runs with tokens.
const SECRET: &str = "a-secret-of-the-torture-harness-of-32-bytes";

/// Where the faults of a run come from.
#[derive(Debug, Clone)]
pub enum Faults {
    /// The seed plans them.
    Seed,
    /// Few, and those that matter most.
    Smoke,
    /// These.
    Given(Vec<Step>),
}

/// What a run is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The server.
    pub binary: PathBuf,
    /// What it is made of.
    pub setup: Setup,
    /// Repeats the plan.
    pub seed: u64,
    /// How long the load goes on.
    pub seconds: u64,
    /// Where runs are kept.
    pub folder: PathBuf,
    /// Further environment variables of the servers.
    pub settings: Vec<(String, String)>,
    /// Whether the SQLite file may be on a small disk in this run, instead of one that forgets.
    pub may_fill_disk: bool,
    /// Where the faults come from.
    pub faults: Faults,
    /// Keep the history even if nothing is wrong.
    pub keeps: bool,
}

/// Plays one run and judges it. What went wrong with the harness itself is an error.
pub async fn run(backends: &mut Backends, wanted: &Wanted) -> anyhow::Result<Summary> {
    let name = format!("{}-{}.", wanted.setup.name(), wanted.seed);
    let folder = tempfile::Builder::new()
        .prefix(&name)
        .tempdir_in(&wanted.folder)?;
    let path = folder.path().canonicalize()?;
    let mut summary = match play(backends, wanted, &path).await {
        Ok(summary) => summary,
        Err(error) => {
            let kept = folder.keep();
            return Err(error.context(format!("broke off, kept in {}", kept.display())));
        }
    };
    if wanted.keeps || !summary.violations.is_empty() {
        let kept = folder.keep();
        summary.kept = Some(kept.clone());
        let report = serde_json::to_string_pretty(&summary)?;
        std::fs::write(kept.join("report.json"), report)?;
        std::fs::write(kept.join("report.md"), summary.to_markdown())?;
    }
    Ok(summary)
}

async fn play(backends: &mut Backends, wanted: &Wanted, path: &Path) -> anyhow::Result<Summary> {
    let begun = Instant::now();
    let rng = Rng::new(wanted.seed);
    let log = Log::create(&path.join("history.jsonl"))?;
    let run = What::Run {
        seed: wanted.seed,
        setup: wanted.setup.name().to_owned(),
        n_nodes: wanted.setup.n_nodes(),
    };
    log.record("harness", 0, run);

    backends.provide(wanted.setup).await?;
    let means = means(backends, wanted, path, &mut rng.fork(1));
    let plan = match &wanted.faults {
        Faults::Seed => nemesis::plan(wanted.setup, means, wanted.seconds, &mut rng.fork(2)),
        Faults::Smoke => nemesis::smoke(wanted.setup, means),
        Faults::Given(plan) => plan.clone(),
    };
    let faults: Vec<String> = plan.iter().map(|step| step.fault.to_string()).collect();
    std::fs::write(path.join("plan"), faults.join("\n"))?;
    let has_tokens = rng.fork(3).chance(50);
    let mut stage = set(backends, wanted, path, means, has_tokens).await?;
    let tokens = match has_tokens {
        true => mint(&wanted.binary).await?,
        false => BTreeMap::new(),
    };
    let files = stage.nodes.iter().map(|node| node.n_files());
    let files = files.collect::<Result<Vec<u64>, _>>()?;
    let (world, phase) = people(&stage, log, tokens).await?;

    let mut cast = Cast::start(&world, &rng);
    let loaded = Instant::now();
    for step in &plan {
        tokio::time::sleep(step.after).await;
        stage.strike(step, &world.log).await?;
    }
    let rest = Duration::from_secs(wanted.seconds).saturating_sub(loaded.elapsed());
    tokio::time::sleep(rest).await;
    world.record("harness", 0, What::Healed);
    cast.come_to_an_end(&world, &phase, &stage).await?;

    leftovers(&stage, &files, &world).await?;
    final_state::read(&stage, &world).await?;
    stage.stop().await?;
    let history = world.log.entries();
    let (violations, n_more) = checker::check(&history);
    Ok(Summary::new(
        &history,
        faults,
        violations,
        n_more,
        begun.elapsed(),
    ))
}

async fn set<'a>(
    backends: &'a mut Backends,
    wanted: &Wanted,
    path: &Path,
    means: Means,
    has_tokens: bool,
) -> anyhow::Result<Stage<'a>> {
    let mut settings = wanted.settings.clone();
    if has_tokens {
        settings.push(("JWT_SECRET".to_owned(), SECRET.to_owned()));
    }
    let scene = Scene {
        setup: wanted.setup,
        binary: wanted.binary.clone(),
        folder: path.to_owned(),
        database: format!("run_{}_{}", wanted.seed, begun_number()),
        settings,
        means,
    };
    Stage::set(backends, scene).await
}

fn means(backends: &Backends, wanted: &Wanted, folder: &Path, rng: &mut Rng) -> Means {
    let is_sqlite = wanted.setup == Setup::Sqlite;
    Means {
        has_shims: backends.shims.is_some(),
        has_network: Network::is_possible(),
        has_disk: is_sqlite && wanted.may_fill_disk && rng.chance(30) && can_mount(folder),
    }
}

/// Tells databases of one harness apart.
fn begun_number() -> u64 {
    use std::sync::atomic::AtomicU64;
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    BEGUN.fetch_add(1, Ordering::Relaxed)
}

/// Tokens of everybody, as the server's own command makes them.
async fn mint(binary: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut tokens = BTreeMap::new();
    for user in PEOPLE
        .into_iter()
        .chain([OWNER, GUEST, RUDE, STRANGER, WATCHER, REACTOR, UPLOADER])
    {
        let mut mint = command(binary, None);
        // The clock of a server may be wrong by a day.
        mint.args(["token", "mint", "--ttl", "7d", "--user", user])
            .env("JWT_SECRET", SECRET);
        tokens.insert(user.to_owned(), run_command(mint).await?.trim().to_owned());
    }
    Ok(tokens)
}

/// Makes the rooms, and a world in which everybody knows of them.
async fn people(
    stage: &Stage<'_>,
    log: Log,
    tokens: BTreeMap<String, String>,
) -> anyhow::Result<(Arc<World>, watch::Sender<Phase>)> {
    let nodes = stage.links.iter().map(|link| link.address()).collect();
    let (mut world, phase) = World::new(log, nodes, PEOPLE.map(str::to_owned).to_vec(), tokens);
    let rooms: [(&str, &[&str]); 4] = [
        ("everybody", &["ada", "bob", "cem", "dua", GUEST, WATCHER]),
        ("three and a rude one", &["ada", "bob", "cem", RUDE]),
        ("two", &["cem", "dua"]),
        (OPEN, &["bob", "dua", REACTOR]),
    ];
    let (mut made, mut open_room) = (BTreeMap::new(), String::new());
    let owner = Caller {
        world: &world,
        who: "owner/rest",
        user: OWNER,
        node: world.nodes[0],
    };
    for (name, users) in rooms {
        let body = json!({"name": name, "userIds": users, "isOpen": name == OPEN});
        let answer = owner.call("POST", "/rooms", Some(&body)).await?.json();
        let conversation = answer["conversation"]["id"].as_str();
        let conversation = conversation
            .with_context(|| format!("no room: {answer}"))?
            .to_owned();
        let members: Vec<String> = users
            .iter()
            .chain([&OWNER])
            .map(|user| (*user).to_owned())
            .collect();
        if name == OPEN {
            open_room.clone_from(&conversation);
        }
        made.insert(conversation.clone(), members.clone());
        world.record(
            "harness",
            0,
            What::Conversation {
                conversation,
                members,
            },
        );
    }
    let synced: Value = owner.get("/sync?epoch=none&since=%7B%7D").await?;
    world.epoch = synced["epoch"].as_str().context("no epoch")?.to_owned();
    world.conversations = made;
    world.open_room = open_room;
    Ok((Arc::new(world), phase))
}

/// Everybody who plays.
struct Cast {
    devices: JoinSet<()>,
    others: JoinSet<()>,
    n_devices: u64,
}

impl Cast {
    fn start(world: &Arc<World>, rng: &Rng) -> Self {
        let mut cast = Self {
            devices: JoinSet::new(),
            others: JoinSet::new(),
            n_devices: 0,
        };
        for user in PEOPLE.into_iter().chain([GUEST]) {
            for _ in 0..DEVICES {
                let number = cast.n_devices;
                let device = Device::new(world, user, number, rng.fork(100 + number));
                cast.devices.spawn(device.run());
                cast.n_devices += 1;
            }
        }
        // The room that everybody is in is the one with the guest.
        let rooms = world.conversations.iter();
        let mut rooms = rooms.filter(|(_, members)| members.iter().any(|member| member == GUEST));
        if let Some((room, _)) = rooms.next() {
            cast.others
                .spawn(owner::run(Arc::clone(world), room.clone(), rng.fork(4)));
        }
        let open_room = world.open_room.clone();
        cast.others
            .spawn(reactor::run(Arc::clone(world), open_room, rng.fork(8)));
        cast.others
            .spawn(observer::run(Arc::clone(world), rng.fork(9)));
        cast.others
            .spawn(leaver::run(Arc::clone(world), rng.fork(10)));
        cast.others
            .spawn(stranger::run(Arc::clone(world), rng.fork(5)));
        cast.others.spawn(rude::run(Arc::clone(world), rng.fork(6)));
        cast.others
            .spawn(uploader::run(Arc::clone(world), rng.fork(11)));
        cast.others.spawn(walker::run(
            Arc::clone(world),
            "ada".to_owned(),
            rng.fork(7),
        ));
        cast
    }

    /// Lets everybody finish what they began, and then get everything.
    async fn come_to_an_end(
        &mut self,
        world: &World,
        phase: &watch::Sender<Phase>,
        stage: &Stage<'_>,
    ) -> anyhow::Result<()> {
        phase.send_replace(Phase::Settle);
        let settled = async {
            while self.others.join_next().await.is_some() {}
            while world.n_settled.load(Ordering::Relaxed) < self.n_devices {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // Who is not done by then is judged by what is missing in the end.
        let _ = tokio::time::timeout(SETTLE_PATIENCE, settled).await;
        let heads = final_state::heads(stage).await?;
        let settled = What::Settled {
            heads: heads.clone(),
        };
        world.record("harness", 0, settled);
        phase.send_replace(Phase::Finish(Arc::new(heads)));
        let finished = async { while self.devices.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FINISH_PATIENCE, finished).await;
        self.devices.shutdown().await;
        self.others.shutdown().await;
        Ok(())
    }
}

/// Waits until the servers have let go of everything, and writes down what they still hold.
async fn leftovers(stage: &Stage<'_>, before: &[u64], world: &World) -> anyhow::Result<()> {
    for (number, (node, before)) in stage.nodes.iter().zip(before).enumerate() {
        let begun = Instant::now();
        let mut after = node.n_files()?;
        while after > before + FILES_SLACK && begun.elapsed() < LEFTOVER_PATIENCE {
            tokio::time::sleep(Duration::from_millis(100)).await;
            after = node.n_files()?;
        }
        let name = format!("open files of node {number}");
        world.record(
            "harness",
            0,
            What::Leftover {
                name,
                before: *before,
                after,
            },
        );
    }
    Ok(())
}
