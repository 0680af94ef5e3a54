//! One server, with what is slipped under it.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::network::Place;
use super::shims::Shims;
use super::{command, copy_files, signal};

/// How long a start may take.
const START_PATIENCE: Duration = Duration::from_secs(20);
/// How long a stop may take; the promise is ten seconds.
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// What the server says when it is ready.
const LISTENING: &str = "Socket.IO server running on port ";

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program.
    pub binary: PathBuf,
    /// Where this server may write.
    pub folder: PathBuf,
    /// Where files are that people send; nodes of one database share it.
    pub files: PathBuf,
    /// Address of the database; `None` is a SQLite file in `folder`.
    pub database_url: Option<String>,
    /// Further environment variables.
    pub settings: Vec<(String, String)>,
    /// Its place in the network of its run; `None` is this machine.
    pub place: Option<Place>,
    /// What is slipped under it.
    pub shims: Option<Shims>,
    /// Its folder is a small disk, so syncs are left alone: the shadow would have no room.
    pub has_small_disk: bool,
}

impl Plan {
    /// Where it listens.
    pub fn address(&self) -> Ipv4Addr {
        self.place
            .map_or(Ipv4Addr::LOCALHOST, |place| place.address)
    }

    /// What a server without logins wants before it listens to more than this machine. It is alone in its network.
    fn consent(&self) -> Option<&'static str> {
        let has_logins = self.settings.iter().any(|(name, _)| name == "JWT_SECRET");
        let is_elsewhere = self.place.is_some() && !has_logins;
        is_elsewhere.then_some("--insecure-trust-clients")
    }

    fn is_watched(&self) -> bool {
        self.database_url.is_none() && !self.has_small_disk
    }
}

/// A server that is running, or was.
pub struct Node {
    plan: Plan,
    /// Counts the folders that a power loss leaves behind.
    generation: u32,
    child: Child,
    /// Where it listens, at the address of its plan.
    pub port: u16,
    readers: JoinSet<()>,
}

impl Node {
    /// Starts a server.
    pub async fn start(plan: Plan) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data_folder(&plan, 0))?;
        let mut readers = JoinSet::new();
        let (child, port) = launch(&plan, 0, &mut readers).await?;
        Ok(Self {
            plan,
            generation: 0,
            child,
            port,
            readers,
        })
    }

    /// Starts it again. The port is another one.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        (self.child, self.port) = launch(&self.plan, self.generation, &mut self.readers).await?;
        Ok(())
    }

    /// `kill -9`.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// `kill -9`, and everything is lost that was not synced.
    pub async fn lose_power(&mut self) -> anyhow::Result<()> {
        self.crash().await?;
        let shadow = shadow_folder(&self.plan, self.generation);
        self.generation += 1;
        copy_files(&shadow, &data_folder(&self.plan, self.generation))
    }

    /// Stops in order; an error if that takes too long.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        signal(&self.child, Signal::TERM)?;
        let status = timeout(STOP_PATIENCE, self.child.wait())
            .await
            .context("the server does not stop")??;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Stops it from doing anything, or lets it go on.
    pub fn pause(&self, is_paused: bool) -> anyhow::Result<()> {
        signal(
            &self.child,
            if is_paused {
                Signal::STOP
            } else {
                Signal::CONT
            },
        )
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The SQLite file that it uses now.
    pub fn sqlite_file(&self) -> PathBuf {
        data_folder(&self.plan, self.generation).join("chat.db")
    }

    /// Lets every sync fail, or ends that.
    pub fn fail_syncs(&self, is_failing: bool) -> anyhow::Result<()> {
        let flag = fail_file(&self.plan);
        match is_failing {
            true => std::fs::write(flag, "")?,
            false => std::fs::remove_file(flag)?,
        }
        Ok(())
    }

    /// Moves its wall clock away from the true time.
    pub fn set_clock(&self, offset_seconds: i64) -> anyhow::Result<()> {
        Ok(std::fs::write(
            clock_file(&self.plan),
            offset_seconds.to_string(),
        )?)
    }

    /// Open files, sockets included.
    pub fn n_files(&self) -> anyhow::Result<u64> {
        let id = self.child.id().context("the server has ended")?;
        let files = std::fs::read_dir(format!("/proc/{id}/fd"))?;
        Ok(files.count() as u64)
    }
}

fn data_folder(plan: &Plan, generation: u32) -> PathBuf {
    plan.folder.join(format!("data-{generation}"))
}

fn shadow_folder(plan: &Plan, generation: u32) -> PathBuf {
    plan.folder.join(format!("shadow-{generation}"))
}

/// Beside its folder, which may be on a disk that is full.
fn log_file(plan: &Plan) -> PathBuf {
    plan.folder.with_extension("log")
}

fn fail_file(plan: &Plan) -> PathBuf {
    plan.folder.join("syncs-fail")
}

fn clock_file(plan: &Plan) -> PathBuf {
    plan.folder.join("clock")
}

async fn launch(
    plan: &Plan,
    generation: u32,
    readers: &mut JoinSet<()>,
) -> anyhow::Result<(Child, u16)> {
    let data = data_folder(plan, generation);
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log_file(plan))?;
    let mut server = match plan.place {
        Some(place) => place.enter(&plan.binary),
        None => command(&plan.binary, None),
    };
    server
        .args(["serve", "--port", "0"])
        .args(plan.consent())
        .current_dir(&plan.folder)
        .env_clear();
    server
        .env("HOST", plan.address().to_string())
        .env("RUST_BACKTRACE", "1")
        .env("DATA_DIR", &plan.files);
    let file = format!("sqlite://{}", data.join("chat.db").display());
    server.env("DATABASE_URL", plan.database_url.clone().unwrap_or(file));
    server.envs(plan.settings.iter().map(|(name, value)| (name, value)));
    if let Some(shims) = &plan.shims {
        server.env("LD_PRELOAD", preload(plan, shims));
        server
            .env("CLOCK_OFFSET_FILE", clock_file(plan))
            .env("FSYNC_FAIL_FILE", fail_file(plan));
        if plan.is_watched() {
            let shadow = shadow_folder(plan, generation);
            refill(&data, &shadow)?;
            server
                .env("DURABLE_SRC", &data)
                .env("DURABLE_SHADOW", shadow);
        }
    }
    let mut child = server
        .stdout(Stdio::piped())
        .stderr(Stdio::from(log))
        .spawn()?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    let mut lines = BufReader::new(stdout).lines();
    let first = timeout(START_PATIENCE, lines.next_line())
        .await
        .context("the server does not start")??;
    let port = first
        .as_deref()
        .and_then(|line| line.strip_prefix(LISTENING));
    let Some(port) = port.and_then(|port| port.trim().parse().ok()) else {
        bail!("the server did not start, see {}", log_file(plan).display());
    };
    readers.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, port))
}

/// What is there at the start is on disk.
fn refill(data: &Path, shadow: &Path) -> anyhow::Result<()> {
    if shadow.exists() {
        std::fs::remove_dir_all(shadow)?;
    }
    copy_files(data, shadow)
}

fn preload(plan: &Plan, shims: &Shims) -> OsString {
    let mut preload = shims.clock.clone().into_os_string();
    if plan.is_watched() {
        preload.push(":");
        preload.push(&shims.durable);
    }
    preload
}
