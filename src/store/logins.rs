//! Logins of the host application: the `"Session"` table that Prisma front ends bring along in the
//! same database (contract/messaging.md, section 8). Sohbet reads it and never writes it.

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::json;
use sohbet_entity::ids::UserId;

use super::{Fault, Store, json_list, statement};

/// Sessions that are looked up in one statement.
const MAX_LOOKED_UP: usize = 500;

/// A login session of the host application that has not expired. Its token proves a login, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// What its cookie holds.
    pub token: String,
    /// Who is logged in.
    pub user: UserId,
    /// When it ends, unless the host application moves that on.
    pub expires_at: DateTime<Utc>,
}

impl Store {
    /// Whether there are such logins at all.
    pub const fn has_logins(&self) -> bool {
        self.has_logins
    }

    /// Those of these login sessions that are there and have not expired.
    pub async fn find_logins(&self, tokens: &[&str]) -> Result<Vec<LoginRow>, Fault> {
        let mut found = Vec::new();
        if !self.has_logins {
            return Ok(found);
        }
        let now = Utc::now();
        for part in tokens.chunks(MAX_LOOKED_UP) {
            let list = json_list(&self.read);
            let sql = format!(
                r#"SELECT s."sessionToken", CAST(s."userId" AS text), CAST(s."expiresAt" AS text)
                   FROM {list} JOIN "Session" AS s ON s."sessionToken" = v.value"#
            );
            let tokens = json!(part).to_string();
            let sessions = statement(&self.read, sql, [tokens.into()]);
            for row in self.read.query_all_raw(sessions).await? {
                let expires_at: String = row.try_get_by_index(2)?;
                let Some(expires_at) = parse_time(&expires_at).filter(|at| *at > now) else {
                    continue;
                };
                let user: String = row.try_get_by_index(1)?;
                found.push(LoginRow {
                    token: row.try_get_by_index(0)?,
                    user: user.into(),
                    expires_at,
                });
            }
        }
        Ok(found)
    }
}

/// A time as PostgreSQL writes it, or as Prisma keeps it in SQLite: milliseconds, or a text.
fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(millis) = text.parse::<i64>() {
        return DateTime::from_timestamp_millis(millis);
    }
    let with_zone = DateTime::parse_from_rfc3339(text).map(|at| at.naive_utc());
    let time = with_zone
        .or_else(|_| text.parse())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"));
    time.ok().map(|time| time.and_utc())
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
            assert_eq!(parse_time(text), Some(expected), "{text}");
        }
        assert_eq!(parse_time("soon"), None);
    }
}
