//! `sohbet user`: shuts users out, lets them in again, signs them out everywhere. A running server
//! follows within a second.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use sohbet_entity::ids::{PartyId, UserId};

use super::token::{self, Database};
use super::{block_on, note, say};
use crate::app::tokens::{AccountChange, Tokens};

/// What `sohbet user` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Accept nothing of a user any more, and end their connections
    Disable(Named),
    /// Let a user log in again
    Enable(Named),
    /// End all logins and API tokens that a user has; newer ones are accepted
    SignOut(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// Id of the user; where people are an id and a role, both: teacher:7
    #[arg(value_name = "ID", value_parser = token::id)]
    user: String,
    #[command(flatten)]
    database: Database,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Disable(named) => change(named, AccountChange::Disable, "is shut out"),
        Command::Enable(named) => change(named, AccountChange::Enable, "may log in"),
        Command::SignOut(named) => change(named, AccountChange::SignOut, "is signed out"),
    }
}

fn change(named: Named, change: AccountChange, outcome: &str) -> anyhow::Result<ExitCode> {
    let settings = named.database.settings()?;
    let user = UserId::from(named.user);
    if PartyId::from(&user).gallery().is_some() {
        bail!("{user} names a gallery, not a user");
    }
    let is_new = block_on(async {
        let tokens = Tokens::open(&settings.store, &settings.auth).await?;
        let changed = tokens.change_account(&user, change).await;
        tokens.close().await;
        changed
    })?;
    if is_new {
        note(&format!("user {user} is new"));
    }
    say(&format!("user {user} {outcome}"));
    Ok(ExitCode::SUCCESS)
}
