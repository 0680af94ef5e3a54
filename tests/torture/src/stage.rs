//! Everything that a run plays on: the nodes, what they stand on, and the links between.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use crate::history::What;
use crate::log::Log;
use crate::nemesis::{Fault, Means, Setup, Step};
use crate::processes::disk::Disk;
use crate::processes::network::{Network, Peer};
use crate::processes::node::{Node, Plan};
use crate::processes::postgres::Postgres;
use crate::processes::redis::Redis;
use crate::processes::shims::Shims;
use crate::proxy::{Link, Toxic};

/// Heartbeats and deadlines of the servers are short, so that a short run meets them.
const SETTINGS: [(&str, &str); 5] = [
    ("PING_INTERVAL_MS", "2000"),
    ("PING_TIMEOUT_MS", "2000"),
    ("WRITE_TIMEOUT_MS", "4000"),
    // No message shows the files of a run, and a clock may be wrong by a day.
    ("UPLOAD_ORPHAN_SECONDS", "864000"),
    // A small disk is to be filled to the end, with files too.
    ("MIN_FREE_DISK_BYTES", "0"),
];

/// What outlives a run.
#[derive(Default)]
pub struct Backends {
    /// Of the set-ups that need it.
    pub postgres: Option<Postgres>,
    /// Of the set-up that needs it.
    pub redis: Option<Redis>,
    /// `None` without a C compiler.
    pub shims: Option<Shims>,
}

impl Backends {
    /// Starts what a set-up needs and is not there yet.
    pub async fn provide(&mut self, setup: Setup) -> anyhow::Result<()> {
        if setup != Setup::Sqlite && self.postgres.is_none() {
            self.postgres = Some(Postgres::start().await?);
        }
        if setup == Setup::Cluster && self.redis.is_none() {
            self.redis = Some(Redis::start().await?);
        }
        Ok(())
    }
}

/// What a stage is set up with.
pub struct Scene {
    /// What it is made of.
    pub setup: Setup,
    /// The server.
    pub binary: PathBuf,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// Name of the database in PostgreSQL.
    pub database: String,
    /// Further environment variables of the servers.
    pub settings: Vec<(String, String)>,
    /// What the machine can do.
    pub means: Means,
}

/// The stage of one run.
pub struct Stage<'a> {
    backends: &'a mut Backends,
    database: String,
    /// The servers.
    pub nodes: Vec<Node>,
    /// From the clients to each server.
    pub links: Vec<Link>,
    database_links: Vec<Link>,
    bus_links: Vec<Link>,
    /// Where files are that people send.
    pub files: PathBuf,
    disk: Option<Disk>,
    network: Option<Network>,
}

impl<'a> Stage<'a> {
    /// Sets everything up.
    pub async fn set(backends: &'a mut Backends, scene: Scene) -> anyhow::Result<Self> {
        let first = scene.folder.join("node-0");
        std::fs::create_dir_all(&first)?;
        let mut stage = Self {
            database: scene.database.clone(),
            nodes: Vec::new(),
            links: Vec::new(),
            database_links: Vec::new(),
            bus_links: Vec::new(),
            // Of the first, so that its disk can be full.
            files: first.join("files"),
            disk: match scene.means.has_disk {
                true => Some(Disk::mount(&first).await?),
                false => None,
            },
            network: match scene.means.has_network {
                true => Some(Network::make(scene.setup.n_nodes()).await?),
                false => None,
            },
            backends,
        };
        if scene.setup != Setup::Sqlite {
            stage.postgres()?.create(&scene.database).await?;
        }
        for number in 0..scene.setup.n_nodes() {
            stage.add_node(&scene, number).await?;
        }
        Ok(stage)
    }

