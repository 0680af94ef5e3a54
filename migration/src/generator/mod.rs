//! Writes the entities of `entity/src/generated` from a migrated schema.
//!
//! SQLite and PostgreSQL give the same bytes, so that the committed files fit both.

mod files;
mod overrides;
mod postgres;
mod relations;
mod sqlite;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sea_orm_codegen::{
    BannerVersion, BigIntegerType, DateTimeCrate, EntityFormat, EntityTransformer,
    EntityWriterContext, WithPrelude, WithSerde,
};
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend};
use sea_orm_migration::sea_query::TableCreateStatement;

use crate::Migrator;

pub use files::{diff, directory, read, write};

/// File name to content.
pub type Files = BTreeMap<String, String>;

/// The tables that get an entity. Others, such as the shadow tables of a search index, do not.
const TABLES: &[&str] = &[
    "api_token",
    "conversation",
    "gallery",
    "message",
    "offer",
    "participant",
    "reaction",
    "room",
    "server_meta",
    "upload",
    "upload_use",
    "user",
    "vehicle",
];

/// The entities that the steps of this version give, by way of a temporary SQLite file.
///
/// # Errors
///
/// Fails when a step fails, or when the schema and the lists of this module do not fit together.
pub async fn from_steps() -> Result<Files> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("schema.db");
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    let files = from_database(&db).await?;
    db.close().await?;
    Ok(files)
}

/// The entities of a migrated database.
///
/// # Errors
///
/// Fails when the schema and the lists of this module do not fit together.
pub async fn from_database(db: &DatabaseConnection) -> Result<Files> {
    let tables = match db.get_database_backend() {
        DbBackend::Postgres => postgres::tables(db).await?,
        _ => sqlite::tables(db).await?,
    };
    generate(tables)
}

fn generate(tables: Vec<TableCreateStatement>) -> Result<Files> {
    let output = EntityTransformer::transform(tables)?.generate(&writer_context());
    let mut files = Files::new();
    for file in output.files {
        let mut parsed = syn::parse_file(&file.content)
            .with_context(|| format!("the generator wrote an invalid {}", file.name))?;
        let table = file.name.trim_end_matches(".rs");
        overrides::apply(table, &mut parsed)?;
        files.insert(file.name, prettyplease::unparse(&parsed));
    }
    Ok(files)
}

fn writer_context() -> EntityWriterContext {
    let (copy_enums, library, skip_key, skip_hidden) = (true, false, false, false);
    let (seaography, active_model_behavior) = (false, false);
    EntityWriterContext::new(
        EntityFormat::Dense,
        WithPrelude::All,
        WithSerde::None,
        copy_enums,
        DateTimeCrate::Chrono,
        BigIntegerType::I64,
        None,
        library,
        skip_key,
        skip_hidden,
        vec![],
        vec![],
        vec![],
        vec![],
        vec![],
        seaography,
        active_model_behavior,
        BannerVersion::Major,
    )
}

/// Keeps the tables that get an entity, by name.
fn keep_listed<T>(tables: &mut Vec<T>, name: impl Fn(&T) -> &str) -> Result<()> {
    tables.retain(|table| TABLES.contains(&name(table)));
    tables.sort_by(|a, b| name(a).cmp(name(b)));
    for listed in TABLES {
        if !tables.iter().any(|table| name(table) == *listed) {
            anyhow::bail!("the schema has no table `{listed}`");
        }
    }
    Ok(())
}
