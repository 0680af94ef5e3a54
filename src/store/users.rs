//! People: rows appear by themselves when somebody is mentioned for the first time.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use sohbet_entity::ids::{PartyId, UserId};

use super::rows::Bulk;
use super::{Fault, Store, UserRow, now, statement};

impl Store {
    /// The user's row, if there is one.
    pub async fn find_user(&self, id: &UserId) -> Result<Option<UserRow>, Fault> {
        let sql = r#"SELECT * FROM "user" WHERE id = $1"#;
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row
            .map(|row| UserRow::from_query_result(&row, ""))
            .transpose()?)
    }

    /// The rows of users, as far as they have one; in any order.
    pub async fn find_users(&self, ids: &[&UserId]) -> Result<Vec<UserRow>, Fault> {
        let rows = FIND_USERS
            .query(&self.read, ids, |id, values| {
                values.push(id.as_str().into())
            })
            .await?;
        let rows = rows.iter().map(|row| UserRow::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes a row for a user who has none, and keeps the display name current.
    pub async fn save_user(&self, id: &UserId, name: Option<&str>) -> Result<UserRow, Fault> {
        let txn = self.begin().await?;
        ensure_users(&txn, &[id]).await?;
        if name.is_some() {
            let sql = r#"UPDATE "user" SET display_name = $1, updated_at = $2 WHERE id = $3"#;
            let values = [name.into(), now().into(), id.as_str().into()];
            txn.execute_raw(statement(&txn, sql, values)).await?;
        }
        let sql = r#"SELECT * FROM "user" WHERE id = $1"#;
        let row = txn
            .query_one_raw(statement(&txn, sql, [id.as_str().into()]))
            .await?
            .ok_or(Fault::Other)?;
        txn.commit().await?;
        Ok(UserRow::from_query_result(&row, "")?)
    }

    /// Writes down when users were last seen.
    pub async fn save_last_seen(&self, users: &[UserId], at: DateTime<Utc>) -> Result<(), Fault> {
        let txn = self.begin().await?;
        SAVE_LAST_SEEN
            .execute(&txn, users, |user, values| {
                values.extend([user.as_str().into(), at.into()]);
            })
            .await?;
        Ok(txn.commit().await?)
    }
}

static FIND_USERS: Bulk = Bulk::new(
    r#"SELECT * FROM "user" WHERE id IN (SELECT column1 FROM (VALUES"#,
    1,
    ") AS v)",
);

static SAVE_LAST_SEEN: Bulk = Bulk::new(
    r#"UPDATE "user" SET last_seen_at = v.column2 FROM (VALUES"#,
    2,
    r#") AS v WHERE "user".id = v.column1"#,
);

/// Makes rows for users who have none. An id that names a gallery as a party is nobody's: whoever had
/// it would be that gallery in its rooms.
pub async fn ensure_users(db: &impl ConnectionTrait, ids: &[&UserId]) -> Result<(), Fault> {
    if ids.iter().any(|id| PartyId::from(*id).gallery().is_some()) {
        return Err(Fault::Row);
    }
    let at = now();
    // In one order everywhere: two transactions that add the same users would else wait for each
    // other.
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ENSURE_USERS
        .execute(db, &ids, |id, values| {
            values.extend([
                id.as_str().into(),
                "MEMBER".into(),
                false.into(),
                at.into(),
                at.into(),
            ]);
        })
        .await?;
    Ok(())
}

static ENSURE_USERS: Bulk = Bulk::new(
    r#"INSERT INTO "user" (id, role, disabled, created_at, updated_at) VALUES"#,
    5,
    "ON CONFLICT DO NOTHING",
);
