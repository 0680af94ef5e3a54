//! `bench-suite`: measures Sohbet beside its peers and its floors, and writes `docs/performance.md`.

mod contenders;
mod figures;
mod machine;
mod page;
mod rounds;
mod rows;
mod samples;
mod seeds;
mod statistics;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;

use contenders::{Contender, Databases, Programs, Stage};
use figures::{Figure, Figures};
use machine::Machine;
use page::Page;
use rounds::Rounds;
use rows::Scale;
use samples::{Sample, Spot};

/// Measures Sohbet beside its peers and its floors, and writes the page about it.
#[derive(Debug, Parser)]
struct Options {
    /// How often everything is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each load runs before it is measured, in seconds
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// How long each load is measured, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only whether everything works: small loads of a second each, one round
    #[arg(long)]
    smoke: bool,
    /// Only these, with commas; shows tables, and writes no page
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Folder of the page
    #[arg(long, default_value = "docs")]
    out: PathBuf,
    /// The server; by default the one beside this program
    #[arg(long, env = "SOHBET_BIN")]
    sohbet: Option<PathBuf>,
    /// Folder of bare-socketioxide and batch-inserts; by default that of this program
    #[arg(long)]
    floors: Option<PathBuf>,
    /// Folder of the peers on Node
    #[arg(long, default_value = "benches/peers/node")]
    peers: PathBuf,
    /// A PostgreSQL where databases may be made, one for each run that needs one
    #[arg(long, env = "TEST_DATABASE_URL")]
    database_url: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    // What was started goes when it is dropped.
    tokio::select! {
        done = measure(&options) => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let page = match options.only.is_empty() {
        true => Some(Page::read(&options.out)?),
        false => None,
    };
    contenders::raise_file_limit()?;
    let folder = tempfile::Builder::new().prefix("sohbet-bench").tempdir()?;
    let stage = Stage {
        programs: programs(options)?,
        databases: Databases::beside(&options.database_url),
        folder: folder.path().to_owned(),
    };
    let machine = Machine::look(&stage.databases).await?;
    let rounds = rounds(options, &stage)?;
    let mut samples = rounds.measure(say).await?;
    samples.push(program_size(&stage.programs.sohbet)?);
    match page {
        Some(page) => page.write(&machine, &samples)?,
        None => say(&page::show(&samples)),
    }
    Ok(())
}

fn rounds<'a>(options: &Options, stage: &'a Stage) -> anyhow::Result<Rounds<'a>> {
    ensure!(options.rounds > 0, "there must be a round");
    let scale = match options.smoke {
        true => Scale::smoke(),
        false => Scale {
            is_smoke: false,
            warm_up: Duration::from_secs(options.warm_up),
            duration: Duration::from_secs(options.seconds),
        },
    };
    for name in &options.only {
        let is_known = rows::NAMES.contains(&name.as_str());
        ensure!(is_known, "{name} is none of {}", rows::NAMES.join(", "));
    }
    let is_wanted =
        |name: &str| options.only.is_empty() || options.only.iter().any(|it| it == name);
    let mut rows = rows::all(scale);
    rows.retain(|row| is_wanted(row.spot.row));
    Ok(Rounds {
        stage,
        rows,
        n_rounds: if options.smoke { 1 } else { options.rounds },
        scale,
    })
}

fn programs(options: &Options) -> anyhow::Result<Programs> {
    let here = std::env::current_exe()?;
    let here = here.parent().context("this program is in no folder")?;
    let floors = options.floors.clone().unwrap_or_else(|| here.to_owned());
    let sohbet = options
        .sohbet
        .clone()
        .unwrap_or_else(|| here.join("sohbet"));
    let programs = Programs {
        // Servers run in folders of their own.
        sohbet: std::path::absolute(sohbet)?,
        floors: std::path::absolute(floors)?,
        peers: std::path::absolute(&options.peers)?,
    };
    programs.check()?;
    Ok(programs)
}

/// The size of the server's program counts as measured, too.
fn program_size(program: &Path) -> anyhow::Result<Sample> {
    let megabytes = std::fs::metadata(program)?.len() as f64 / 1e6;
    Ok(Sample {
        spot: Spot::of("program"),
        contender: Contender::SohbetSqlite,
        round: 1,
        figures: Figures::from([(Figure::ProgramMb, megabytes)]),
        faults: sohbet_bench::Faults::default(),
        failure: None,
    })
}

fn say(text: &str) {
    // Without a reader there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{text}");
}
