//! Column and key shapes that the steps share.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_len, string_len_null};

/// Longest id of any kind, in characters: ids of imported databases survive unchanged.
const ID_CHARS: u32 = 128;

/// An opaque id column.
pub fn id(name: &'static str) -> ColumnDef {
    string_len(name, ID_CHARS)
}

/// An opaque id column that may be empty.
pub fn id_null(name: &'static str) -> ColumnDef {
    string_len_null(name, ID_CHARS)
}

/// A party: a user id, or `gallery:` and a gallery id.
pub fn party(name: &'static str) -> ColumnDef {
    string_len(name, ID_CHARS + 8)
}

/// What happens to the rows that point at a row which goes away.
#[derive(Clone, Copy)]
pub enum OnDelete {
    Cascade,
    Restrict,
    SetNull,
}

/// A foreign key from `table.column` to `target.target_column`.
pub fn foreign_key(
    name: &'static str,
    (table, column): (&'static str, &'static str),
    (target, target_column): (&'static str, &'static str),
    on_delete: OnDelete,
) -> ForeignKeyCreateStatement {
    let action = match on_delete {
        OnDelete::Cascade => ForeignKeyAction::Cascade,
        OnDelete::Restrict => ForeignKeyAction::Restrict,
        OnDelete::SetNull => ForeignKeyAction::SetNull,
    };
    ForeignKey::create()
        .name(name)
        .from(table, column)
        .to(target, target_column)
        .on_update(ForeignKeyAction::NoAction)
        .on_delete(action)
        .to_owned()
}

/// An index over `columns`, in that order.
pub fn index(
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

/// A named `CHECK (column IN (...))`.
pub fn one_of(
    name: &'static str,
    column: &'static str,
    values: &'static [&'static str],
) -> (&'static str, SimpleExpr) {
    (name, Expr::col(column).is_in(values.iter().copied()))
}

/// Drops a table; its indexes go with it.
pub async fn drop_table(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(table).to_owned())
        .await
}
