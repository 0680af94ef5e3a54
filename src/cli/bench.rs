//! `sohbet bench`: load on a server that runs, whichever it is.

mod seed;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use sohbet_bench::{Pace, Plan, Report, Scenario, to_html, to_text};

use super::{block_on, complain, note, say};
use crate::config::{Flags, Settings};

/// Exit code for options that do not fit together; clap has the same.
const USAGE: u8 = 2;

/// What `sohbet bench` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    load: Load,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Fill a database with conversations to measure on
    #[command(after_help = seed::HELP)]
    Seed(seed::Args),
}

#[derive(Debug, clap::Args)]
struct Load {
    /// pairs, rooms, big-room, storm, idle, reconnect, history or list
    #[arg(value_parser = scenario, default_value = "pairs")]
    scenario: Scenario,
    /// Where the server is
    #[arg(long, default_value = "http://localhost:3001")]
    url: String,
    /// Path of its Socket.IO endpoint
    #[arg(long, default_value = "/socket.io/")]
    path: String,
    /// Connections, each of its own user; readers in history and list [default: 1000; big-room 5000, readers 8]
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// Connections in one conversation [default: 2; rooms 100, big-room all]
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Connections that write, as many in each conversation [default: all in pairs, 10 in a room, 20 in reconnect]
    #[arg(long, value_name = "N")]
    senders: Option<usize>,
    /// Open loop: messages a second of all together, whether the server keeps up or not [default: 100 in reconnect]
    #[arg(long, value_name = "N", conflicts_with = "in_flight")]
    rate: Option<f64>,
    /// Closed loop: messages that each sender keeps under way [default: 1]
    #[arg(long, value_name = "N")]
    in_flight: Option<usize>,
    /// How long to measure; how long messages go on after the cut in reconnect
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "10s")]
    duration: Duration,
    /// How long to run before that
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "3s")]
    warm_up: Duration,
    /// How long to wait in storm and idle until the server has forgotten the set-up
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "11s")]
    pause: Duration,
    /// Bytes of a message's text
    #[arg(long, value_name = "N", default_value_t = 100)]
    text_bytes: usize,
    /// Conversations of each user in storm, idle and reconnect; of one user in list [default: 5; list 1000]
    #[arg(long, value_name = "N")]
    conversations: Option<usize>,
    /// Messages in the conversation that history reads
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    messages: usize,
    /// Share of the connections that poll, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    polling: f64,
    /// Connections that are being opened at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    at_once: usize,
    /// Number of the first user; the others follow
    #[arg(long, value_name = "ID", default_value_t = 1_000_000)]
    first_user: u64,
    /// Do not wait for the callback of join_conversation: for servers that have none
    #[arg(long)]
    no_acks: bool,
    /// The server's process, if it runs here and is not found by its port
    #[arg(long)]
    pid: Option<u32>,
    /// Print everything that was found as JSON, and no progress unless stderr is a terminal
    #[arg(long)]
    json: bool,
    /// Write a page with plots as well
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What else there is to know, for the end of the help.
pub(super) const HELP: &str = "\
Sends messages to the server under load: use one whose data may be thrown away.
Where users need a token, it is signed with JWT_SECRET (the environment or .env), as the server has it.
idle wants a server that has just been started: memory that is kept from earlier load does not show.
Times are written like 500ms, 2.5s or 10m.

Exit code 1 if a message was lost, doubled, out of order or strayed, or the run failed; 2 for wrong options.";

/// Runs it and says what was found.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Some(Command::Seed(args)) => seed::run(args),
        None => put(args.load),
    }
}

/// Puts a load on a server.
fn put(args: Load) -> anyhow::Result<ExitCode> {
    let plan = plan(&args)?;
    if let Err(error) = plan.check() {
        complain(&format!("{error:#}"));
        return Ok(ExitCode::from(USAGE));
    }
    let progress = Progress::new(args.json);
    let report = block_on(sohbet_bench::run(&plan, &|text| progress.tell(text)));
    progress.end();
    let report = report?;
    match args.json {
        true => say(&serde_json::to_string_pretty(&report)?),
        false => say(&to_text(&report)),
    }
    if let Some(file) = args.report {
        write_page(&report, &file)?;
    }
    Ok(match report.faults.broke_a_promise() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn write_page(report: &Report, file: &Path) -> anyhow::Result<()> {
    let page = to_html(report)?;
    std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))
}

/// Where progress goes: one line of a terminal, which is rewritten; else a line each, if anybody wants it.
#[derive(Debug, Clone, Copy)]
enum Progress {
    Line,
    Lines,
    Nothing,
}

impl Progress {
    fn new(json: bool) -> Self {
        match std::io::stderr().is_terminal() {
            true => Self::Line,
            // Whoever collects JSON has little use for it.
            false if json => Self::Nothing,
            false => Self::Lines,
        }
    }

    fn tell(self, text: &str) {
        match self {
            Self::Line => rewrite(text),
            Self::Lines => note(text),
            Self::Nothing => {}
        }
    }

    fn end(self) {
        if let Self::Line = self {
            rewrite("");
        }
    }
}

/// Replaces the line on the terminal.
fn rewrite(text: &str) {
    const CLEAR: &str = "\r\x1b[2K";
    let mut stderr = std::io::stderr();
    // Without a reader there is nobody to tell.
    let _ = write!(stderr, "{CLEAR}{text}").and_then(|()| stderr.flush());
}

fn plan(args: &Load) -> anyhow::Result<Plan> {
    let usual = Plan::usual(args.scenario).sized(args.connections, args.size);
    Ok(Plan {
        url: args.url.clone(),
        path: args.path.clone(),
        senders: args.senders.unwrap_or(usual.senders),
        pace: match (args.rate, args.in_flight) {
            (Some(per_second), _) => Pace::Open { per_second },
            (None, Some(in_flight)) => Pace::Closed { in_flight },
            (None, None) => usual.pace,
        },
        duration: args.duration,
        warm_up: args.warm_up,
        pause: args.pause,
        text_bytes: args.text_bytes,
        conversations: args.conversations.unwrap_or(usual.conversations),
        messages: args.messages,
        polling: args.polling,
        at_once: args.at_once,
        first_user: args.first_user,
        acks: !args.no_acks,
        pid: args.pid,
        // The server's own setting.
        secret: Settings::load(Flags::default())?.auth.secret,
        ..usual
    })
}

fn scenario(name: &str) -> Result<Scenario, String> {
    let found = Scenario::ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, scenario)| *scenario).ok_or_else(|| {
        let names: Vec<_> = Scenario::ALL.iter().map(|(name, _)| *name).collect();
        format!("write one of {}", names.join(", "))
    })
}

/// A number, which may be 0 or have a fraction, and its unit; seconds without one.
fn time(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit_seconds = match unit {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3_600.0),
        _ => None,
    };
    let seconds = number.parse::<f64>().ok().zip(unit_seconds);
    let time = seconds.and_then(|(n, unit)| Duration::try_from_secs_f64(n * unit).ok());
    time.ok_or_else(|| "write a time such as 500ms, 10s or 5m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_short_or_nothing() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2.5s"), Ok(Duration::from_millis(2_500)));
        assert_eq!(time("0"), Ok(Duration::ZERO));
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["", "s", "-1s", "1d", "1e999s", "infs"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn scenarios_are_known_by_their_names() {
        assert_eq!(scenario("big-room"), Ok(Scenario::BigRoom));
        assert!(scenario("parties").unwrap_err().contains("reconnect"));
    }
}
