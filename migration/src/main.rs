//! `sohbet-migration`: the schema of a database, and the entities that follow from it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command answers on its terminal"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sohbet_migration::{Migrator, generator};

/// The driver keeps trying a PostgreSQL server that refuses connections for so long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Manage the schema of a Sohbet database
#[derive(Parser)]
#[command(name = "sohbet-migration", version)]
struct Cli {
    /// Database to work on; `.env` is read as well
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://data/sohbet.db?mode=rwc"
    )]
    database_url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Apply all pending steps
    Up,
    /// Revert the last applied steps
    Down {
        /// How many
        #[arg(value_name = "N", default_value_t = 1)]
        n_steps: u32,
    },
    /// Drop every table with all data, then apply all steps
    Fresh,
    /// List the steps, and which of them are applied
    Status,
    /// Write `entity/src/generated` from the steps; needs no database
    Entities {
        /// Only compare, and fail when the committed files differ
        #[arg(long)]
        check: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode> {
    match dotenvy::dotenv() {
        Err(error) if !error.not_found() => return Err(error).context("cannot read .env"),
        _ => {}
    }
    let cli = Cli::parse();
    if let Command::Entities { check } = cli.command {
        return entities(check).await;
    }
    let db = connect(&cli.database_url).await?;
    match cli.command {
        Command::Up => up(&db, &cli.database_url).await?,
        Command::Down { n_steps } => Migrator::down(&db, Some(n_steps)).await?,
        Command::Fresh => Migrator::fresh(&db).await?,
        Command::Status | Command::Entities { .. } => {}
    }
    print_status(&db).await?;
    Ok(ExitCode::SUCCESS)
}

/// The causes of `error`, without those that the one before has already quoted.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.replace('\n', "; ")
}

/// Opens one connection: settings that a step makes on it must reach the next statement.
async fn connect(url: &str) -> Result<DatabaseConnection> {
    create_parent_directory(url)?;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .sqlx_logging(false);
    Database::connect(options)
        .await
        .context("cannot open the database")
}

/// SQLite creates the file of a `mode=rwc` URL, but not its directory.
fn create_parent_directory(url: &str) -> Result<()> {
    let Some((path, "mode=rwc")) = url
        .strip_prefix("sqlite://")
        .and_then(|rest| rest.split_once('?'))
    else {
        return Ok(());
    };
    match Path::new(path).parent() {
        Some(parent) => std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display())),
        None => Ok(()),
    }
}

async fn up(db: &DatabaseConnection, url: &str) -> Result<()> {
    let lock = connect(url).await?;
    sohbet_migration::migrate(db, Some(&lock)).await?;
    Ok(())
}

async fn print_status(db: &DatabaseConnection) -> Result<()> {
    for step in Migrator::get_migration_with_status_read_only(db).await? {
        println!("{:8} {}", step.status().to_string(), step.name());
    }
    Ok(())
}

async fn entities(check: bool) -> Result<ExitCode> {
    let generated = generator::from_steps().await?;
    let directory = generator::directory();
    let diff = generator::diff(&generator::read(&directory)?, &generated);
    if diff.is_empty() {
        println!("entity/src/generated is up to date");
    } else if check {
        print!("{diff}");
        eprintln!("error: entity/src/generated is out of date: run `make entities`");
        return Ok(ExitCode::FAILURE);
    } else {
        generator::write(&directory, &generated)?;
        println!("entity/src/generated: wrote {} files", generated.len());
    }
    Ok(ExitCode::SUCCESS)
}
