//! The processes that a run owns: servers, databases, and what is slipped under them.

pub mod disk;
pub mod network;
pub mod node;
pub mod postgres;
pub mod redis;
pub mod shims;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tokio::process::{Child, Command};

/// A command that goes when the harness goes, even when the harness is killed.
pub fn command(program: impl AsRef<OsStr>, as_user: Option<&str>) -> Command {
    let mut command = match (find("setpriv"), as_user.filter(|_| is_root())) {
        (Some(setpriv), user) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]);
            if let Some(user) = user {
                command.args(["--reuid", user, "--regid", user, "--init-groups"]);
            }
            command.arg(program);
            command
        }
        (None, Some(user)) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        (None, None) => Command::new(program),
    };
    command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    command
}

/// Whether this process may do anything.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Where a program is.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}

/// Sends a signal to a child that is still running.
pub fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    let id = child.id().context("the process has ended before")?;
    let id = i32::try_from(id)
        .ok()
        .and_then(Pid::from_raw)
        .context("no process id")?;
    Ok(kill_process(id, signal)?)
}

/// Runs a command to its end; an error if it fails.
pub async fn run(mut command: Command) -> anyhow::Result<String> {
    let output = command.output().await?;
    anyhow::ensure!(
        output.status.success(),
        "{:?} failed: {}",
        command.as_std().get_program(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Copies the files of a folder without what lies in folders below it.
pub fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        if file.file_type()?.is_file() {
            std::fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}
