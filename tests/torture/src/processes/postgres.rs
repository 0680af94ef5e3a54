//! A PostgreSQL cluster of the harness's own, with full durability, that may crash.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use super::{command, find, run};

/// The user that PostgreSQL runs as when the harness is root: it refuses to be root itself.
const USER: &str = "postgres";
/// How long a start may take, recovery from a crash included.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long an immediate stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// Ports that are tried: below those that the kernel hands out by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A running cluster.
pub struct Postgres {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    bin: PathBuf,
    folder: TempDir,
    child: Child,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub async fn start() -> anyhow::Result<Self> {
        let bin = find_bin()
            .context("PostgreSQL is not installed (Debian: apt-get install postgresql)")?;
        let folder = tempfile::Builder::new()
            .prefix("torture-postgres.")
            .tempdir()?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777))?;
        let data = folder.path().join("data");
        let mut initdb = command(bin.join("initdb"), Some(USER));
        initdb.current_dir(folder.path()).arg("--pgdata").arg(&data);
        initdb.args([
            "--username",
            USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ]);
        run(initdb).await?;
        let first = PORTS.start + u16::try_from(std::process::id() % 6_000)?;
        for port in (first..PORTS.end).step_by(37) {
            if let Ok(child) = launch(&bin, &folder, port).await {
                return Ok(Self {
                    port,
                    bin,
                    folder,
                    child,
                });
            }
        }
        bail!(
            "PostgreSQL did not start: {}",
            std::fs::read_to_string(folder.path().join("log"))?
        )
    }

    /// Stops as a crash does: nothing is written that was not written before.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        // The child may be a wrapper around the postmaster, which writes its own id there.
        let file = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"))?;
        let id = file.lines().next().and_then(|id| id.trim().parse().ok());
        let id = id
            .and_then(Pid::from_raw)
            .context("no id of the postmaster")?;
        kill_process(id, Signal::QUIT)?;
        timeout(STOP_PATIENCE, self.child.wait()).await??;
        Ok(())
    }

    /// Starts again after a crash.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = launch(&self.bin, &self.folder, self.port).await?;
        Ok(())
    }

    /// A connection that goes past all links.
    pub async fn connect(&self, database: &str) -> anyhow::Result<DatabaseConnection> {
        Ok(Database::connect(self.url((Ipv4Addr::LOCALHOST, self.port).into(), database)).await?)
    }

    /// The address of a database as it is seen from somewhere else.
    pub fn url(&self, at: SocketAddr, database: &str) -> String {
        format!("postgres://{USER}@{at}/{database}")
    }

    /// Makes an empty database.
    pub async fn create(&self, database: &str) -> anyhow::Result<()> {
        let db = self.connect(USER).await?;
        db.execute_unprepared(&format!("CREATE DATABASE {database}"))
            .await?;
        Ok(db.close().await?)
    }

    /// Ends every connection to a database.
    pub async fn terminate_backends(&self, database: &str) -> anyhow::Result<()> {
        let db = self.connect(USER).await?;
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        );
        db.execute_unprepared(&sql).await?;
        Ok(db.close().await?)
    }

    /// Refuses writes to every new transaction, as a standby does, or takes that back.
    pub async fn set_read_only(&self, database: &str, is_read_only: bool) -> anyhow::Result<()> {
        let db = self.connect(USER).await?;
        let mode = if is_read_only { "on" } else { "off" };
        let sql = format!("ALTER DATABASE {database} SET default_transaction_read_only = {mode}");
        db.execute_unprepared(&sql).await?;
        db.close().await?;
        self.terminate_backends(database).await
    }
}

async fn launch(bin: &std::path::Path, folder: &TempDir, port: u16) -> anyhow::Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("log"))?;
    let mut postgres = command(bin.join("postgres"), Some(USER));
    postgres
        .current_dir(folder.path())
        .arg("-D")
        .arg(folder.path().join("data"));
    postgres.arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=100",
    ] {
        postgres.args(["-c", setting]);
    }
    let mut child = postgres
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .spawn()?;
    let pid_file = folder.path().join("data/postmaster.pid");
    let ready = async {
        loop {
            // Line 8 of the file is the postmaster's own word that it accepts connections.
            let file = std::fs::read_to_string(&pid_file).unwrap_or_default();
            if file
                .lines()
                .nth(7)
                .is_some_and(|word| word.trim() == "ready")
            {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                bail!("PostgreSQL ended: {status}");
            }
            sleep(Duration::from_millis(30)).await;
        }
    };
    timeout(START_PATIENCE, ready)
        .await
        .context("PostgreSQL is not ready")??;
    Ok(child)
}

/// The folder of the server's programs. Debian keeps it outside PATH, one for each version.
fn find_bin() -> Option<PathBuf> {
    if let Some(initdb) = find("initdb") {
        return initdb.canonicalize().ok()?.parent().map(PathBuf::from);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .find(|bin| bin.join("initdb").is_file())
}
