//! Statements over many rows at once.
//!
//! A statement for `n` rows needs a text with `n` rows of placeholders. To keep the number of
//! texts small (each is prepared once per connection), rows are cut into runs of a few lengths.

use std::sync::OnceLock;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};

use super::{Fault, statement};

/// Lengths of a run, longest first. Any batch needs few runs, and a small one needs a single one: each is a
/// way to the database and back.
const RUN_LENGTHS: [usize; 13] = [64, 32, 24, 16, 12, 8, 7, 6, 5, 4, 3, 2, 1];

/// A statement around a list of rows: `before (..), (..) after`.
pub struct Bulk {
    before: &'static str,
    after: &'static str,
    n_columns: usize,
    /// With bare `?`, for SQLite.
    bare: Texts,
    /// With `$1`, for PostgreSQL.
    numbered: Texts,
}

type Texts = [OnceLock<String>; RUN_LENGTHS.len()];

impl Bulk {
    pub const fn new(before: &'static str, n_columns: usize, after: &'static str) -> Self {
        Self {
            before,
            after,
            n_columns,
            bare: [const { OnceLock::new() }; RUN_LENGTHS.len()],
            numbered: [const { OnceLock::new() }; RUN_LENGTHS.len()],
        }
    }

    /// Runs the statement for all rows and returns how many rows it touched. `bind` pushes the
    /// values of one row.
    pub async fn execute<T>(
        &self,
        db: &impl ConnectionTrait,
        rows: &[T],
        bind: impl Fn(&T, &mut Vec<Value>),
    ) -> Result<u64, Fault> {
        let mut n_touched = 0;
        for (run, text) in self.runs(db.get_database_backend(), rows) {
            let values = self.values(run, &bind);
            n_touched += db
                .execute_raw(statement(db, text, values))
                .await?
                .rows_affected();
        }
        Ok(n_touched)
    }

    /// Runs the statement for all rows and returns what it answers.
    pub async fn query<T>(
        &self,
        db: &impl ConnectionTrait,
        rows: &[T],
        bind: impl Fn(&T, &mut Vec<Value>),
    ) -> Result<Vec<QueryResult>, Fault> {
        let mut answers = Vec::new();
        for (run, text) in self.runs(db.get_database_backend(), rows) {
            let values = self.values(run, &bind);
            answers.extend(db.query_all_raw(statement(db, text, values)).await?);
        }
        Ok(answers)
    }

    fn values<T>(&self, run: &[T], bind: impl Fn(&T, &mut Vec<Value>)) -> Vec<Value> {
        let mut values = Vec::with_capacity(run.len() * self.n_columns);
        for row in run {
            bind(row, &mut values);
        }
        debug_assert_eq!(values.len(), run.len() * self.n_columns);
        values
    }

    fn runs<'a, T>(
        &'a self,
        backend: DbBackend,
        mut rows: &'a [T],
    ) -> impl Iterator<Item = (&'a [T], &'a str)> {
        std::iter::from_fn(move || {
            let index = RUN_LENGTHS
                .iter()
                .position(|length| *length <= rows.len())?;
            let (run, rest) = rows.split_at(RUN_LENGTHS[index]);
            rows = rest;
            Some((run, self.text(backend, index)))
        })
    }

    fn text(&self, backend: DbBackend, index: usize) -> &str {
        let is_bare = backend == DbBackend::Sqlite;
        let texts = if is_bare { &self.bare } else { &self.numbered };
        texts[index].get_or_init(|| {
            let rows = placeholders(RUN_LENGTHS[index], self.n_columns, is_bare);
            format!("{} {rows} {}", self.before, self.after)
        })
    }
}

/// `($1,$2),($3,$4)` for two rows of two columns. To SQLite `$1` is a name, and the driver looks
/// every name up in a list: with a thousand of them that costs more than the insert. `?` has none.
fn placeholders(n_rows: usize, n_columns: usize, is_bare: bool) -> String {
    let column = |number: usize| match is_bare {
        true => "?".to_owned(),
        false => format!("${number}"),
    };
    let row = |row: usize| {
        let columns = (1..=n_columns).map(|number| column(row * n_columns + number));
        format!("({})", columns.collect::<Vec<_>>().join(","))
    };
    (0..n_rows).map(row).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on_over_the_rows() {
        assert_eq!(placeholders(2, 2, false), "($1,$2),($3,$4)");
        assert_eq!(placeholders(2, 2, true), "(?,?),(?,?)");
    }

    #[test]
    fn runs_cover_all_rows_in_order() {
        let bulk = Bulk::new("VALUES", 1, "");
        let rows: Vec<usize> = (0..107).collect();
        let lengths: Vec<usize> = bulk
            .runs(DbBackend::Sqlite, &rows)
            .map(|(run, _)| run.len())
            .collect();
        assert_eq!(lengths, [64, 32, 8, 3]);
        let seen: Vec<usize> = bulk
            .runs(DbBackend::Sqlite, &rows)
            .flat_map(|(run, _)| run.to_vec())
            .collect();
        assert_eq!(seen, rows);
    }
}
