//! Child processes: each begins with an empty environment, and goes when this one goes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a start may take.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a stop may take before it is enforced.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Lines of its log that are shown of a process that failed.
const SHOWN_LINES: usize = 20;

/// A process that has said on which port it listens.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Kept open: a process whose output nobody reads may die of it.
    _stdout: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub port: u16,
    /// When it was started.
    pub began: Instant,
}

impl Process {
    /// Starts it and waits for its first line, which ends in the port.
    pub async fn start(mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(START_TIMEOUT, lines.next_line()).await;
        let line = line.ok().transpose()?.flatten();
        let Some(port) = line.as_deref().and_then(port) else {
            bail!("{command:?} did not start:\n{}", end_of(&log));
        };
        Ok(Self {
            child,
            log,
            _stdout: lines,
            port,
            began,
        })
    }

    /// Its number.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let gone = || format!("the server is gone:\n{}", end_of(&self.log));
        self.child.id().with_context(gone)
    }

    /// Asks it to stop and waits; whoever does not stop in time is killed, and that is an error.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = i32::try_from(self.pid()?)?;
        kill_process(Pid::from_raw(id).context("no process")?, Signal::TERM)?;
        if let Ok(ended) = timeout(STOP_TIMEOUT, self.child.wait()).await {
            ended?;
            return Ok(());
        }
        self.child.kill().await?;
        bail!("the server did not stop:\n{}", end_of(&self.log))
    }
}

/// A command with an empty environment but for the way to programs. It goes when this process goes, even when this
/// one is killed.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = match find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Lets this process and its children have as many files open as the machine allows.
pub fn raise_file_limit() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).context("the limit of open files cannot be raised")
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}

fn port(line: &str) -> Option<u16> {
    line.rsplit(' ').next()?.trim().parse().ok()
}

fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_says_its_port_at_the_end_of_its_first_line() {
        assert_eq!(port("Socket.IO server running on port 3001"), Some(3001));
        assert_eq!(port("listening on 40000"), Some(40_000));
        assert_eq!(port("cannot listen"), None);
    }

    #[tokio::test]
    async fn what_does_not_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = command("/bin/sh");
        shell.args(["-c", "echo no luck >&2; exit 1"]);
        let failed = Process::start(shell, folder.path().join("log")).await;
        assert!(failed.unwrap_err().to_string().contains("no luck"));
    }
}
