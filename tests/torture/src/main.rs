//! `torture`: breaks a running Sohbet on purpose.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sohbet_torture::checker;
use sohbet_torture::log;
use sohbet_torture::nemesis::Setup;
use sohbet_torture::planted;
use sohbet_torture::processes::network::Network;
use sohbet_torture::processes::shims::Shims;
use sohbet_torture::report::{Summary, table};
use sohbet_torture::run::{Faults, Wanted, run};
use sohbet_torture::stage::Backends;
use tempfile::TempDir;

/// The seed of a smoke.
const SMOKE_SEED: u64 = 1;
/// The seed of the runs that look for planted bugs.
const PLANTED_SEED: u64 = 1;
/// What is run on unless somebody says otherwise.
const USUAL: [Setup; 3] = [Setup::Sqlite, Setup::Postgres, Setup::Cluster];
/// Length of the load of each set-up in a smoke, in seconds.
const SMOKE_SECONDS: u64 = 20;

/// Breaks a running Sohbet on purpose and checks what it promised.
#[derive(Debug, Parser)]
struct Options {
    /// Seeds: `7`, `1..50`, `1..3,9`
    #[arg(long, default_value = "1")]
    seeds: String,
    /// How long each run breaks things, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// What to run on; sqlite, postgres and cluster if it is not given
    #[arg(long, value_enum, value_delimiter = ',')]
    setup: Vec<Setup>,
    /// One short run on each set-up
    #[arg(long)]
    smoke: bool,
    /// The server; by default the one beside this program
    #[arg(long, env = "SOHBET_BIN")]
    binary: Option<PathBuf>,
    /// Where runs are kept that found something
    #[arg(long, env = "TORTURE_OUT")]
    out: Option<PathBuf>,
    /// Keep all runs
    #[arg(long)]
    keep: bool,
    /// Further settings of the servers, as NAME=VALUE
    #[arg(long = "env", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Find the bugs that are planted into a server built with the feature `planted-bugs`
    #[arg(long)]
    planted: bool,
    /// Only judge a history that was kept
    #[arg(long, value_name = "FILE")]
    judge: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some(file) = &options.judge {
        let (violations, n_more) = checker::check(&log::read(file)?);
        for violation in &violations {
            say(&format!(
                "{} {} (lines {:?})",
                violation.invariant, violation.what, violation.lines
            ));
        }
        return Ok(verdict(violations.len() + n_more));
    }
    if options.planted {
        return Ok(verdict(find_planted(&options).await?));
    }
    let summaries = play(&options).await?;
    say(&table(&summaries));
    Ok(verdict(
        summaries
            .iter()
            .map(|summary| summary.violations.len())
            .sum(),
    ))
}

/// Plays a run for each planted bug. Returns how many were not found.
async fn find_planted(options: &Options) -> anyhow::Result<usize> {
    let tools = tools()?;
    let mut backends = backends(&tools).await?;
    let mut n_missed = 0;
    for bug in &planted::ALL {
        let mut wanted = wanted(options, bug.setup, PLANTED_SEED)?;
        wanted.seconds = planted::SECONDS;
        wanted.faults = Faults::Given(bug.plan());
        wanted.may_fill_disk = false;
        let name = (planted::VARIABLE.to_owned(), bug.name.to_owned());
        wanted.settings.push(name);
        let summary = run(&mut backends, &wanted).await?;
        let is_found = bug.is_found(&summary);
        n_missed += usize::from(!is_found);
        let word = if is_found { "found" } else { "NOT FOUND" };
        say(&format!(
            "{} ({}): {word}\n  {}",
            bug.name,
            bug.breaks,
            summary.to_line()
        ));
        if let Some(kept) = summary.kept.filter(|_| is_found && !options.keep) {
            std::fs::remove_dir_all(kept)?;
        }
    }
    Ok(n_missed)
}

fn tools() -> anyhow::Result<TempDir> {
    let tools = tempfile::Builder::new().prefix("torture-shims.").tempdir();
    Ok(tools?)
}

async fn backends(tools: &TempDir) -> anyhow::Result<Backends> {
    Ok(Backends {
        shims: Shims::build(tools.path()).await?,
        ..Backends::default()
    })
}

fn wanted(options: &Options, setup: Setup, seed: u64) -> anyhow::Result<Wanted> {
    let folder = options.out.clone().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&folder)?;
    Ok(Wanted {
        binary: binary(options)?,
        setup,
        seed,
        seconds: if options.smoke {
            SMOKE_SECONDS
        } else {
            options.seconds
        },
        folder,
        settings: settings(options)?,
        may_fill_disk: !options.smoke,
        faults: if options.smoke {
            Faults::Smoke
        } else {
            Faults::Seed
        },
        keeps: options.keep,
    })
}

async fn play(options: &Options) -> anyhow::Result<Vec<Summary>> {
    let tools = tools()?;
    let mut backends = backends(&tools).await?;
    let mut summaries = Vec::new();
    if backends.shims.is_none() {
        say("left out without a C compiler: power losses, failing syncs, wrong clocks");
    }
    if !Network::is_possible() {
        say("left out for who is not root, or without iproute2: lost packets");
    }
    for seed in seeds(options)? {
        for setup in setups(options) {
            let wanted = wanted(options, setup, seed)?;
            let summary = run(&mut backends, &wanted).await;
            let summary =
                summary.with_context(|| format!("{} seed {seed} broke off", setup.name()))?;
            tell(&summary);
            summaries.push(summary);
        }
    }
    Ok(summaries)
}

fn tell(summary: &Summary) {
    say(&summary.to_line());
    say(&format!("  faults: {}", summary.faults.join(", ")));
    for violation in &summary.violations {
        say(&format!(
            "  {} {} (lines {:?})",
            violation.invariant, violation.what, violation.lines
        ));
    }
    if let Some(kept) = &summary.kept {
        say(&format!("  kept in {}", kept.display()));
    }
}

fn setups(options: &Options) -> Vec<Setup> {
    match options.setup.is_empty() {
        true => USUAL.to_vec(),
        false => options.setup.clone(),
    }
}

fn seeds(options: &Options) -> anyhow::Result<Vec<u64>> {
    if options.smoke {
        return Ok(vec![SMOKE_SEED]);
    }
    let mut seeds = Vec::new();
    for part in options.seeds.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let first: u64 = first.trim().parse().context("a seed must be a number")?;
        seeds.extend(first..=last.trim().parse().context("a seed must be a number")?);
    }
    Ok(seeds)
}

fn settings(options: &Options) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').context("a setting is NAME=VALUE")?;
        Ok((name.to_owned(), value.to_owned()))
    };
    options.settings.iter().map(pair).collect()
}

fn binary(options: &Options) -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("sohbet");
    let binary = options.binary.clone().unwrap_or(beside);
    binary
        .canonicalize()
        .with_context(|| format!("no server at {}", binary.display()))
}

fn verdict(n_violations: usize) -> ExitCode {
    match n_violations {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn say(text: &str) {
    // Whoever closes the pipe does not want to know.
    let _ = writeln!(std::io::stdout(), "{text}");
}