    async fn add_node(&mut self, scene: &Scene, number: usize) -> anyhow::Result<()> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let mut settings: Vec<_> = SETTINGS.into_iter().map(owned).collect();
        settings.extend(scene.settings.iter().cloned());
        let mut database_url = None;
        if scene.setup != Setup::Sqlite {
            let here = self.outside(Peer::Database);
            let link = Link::open(here, Ipv4Addr::LOCALHOST, self.postgres()?.port).await?;
            database_url = Some(self.postgres()?.url(link.address(), &scene.database));
            self.database_links.push(link);
        }
        if let Some(redis) = self
            .backends
            .redis
            .as_ref()
            .filter(|_| scene.setup == Setup::Cluster)
        {
            let here = self.outside(Peer::Bus);
            let link = Link::open(here, Ipv4Addr::LOCALHOST, redis.port).await?;
            settings.push((
                "REDIS_URL".to_owned(),
                format!("redis://{}", link.address()),
            ));
            self.bus_links.push(link);
        }
        let plan = Plan {
            binary: scene.binary.clone(),
            folder: scene.folder.join(format!("node-{number}")),
            files: self.files.clone(),
            database_url,
            settings,
            place: self.network.as_ref().map(|network| network.place(number)),
            shims: self
                .backends
                .shims
                .clone()
                .filter(|_| scene.means.has_shims),
            has_small_disk: scene.means.has_disk,
        };
        let there = plan.address();
        let node = Node::start(plan).await?;
        let link = Link::open(Ipv4Addr::LOCALHOST, there, node.port).await?;
        self.links.push(link);
        self.nodes.push(node);
        Ok(())
    }

    /// Does what a step says, and writes down when.
    pub async fn strike(&mut self, step: &Step, log: &Log) -> anyhow::Result<()> {
        let fault = step.fault.to_string();
        log.record(
            "harness",
            0,
            What::FaultBegins {
                fault: fault.clone(),
            },
        );
        self.begin(&step.fault)
            .await
            .with_context(|| format!("{fault} did not begin"))?;
        tokio::time::sleep(step.length).await;
        self.end(&step.fault)
            .await
            .with_context(|| format!("{fault} did not end"))?;
        self.revive(&step.fault, log).await?;
        log.record("harness", 0, What::FaultEnds { fault });
        Ok(())
    }

    async fn begin(&mut self, fault: &Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(node) => self.nodes[*node].crash().await?,
            Fault::Stop(node) => self.nodes[*node].stop().await?,
            Fault::Pause(node) => self.nodes[*node].pause(true)?,
            Fault::PowerLoss(node) => self.nodes[*node].lose_power().await?,
            Fault::SyncsFail(node) => self.nodes[*node].fail_syncs(true)?,
            Fault::DiskFull => self.disk()?.fill()?,
            Fault::Clock(node, seconds) => self.nodes[*node].set_clock(*seconds)?,
            Fault::Cut(node, one_in) => self.links[*node].cut_one_in(*one_in),
            Fault::Clients(node, toxic) => self.links[*node].set(toxic.clone()),
            Fault::Database(node, toxic) => self.database_links[*node].set(toxic.clone()),
            Fault::Bus(node, toxic) => self.bus_links[*node].set(toxic.clone()),
            Fault::Network(node, peer, loss) => {
                self.network()?.lose(*node, *peer, *loss, true).await?
            }
            Fault::DatabaseCrash => self.postgres_mut()?.crash().await?,
            Fault::Terminate => self.postgres()?.terminate_backends(&self.database).await?,
            Fault::ReadOnly => self.postgres()?.set_read_only(&self.database, true).await?,
            Fault::BusCrash => self.redis()?.crash().await?,
            Fault::BusPause => self.redis()?.pause(true)?,
        }
        Ok(())
    }

    async fn end(&mut self, fault: &Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(node) | Fault::Stop(node) | Fault::PowerLoss(node) => {
                self.restart(*node).await?
            }
            Fault::Pause(node) => self.nodes[*node].pause(false)?,
            Fault::SyncsFail(node) => self.nodes[*node].fail_syncs(false)?,
            Fault::DiskFull => self.disk()?.free()?,
            Fault::Clock(node, _) => self.nodes[*node].set_clock(0)?,
            Fault::Clients(node, _) => self.links[*node].set(Toxic::Pass),
            Fault::Database(node, _) => self.database_links[*node].set(Toxic::Pass),
            Fault::Bus(node, _) => self.bus_links[*node].set(Toxic::Pass),
            Fault::Network(node, peer, loss) => {
                self.network()?.lose(*node, *peer, *loss, false).await?
            }
            Fault::DatabaseCrash => self.postgres_mut()?.restart().await?,
            Fault::ReadOnly => {
                self.postgres()?
                    .set_read_only(&self.database, false)
                    .await?
            }
            Fault::BusCrash => self.redis()?.restart().await?,
            Fault::BusPause => self.redis()?.pause(false)?,
            Fault::Cut(..) | Fault::Terminate => {}
        }
        Ok(())
    }

    async fn restart(&mut self, node: usize) -> anyhow::Result<()> {
        self.nodes[node].restart().await?;
        self.links[node].lead_to(self.nodes[node].port);
        Ok(())
    }

    /// Starts servers again that ended by themselves. They may only when their disk cannot sync.
    async fn revive(&mut self, fault: &Fault, log: &Log) -> anyhow::Result<()> {
        for node in 0..self.nodes.len() {
            if !self.nodes[node].has_ended() {
                continue;
            }
            if !matches!(fault, Fault::SyncsFail(_)) {
                let fault = fault.to_string();
                log.record("harness", 0, What::Ended { fault });
            }
            self.restart(node).await?;
        }
        Ok(())
    }

    /// A connection to the database that goes past all links and only reads.
    pub async fn database(&self) -> anyhow::Result<DatabaseConnection> {
        match &self.backends.postgres {
            Some(postgres) if !self.database_links.is_empty() => {
                postgres.connect(&self.database).await
            }
            _ => {
                let file = self.nodes[0].sqlite_file();
                let mut options =
                    ConnectOptions::new(format!("sqlite://{}?mode=ro", file.display()));
                options
                    .max_connections(1)
                    .acquire_timeout(Duration::from_secs(5));
                Ok(Database::connect(options).await?)
            }
        }
    }

    /// Stops the servers.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            node.stop().await?;
        }
        Ok(())
    }

    /// Where the servers find somebody.
    fn outside(&self, peer: Peer) -> Ipv4Addr {
        let network = self.network.as_ref();
        network.map_or(Ipv4Addr::LOCALHOST, |network| network.outside(peer))
    }

    fn network(&self) -> anyhow::Result<&Network> {
        self.network.as_ref().context("there is no network")
    }

    fn disk(&self) -> anyhow::Result<&Disk> {
        self.disk.as_ref().context("there is no small disk")
    }

    fn postgres(&self) -> anyhow::Result<&Postgres> {
        self.backends
            .postgres
            .as_ref()
            .context("there is no PostgreSQL")
    }

    fn postgres_mut(&mut self) -> anyhow::Result<&mut Postgres> {
        self.backends
            .postgres
            .as_mut()
            .context("there is no PostgreSQL")
    }

    fn redis(&mut self) -> anyhow::Result<&mut Redis> {
        self.backends.redis.as_mut().context("there is no Redis")
    }
}

/// Whether a folder can be a small disk: only root may mount.
pub fn can_mount(folder: &Path) -> bool {
    crate::processes::is_root() && folder.is_dir()
}
