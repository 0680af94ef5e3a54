//! What it was measured on.

use std::fs;

use serde::Serialize;

use crate::contenders::{Databases, command, sqlite_version};

/// The machine and what is installed on it. Says nothing of whose it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    processor: String,
    n_cores: usize,
    memory_gib: f64,
    kernel: String,
    node: String,
    postgres: String,
    sqlite: String,
    date: String,
}

impl Machine {
    /// This one.
    pub async fn look(databases: &Databases) -> anyhow::Result<Self> {
        let memory_kib = field("/proc/meminfo", "MemTotal", ':');
        let memory_kib = memory_kib.split(' ').next().and_then(|n| n.parse().ok());
        let node = command("node").arg("--version").output().await?;
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name", ':'),
            n_cores: std::thread::available_parallelism()?.get(),
            memory_gib: memory_kib.unwrap_or(0.0) / 1_048_576.0,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            node: String::from_utf8_lossy(&node.stdout).trim().to_owned(),
            postgres: databases.version().await?,
            sqlite: sqlite_version().await?,
            date: chrono::Utc::now().format("%Y-%m-%d").to_string(),
        })
    }

    /// As a table of two columns.
    pub fn to_markdown(&self) -> String {
        let rows = [
            ("processor", self.processor.clone()),
            ("cores", self.n_cores.to_string()),
            ("memory", format!("{:.1} GiB", self.memory_gib)),
            ("kernel", format!("Linux {}", self.kernel)),
            ("Node", self.node.clone()),
            ("PostgreSQL", self.postgres.clone()),
            ("SQLite", self.sqlite.clone()),
            ("Sohbet", env!("CARGO_PKG_VERSION").to_owned()),
            ("measured", self.date.clone()),
        ];
        let rows = rows.map(|(name, value)| format!("| {name} | {value} |\n"));
        format!("| | |\n|---|---|\n{}", rows.concat())
    }
}

/// The first field of that name in a file of `/proc`.
fn field(file: &str, name: &str, separator: char) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == name).then(|| value.trim().to_owned())
    });
    found.unwrap_or_else(|| "unknown".to_owned())
}
