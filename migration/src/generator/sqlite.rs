//! The tables of an SQLite database, as the code generator wants them.

use anyhow::Result;
use sea_orm_migration::sea_orm::DatabaseConnection;
use sea_orm_migration::sea_query::TableCreateStatement;
use sea_schema::sqlite::def::{ColumnVisibility, Schema};
use sea_schema::sqlite::discovery::SchemaDiscovery;

use super::{keep_listed, relations};

/// Reads the listed tables of `db`.
pub async fn tables(db: &DatabaseConnection) -> Result<Vec<TableCreateStatement>> {
    let pool = db.get_sqlite_connection_pool().clone();
    let mut schema = plain_uniques(SchemaDiscovery::new(pool).discover().await?);
    keep_listed(&mut schema.tables, |table| &table.name)?;
    for table in &mut schema.tables {
        table.columns.retain(|column| {
            !matches!(
                column.hidden,
                ColumnVisibility::GeneratedVirtual | ColumnVisibility::GeneratedStored
            )
        });
        relations::keep_unambiguous(
            &mut table.foreign_keys,
            &table.name,
            |key| &key.table,
            |key| &key.from,
        );
    }
    Ok(schema.tables.iter().map(|table| table.write()).collect())
}

/// Leaves only the unique indexes over one whole column: the generator makes lookups by half a key
/// from wider ones, and takes partial ones for total.
fn plain_uniques(mut schema: Schema) -> Schema {
    schema
        .indexes
        .retain(|index| index.unique && index.partial == 0 && index.columns.len() == 1);
    schema.merge_indexes_into_table()
}
