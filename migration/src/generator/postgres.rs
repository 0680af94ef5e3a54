//! The tables of a PostgreSQL database, as the code generator wants them.

use anyhow::Result;
use sea_orm_migration::sea_orm::DatabaseConnection;
use sea_orm_migration::sea_query::TableCreateStatement;
use sea_schema::postgres::discovery::SchemaDiscovery;

use super::{keep_listed, relations};

const SCHEMA: &str = "public";

/// Reads the listed tables of `db`.
pub async fn tables(db: &DatabaseConnection) -> Result<Vec<TableCreateStatement>> {
    let pool = db.get_postgres_connection_pool().clone();
    let mut schema = SchemaDiscovery::new(pool, SCHEMA).discover().await?;
    keep_listed(&mut schema.tables, |table| &table.info.name)?;
    for table in &mut schema.tables {
        table.columns.retain(|column| column.generated.is_none());
        // As on SQLite: wider and partial ones mislead the generator.
        table
            .unique_constraints
            .retain(|unique| !unique.is_partial && unique.columns.len() == 1);
        relations::keep_unambiguous(
            &mut table.reference_constraints,
            &table.info.name,
            |key| &key.table,
            |key| &key.columns,
        );
    }
    Ok(schema.tables.iter().map(|table| table.write()).collect())
}
