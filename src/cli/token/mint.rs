//! `sohbet token mint`: a token for development and scripts.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::values;
use crate::auth::{self, NewToken};
use crate::cli::say;
use crate::config::{Flags, Settings};

/// What `sohbet token mint` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the user
    #[arg(long, value_name = "ID", value_parser = values::id)]
    user: String,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// ADMIN, MODERATOR or MEMBER
    #[arg(long, value_parser = values::role)]
    role: Option<String>,
    /// Id of the gallery that the user acts for
    #[arg(long, value_name = "ID", value_parser = values::id)]
    gallery: Option<String>,
    /// How long the token is valid: 90s, 30m, 1h, 7d
    #[arg(long, default_value = "1h", value_parser = values::ttl)]
    ttl: Duration,
}

/// Signs a token and prints it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(Flags::default())?;
    let secret = settings.auth.secret.context(
        "token mint needs the server's JWT_SECRET in the environment or in .env (32 bytes or more, such as the output of: openssl rand -base64 48)",
    )?;
    let token = auth::mint(
        &secret,
        &settings.auth.rules,
        NewToken {
            user: args.user,
            name: args.name,
            role: args.role,
            gallery: args.gallery,
            ttl: args.ttl,
        },
    )?;
    say(&token);
    Ok(ExitCode::SUCCESS)
}
