//! `sohbet bench seed`: fills a database with conversations to measure on.

use std::process::ExitCode;
use std::time::Instant;

use sohbet_bench::{Plan, Scenario};

use super::{Progress, USAGE};
use crate::app::seeding::{Filled, Reader, Shape, seed};
use crate::cli::token::Database;
use crate::cli::{block_on, complain, say};

/// What `sohbet bench seed` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    database: Database,
    /// Messages in all
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    messages: u64,
    /// Conversations of two; the first user of the other loads takes part in the first 1000
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    conversations: usize,
    /// Messages in the first conversation [default: as many as in the others]
    #[arg(long, value_name = "N")]
    longest: Option<u64>,
    /// Users [default: 10000, or as many as talk to the first one]
    #[arg(long, value_name = "N")]
    users: Option<usize>,
}

/// What else there is to know, for the end of the help.
pub(super) const HELP: &str = "\
Writes what a server would have written, the same each time: in turns of some messages, all of them read but the
last few that the first user has got. A database that has something in it keeps that. No server may run on an
SQLite file meanwhile. `history` and `list` read what was written here if they are asked for as much or less.";

/// Fills the database and says with what.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shape = Shape::new(
        reader(),
        args.messages,
        args.conversations,
        args.longest,
        args.users,
    );
    if let Err(error) = shape.check() {
        complain(&format!("{error:#}"));
        return Ok(ExitCode::from(USAGE));
    }
    let settings = args.database.settings()?;
    let progress = Progress::new(false);
    let began = Instant::now();
    let tell_progress = |text: &str| progress.tell(text);
    let filled = block_on(seed(&settings.store, &shape, &tell_progress));
    progress.end();
    tell(&shape, &filled?, began);
    Ok(ExitCode::SUCCESS)
}

/// Whoever reads in `list`, which finds there what it would have sent.
fn reader() -> Reader {
    let usual = Plan::usual(Scenario::List);
    Reader {
        id: usual.first_user,
        n_conversations: usual.conversations,
        n_unread: sohbet_bench::n_unread,
    }
}

fn tell(shape: &Shape, filled: &Filled, began: Instant) {
    let Shape {
        n_messages,
        n_conversations,
        n_longest,
        n_users,
        ..
    } = shape;
    let seconds = began.elapsed().as_secs_f64();
    say(&format!(
        "{n_messages} messages in {n_conversations} conversations of {n_users} users, in {seconds:.1} s\n\
         conversation {} has {n_longest} of them; user {} takes part in {} conversations and has not read {}",
        filled.first_conversation,
        filled.first_user,
        shape.n_own(),
        filled.n_unread
    ));
}
