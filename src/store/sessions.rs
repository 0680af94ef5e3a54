//! Logins of the host application: the `"Session"` table that Prisma front ends bring along in the
//! same database (contract/messaging.md, section 8). Sohbet reads it and never writes it.

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use sohbet_entity::ids::UserId;

use super::{Fault, Store, statement};

impl Store {
    /// The user of a login session that has not expired.
    pub async fn find_login(&self, token: &str) -> Result<Option<UserId>, Fault> {
        if !self.has_sessions {
            return Ok(None);
        }
        let sql = r#"SELECT CAST("userId" AS text), "expiresAt" FROM "Session" WHERE "sessionToken" = $1"#;
        let Some(row) = self
            .read
            .query_one_raw(statement(&self.read, sql, [token.into()]))
            .await?
        else {
            return Ok(None);
        };
        let user: String = row.try_get_by_index(0)?;
        let expires_at: NaiveDateTime = match row.try_get_by_index::<DateTime<Utc>>(1) {
            Ok(with_zone) => with_zone.naive_utc(),
            Err(_) => row.try_get_by_index(1)?,
        };
        Ok((expires_at > Utc::now().naive_utc()).then(|| UserId::from(user)))
    }
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
