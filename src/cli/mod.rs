//! The command line: `sohbet [serve]`, `migrate`, `check`, `token`, `user`, `bench`.
//!
//! Commands answer on stdout and complain on stderr; only the running server logs.

mod bench;
mod check;
mod flags;
mod migrate;
mod serve;
mod token;
mod user;

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// How long work that cannot be cancelled may hold up the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// A Socket.IO chat server: durable, ordered, exactly once.
#[derive(Debug, Parser)]
#[command(name = "sohbet", version, after_help = flags::environment_help())]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; also what happens without any command
    #[command(after_help = flags::environment_help())]
    Serve(serve::Args),
    /// Bring the database schema up to date and end
    Migrate(migrate::Args),
    /// Make, list and revoke tokens
    Token(token::Args),
    /// Shut users out, let them in again, sign them out everywhere
    User(user::Args),
    /// Look for whatever would keep the server from working; exit code 1 on a fault
    Check(check::Args),
    /// Put load on a server that speaks the messaging vocabulary, and count what it loses
    #[command(after_help = bench::HELP)]
    Bench(Box<bench::Args>),
}

/// Runs the command line of the process and returns its exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come here too. Without a reader there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    let outcome = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(args),
        Command::Migrate(args) => migrate::run(args),
        Command::Token(args) => token::run(args),
        Command::User(args) => user::run(args),
        Command::Check(args) => check::run(args),
        Command::Bench(args) => bench::run(*args),
    };
    outcome.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// Prints an answer to stdout.
fn say(text: &str) {
    // A reader who has gone away, as with `| head`, is no fault.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Prints to stderr what belongs beside an answer.
fn note(text: &str) {
    // Without a reader there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a complaint to stderr, every line marked.
fn complain(text: &str) {
    for line in text.lines() {
        // There is no third place to complain.
        let _ = writeln!(std::io::stderr(), "error: {line}");
    }
}

/// Runs a future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime does not start")?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::table::{self, Flag};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound_and_help_names_every_variable() {
        Cli::command().debug_assert();
        let help = Cli::command().render_help().to_string();
        for setting in table::all() {
            for name in setting.names {
                assert!(help.contains(name), "{name}");
            }
            let flag = format!("--{}", setting.name);
            assert_eq!(help.contains(&flag), setting.flag != Flag::None, "{flag}");
        }
    }

    #[test]
    fn serve_is_the_default_and_takes_the_same_flags() {
        for line in [
            "sohbet --port 4000 --no-migrate",
            "sohbet serve --no-migrate --port=4000",
        ] {
            let cli = parse(line).unwrap();
            let args = match cli.command {
                None => cli.serve,
                Some(Command::Serve(args)) => args,
                other => panic!("{other:?}"),
            };
            let given = format!("{:?}", args.settings);
            assert!(
                given.contains("4000") && given.contains("no-migrate"),
                "{given}"
            );
        }
        assert!(matches!(
            parse("sohbet check").unwrap().command,
            Some(Command::Check(_))
        ));
        assert!(parse("sohbet --jwt-secret x").is_err());
    }
}
