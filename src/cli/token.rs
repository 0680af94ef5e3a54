//! `sohbet token mint`: a token for development and scripts.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;

use sohbet_entity::ids;

use super::say;
use crate::auth::{self, NewToken};
use crate::config::{Flags, Settings};

/// Roles a user can have; see the table `user`.
const ROLES: [&str; 3] = ["ADMIN", "MODERATOR", "MEMBER"];
/// A token that lives longer than ten years is a mistake in the unit.
const MAX_TTL: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// What `sohbet token` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign a token with JWT_SECRET and print it
    Mint(Mint),
}

#[derive(Debug, clap::Args)]
struct Mint {
    /// Id of the user
    #[arg(long, value_name = "ID", value_parser = user_id)]
    user: String,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// ADMIN, MODERATOR or MEMBER
    #[arg(long, value_parser = role)]
    role: Option<String>,
    /// Id of the gallery that the user acts for
    #[arg(long, value_name = "ID", value_parser = user_id)]
    gallery: Option<String>,
    /// How long the token is valid: 90s, 30m, 1h, 7d
    #[arg(long, default_value = "1h", value_parser = ttl)]
    ttl: Duration,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Command::Mint(mint) = args.command;
    let settings = Settings::load(Flags::default())?;
    let secret = settings.auth.secret.context(
        "token mint needs the server's JWT_SECRET in the environment or in .env (32 bytes or more, such as the output of: openssl rand -base64 48)",
    )?;
    let token = auth::mint(
        &secret,
        NewToken {
            user: mint.user,
            name: mint.name,
            role: mint.role,
            gallery: mint.gallery,
            ttl: mint.ttl,
        },
    )?;
    say(&token);
    Ok(ExitCode::SUCCESS)
}

fn user_id(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=ids::MAX_CHARS if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(format!("an id has 1 to {} characters", ids::MAX_CHARS)),
    }
}

fn role(text: &str) -> Result<String, String> {
    let role = text.to_ascii_uppercase();
    match ROLES.contains(&role.as_str()) {
        true => Ok(role),
        false => Err(format!("write one of {}", ROLES.join(", "))),
    }
}

/// A whole number and its unit; seconds without one.
fn ttl(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit_seconds = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = number.parse::<u64>().ok().zip(unit_seconds);
    let seconds = seconds.and_then(|(number, unit)| number.checked_mul(unit));
    let ttl = seconds.map(Duration::from_secs);
    ttl.filter(|ttl| !ttl.is_zero() && *ttl <= MAX_TTL)
        .ok_or_else(|| "write a time such as 90s, 30m, 1h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(ttl("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(ttl("90"), Ok(Duration::from_secs(90)));
        assert_eq!(ttl("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in [
            "",
            "h",
            "0s",
            "1w",
            "-1h",
            "1.5h",
            "99999999999999999999d",
            "400000d",
        ] {
            assert!(ttl(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn roles_are_those_of_the_user_table() {
        assert_eq!(role("admin"), Ok("ADMIN".to_owned()));
        assert!(role("root").is_err());
    }
}
