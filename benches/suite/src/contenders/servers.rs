//! A contender that serves, from its start to its end.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::databases::OwnDatabase;
use super::processes::{Process, command};
use super::{Contender, FILE, Stage, sqlite_url};

/// How long a server that listens may take until it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server with a store of its own.
#[derive(Debug)]
pub struct Server {
    process: Process,
    database: Option<OwnDatabase>,
    folder: TempDir,
    /// From the start of the process until it was ready, in seconds.
    pub start_seconds: f64,
}

impl Server {
    /// Starts a contender with an empty store or, on SQLite, with what is in a folder. With a secret it asks
    /// for logins, if it can.
    pub async fn start(
        stage: &Stage,
        contender: Contender,
        secret: Option<&str>,
        seed: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&stage.folder)?;
        if let Some(seed) = seed {
            copy_files(seed, folder.path())?;
        }
        let database = match contender.wants_postgres() {
            true => Some(stage.databases.create().await?),
            false => None,
        };
        let url = database.as_ref().map(|database| database.url.as_str());
        let mut command = program(stage, contender, folder.path(), url);
        if let Some(secret) = secret {
            command.env("JWT_SECRET", secret);
        }
        let process = Process::start(command, stage.folder.join("log")).await?;
        if contender.is_ours() {
            wait_until_ready(process.port).await?;
        }
        Ok(Self {
            start_seconds: process.began.elapsed().as_secs_f64(),
            process,
            database,
            folder,
        })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.port)
    }

    /// Number of its process.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.process.pid()
    }

    /// Stops it. Returns its files, which go when that is dropped.
    pub async fn stop(self, stage: &Stage) -> anyhow::Result<TempDir> {
        let stopped = self.process.stop().await;
        if let Some(database) = self.database {
            stage.databases.drop(database).await?;
        }
        stopped.map(|()| self.folder)
    }
}

fn program(stage: &Stage, contender: Contender, folder: &Path, database: Option<&str>) -> Command {
    let programs = &stage.programs;
    let node = |name: &str| {
        let mut command = command("node");
        command.arg(programs.peer(name));
        // As one would deploy it.
        command.env("NODE_ENV", "production");
        command
    };
    let file = sqlite_url(&folder.join(FILE));
    let mut command = match contender {
        Contender::NodeMemory => node("memory.mjs"),
        Contender::NodePg => node("pg.mjs"),
        Contender::NodePrisma => node("prisma.mjs"),
        Contender::SohbetSqlite | Contender::SohbetPostgres => command(&programs.sohbet),
        _ => command(programs.floor("bare-socketioxide")),
    };
    command
        .env("DATABASE_URL", database.unwrap_or(&file))
        .env("PORT", "0");
    if contender.is_ours() {
        command
            .arg("serve")
            .current_dir(folder)
            .env("DATA_DIR", folder.join("files"))
            .env("DIALECT", "messaging")
            .env("UNLIMITED_ADDRESSES", "127.0.0.0/8");
    }
    command
}

/// Asks until the server says that it can serve.
async fn wait_until_ready(port: u16) -> anyhow::Result<()> {
    let asking = async {
        while !is_ready(port).await.unwrap_or(false) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ready = timeout(READY_TIMEOUT, asking).await;
    ready.context("the server listens and is not ready")
}

async fn is_ready(port: u16) -> anyhow::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    for file in std::fs::read_dir(from)? {
        let file = file?;
        if file.file_type()?.is_file() {
            std::fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}
