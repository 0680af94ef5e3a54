//! Logins of the host application: the `"Session"` table that Prisma front ends bring along in the
//! same database (contract/messaging.md, section 8). Sohbet reads it and never writes it.

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use sohbet_entity::ids::UserId;

use super::{Fault, Store, statement};

impl Store {
    /// The user of a login session that has not expired.
    pub async fn find_login(&self, token: &str) -> Result<Option<UserId>, Fault> {
        if !self.has_logins {
            return Ok(None);
        }
        let sql = r#"SELECT CAST("userId" AS text), CAST("expiresAt" AS text)
                     FROM "Session" WHERE "sessionToken" = $1"#;
        let Some(row) = self
            .read
            .query_one_raw(statement(&self.read, sql, [token.into()]))
            .await?
        else {
            return Ok(None);
        };
        let (user, expires_at): (String, String) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let is_valid = parse_time(&expires_at).is_some_and(|at| at > Utc::now().naive_utc());
        Ok(is_valid.then(|| UserId::from(user)))
    }
}

/// A time as PostgreSQL writes it, or as Prisma keeps it in SQLite: milliseconds, or a text.
fn parse_time(text: &str) -> Option<NaiveDateTime> {
    if let Ok(millis) = text.parse::<i64>() {
        return DateTime::from_timestamp_millis(millis).map(|at| at.naive_utc());
    }
    let with_zone = DateTime::parse_from_rfc3339(text).map(|at| at.naive_utc());
    with_zone
        .or_else(|_| text.parse())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
        .ok()
}

/// Whether the host application's table is in this database.
pub async fn table_exists(db: &DatabaseConnection) -> bool {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'Session'"
        }
        _ => r#"SELECT 1 WHERE to_regclass('"Session"') IS NOT NULL"#,
    };
    matches!(db.query_one_raw(statement(db, sql, [])).await, Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_databases_write_them() {
        let expected = DateTime::from_timestamp(1_795_251_903, 120_000_000).unwrap();
        for text in [
            "1795251903120",
            "2026-11-21 09:05:03.12",
            "2026-11-21T09:05:03.120",
            "2026-11-21T09:05:03.120Z",
            "2026-11-21T09:05:03.120+00:00",
        ] {
            assert_eq!(parse_time(text), Some(expected.naive_utc()), "{text}");
        }
        assert_eq!(parse_time("soon"), None);
    }
}
