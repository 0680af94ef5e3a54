//! `sohbet migrate`.

use std::process::ExitCode;

use super::flags::help;
use super::{block_on, say};
use crate::config::{Flags, Settings, shown_database, table};
use crate::{app, telemetry};

/// What `sohbet migrate` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(long, value_name = "URL", help = help(&table::DATABASE_URL))]
    database_url: Option<String>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut flags = Flags::default();
    if let Some(url) = args.database_url {
        flags.set(&table::DATABASE_URL, url);
    }
    let settings = Settings::load(flags)?;
    telemetry::init(&settings.log);
    block_on(app::migrate(&settings.store))?;
    say(&format!(
        "{} is up to date",
        shown_database(&settings.store.url)
    ));
    Ok(ExitCode::SUCCESS)
}
