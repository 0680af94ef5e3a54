//! What the server costs, when it runs on this machine: read from `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

/// State of a listening socket in `/proc/net/tcp`.
const LISTENS: &str = "0A";

/// A running process, by its number.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: u32,
}

/// What a process has used up to a moment.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Processor time of all its threads, in user code and in the kernel.
    #[serde(skip)]
    pub cpu: Duration,
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// The highest it was.
    pub peak_bytes: u64,
}

impl Process {
    /// The process with that number, if it can be read.
    pub fn new(pid: u32) -> anyhow::Result<Self> {
        let process = Self { pid };
        process.usage()?;
        Ok(process)
    }

    /// Who listens on that port of this machine, if it may be known.
    pub fn listening_on(port: u16) -> Option<Self> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let tables = tables
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok());
        let inodes: Vec<String> = tables.flat_map(|table| inodes(&table, port)).collect();
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut pids = processes.filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            holds(&entry.path(), &inodes).then_some(pid)
        });
        Some(Self { pid: pids.next()? })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has used so far.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        let read = |name: &str| {
            let path = format!("/proc/{}/{name}", self.pid);
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let status = read("status")?;
        Ok(Usage {
            cpu: cpu(&read("stat")?).context("an unreadable stat")?,
            resident_bytes: kilobytes(&status, "VmRSS:") * 1_024,
            peak_bytes: kilobytes(&status, "VmHWM:") * 1_024,
        })
    }
}

/// Fields 14 and 15 of `stat` (proc(5)), counted behind the name, which may hold spaces.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_nanos(
        (user + kernel) * (1_000_000_000 / per_second),
    ))
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Inodes of the sockets that listen on a port.
fn inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let lines = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == LISTENS;
        listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    });
    lines.collect()
}

fn holds(process: &Path, inodes: &[String]) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    files.flatten().any(|file| {
        let Ok(link) = fs::read_link(file.path()) else {
            return false;
        };
        let link = link.to_string_lossy();
        let inode = link
            .strip_prefix("socket:[")
            .and_then(|rest| rest.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.iter().any(|other| other == inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_is_found_and_measured() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let process = Process::listening_on(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(process.pid(), std::process::id());
        assert!(process.usage().unwrap().resident_bytes > 0);
    }

    #[test]
    fn a_name_with_spaces_and_brackets_is_no_trap() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(cpu(stat), Some(Duration::from_secs(2)));
    }
}
