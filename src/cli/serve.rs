//! `sohbet serve`.

use std::process::ExitCode;

use super::flags::SettingFlags;
use super::{block_on, say};
use crate::config::{Row, Settings};
use crate::{app, telemetry};

/// What `sohbet serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Show every setting with its value and where it comes from, and end
    #[arg(long)]
    pub print_config: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(args.settings.0)?;
    if args.print_config {
        say(&as_table(settings.effective()));
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::init(&settings.log);
    warn(&settings);
    block_on(app::run(settings.into()))?;
    Ok(ExitCode::SUCCESS)
}

/// Says which settings do nothing.
fn warn(settings: &Settings) {
    for (name, instead) in &settings.without_effect {
        tracing::warn!("{name} has no effect: {instead}");
    }
}

/// Three columns: name, value, origin. A dash stands for no value.
fn as_table(rows: &[Row]) -> String {
    let value = |row: &Row| match row.value.as_str() {
        "" => "-".to_owned(),
        value => value.to_owned(),
    };
    let name_width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let value_width = rows.iter().map(|row| value(row).len()).max().unwrap_or(0);
    let line = |row: &Row| {
        let (name, value, origin) = (row.name, value(row), &row.origin);
        format!("{name:<name_width$}  {value:<value_width$}  {origin}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
