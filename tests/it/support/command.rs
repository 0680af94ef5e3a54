//! The commands of `sohbet` that answer and end.

use super::PATIENCE;
use super::server::command;
use super::stores::Store;
use super::within;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// What it answered.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs `sohbet` with these arguments and further environment variables.
pub async fn sohbet(store: &Store, args: &[&str], settings: &[(&str, &str)]) -> Ended {
    let mut command = command(store);
    command.args(args).envs(settings.iter().copied());
    let what = format!("sohbet {}", args.join(" "));
    let output = within(PATIENCE, &what, command.output()).await.unwrap();
    Ended {
        code: output.status.code().expect("it ended by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
