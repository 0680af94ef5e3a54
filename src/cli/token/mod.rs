//! `sohbet token`: signed tokens for development, API tokens for users and programs.

mod api;
mod mint;
mod values;

pub(super) use values::id;

use std::process::ExitCode;

use clap::Subcommand;

use super::flags::help;
use crate::config::{Flags, Settings, table};

/// What `sohbet token` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign a token with JWT_SECRET and print it
    Mint(mint::Args),
    /// Make an API token and print it, once
    Create(api::Create),
    /// List API tokens, newest first
    List(api::List),
    /// End an API token and its connections
    Revoke(api::Revoke),
}

/// The database of the API tokens and the users.
#[derive(Debug, clap::Args)]
pub(super) struct Database {
    #[arg(long, value_name = "URL", help = help(&table::DATABASE_URL))]
    database_url: Option<String>,
}

impl Database {
    pub(super) fn settings(self) -> anyhow::Result<Settings> {
        let mut flags = Flags::default();
        if let Some(url) = self.database_url {
            flags.set(&table::DATABASE_URL, url);
        }
        Ok(Settings::load(flags)?)
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Mint(args) => mint::run(args),
        Command::Create(args) => api::create(args),
        Command::List(args) => api::list(args),
        Command::Revoke(args) => api::revoke(args),
    }
}
