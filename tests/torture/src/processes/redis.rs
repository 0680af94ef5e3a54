//! A Redis of the harness's own, that keeps nothing.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use super::{command, find, signal};

/// How long a start may take.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// Redis itself, and what took its place in some distributions.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// A running Redis.
pub struct Redis {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl Redis {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("torture-redis.")
            .tempdir()?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = free.local_addr()?.port();
        drop(free);
        let child = launch(port, &folder).await?;
        Ok(Self {
            port,
            folder,
            child,
        })
    }

    /// Whether there is one on this machine.
    pub fn is_installed() -> bool {
        PROGRAMS.iter().any(|program| find(program).is_some())
    }

    /// `kill -9`.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts again, with nothing in it.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = launch(self.port, &self.folder).await?;
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
}

async fn launch(port: u16, folder: &TempDir) -> anyhow::Result<Child> {
    let program = PROGRAMS.iter().find_map(|program| find(program));
    let program =
        program.context("Redis is not installed (Debian: apt-get install redis-server)")?;
    let mut redis = command(program, None);
    redis
        .current_dir(folder.path())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    redis
        .args(["--save", "", "--appendonly", "no"])
        .stdout(Stdio::null());
    let child = redis.spawn()?;
    let ready = async {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(START_PATIENCE, ready)
        .await
        .context("Redis is not ready")?;
    Ok(child)
}
