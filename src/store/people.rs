//! People who are registered: a name of their own, a role, and the list of all.

use sea_orm::{ActiveEnum, ConnectionTrait, DatabaseTransaction, FromQueryResult};
use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::{ConversationId, UserId};

use super::{
    Fault, NumberedChange, Store, UserChange, UserRow, now, statement, user_changes, users,
};

impl Store {
    /// Makes a user with that name; `None` when the name is taken.
    pub async fn create_user(&self, id: &UserId, username: &str) -> Result<Option<UserRow>, Fault> {
        let txn = self.begin().await?;
        let sql = r#"INSERT INTO "user" (id, username, role, disabled, created_at, updated_at)
                     VALUES ($1, $2, 'MEMBER', $3, $4, $4) ON CONFLICT DO NOTHING"#;
        let values = [
            id.as_str().into(),
            username.into(),
            false.into(),
            now().into(),
        ];
        let inserted = txn.execute_raw(statement(&txn, sql, values)).await?;
        if inserted.rows_affected() == 0 {
            txn.rollback().await?;
            return Ok(None);
        }
        let row = find(&txn, id).await?;
        txn.commit().await?;
        Ok(Some(row))
    }

    /// Makes a row for a user who has none, and keeps the role current if one is given. Who has no
    /// name yet gets this one: as a username, or, when that is taken, as a name to show. Returns the
    /// change, if the role is another one now.
    pub async fn register_user(
        &self,
        id: &UserId,
        name: &str,
        role: Option<UserRole>,
    ) -> Result<Option<NumberedChange>, Fault> {
        let txn = self.begin().await?;
        users::ensure_users(&txn, &[id]).await?;
        let at = now();
        let sql = r#"UPDATE "user" SET username = $1, updated_at = $2
                     WHERE id = $3 AND username IS NULL AND display_name IS NULL
                     AND NOT EXISTS (SELECT 1 FROM "user" AS o WHERE o.username = $1)"#;
        let values = [name.into(), at.into(), id.as_str().into()];
        txn.execute_raw(statement(&txn, sql, values)).await?;
        let sql = r#"UPDATE "user" SET display_name = $1, updated_at = $2
                     WHERE id = $3 AND username IS NULL AND display_name IS NULL"#;
        let values = [name.into(), at.into(), id.as_str().into()];
        txn.execute_raw(statement(&txn, sql, values)).await?;
        let mut changed = None;
        if let Some(role) = role {
            let sql = r#"UPDATE "user" SET role = $1, updated_at = $2
                         WHERE id = $3 AND role <> $1"#;
            let values = [role.to_value().into(), at.into(), id.as_str().into()];
            let touched = txn.execute_raw(statement(&txn, sql, values)).await?;
            if touched.rows_affected() > 0 {
                changed = Some(user_changes::note(&txn, id, UserChange::Role).await?);
            }
        }
        txn.commit().await?;
        Ok(changed)
    }

    /// The newest users who have a name, oldest first.
    pub async fn list_users(&self, limit: u32) -> Result<Vec<UserRow>, Fault> {
        let sql = r#"SELECT * FROM "user"
                     WHERE NOT disabled AND (username IS NOT NULL OR display_name IS NOT NULL)
                     ORDER BY created_at DESC, id DESC LIMIT $1"#;
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, [i64::from(limit).into()]))
            .await?;
        let rows = rows.iter().rev();
        let rows = rows.map(|row| UserRow::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The users who take part in a room, in order of joining.
    pub async fn list_members(
        &self,
        room: &ConversationId,
        limit: u32,
    ) -> Result<Vec<UserRow>, Fault> {
        let sql = r#"SELECT u.* FROM participant AS p JOIN "user" AS u ON u.id = p.party
                     WHERE p.conversation_id = $1 AND p.left_at IS NULL
                     ORDER BY p.created_at, p.party LIMIT $2"#;
        let values = [room.as_str().into(), i64::from(limit).into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let rows = rows.iter().map(|row| UserRow::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

async fn find(txn: &DatabaseTransaction, id: &UserId) -> Result<UserRow, Fault> {
    let sql = r#"SELECT * FROM "user" WHERE id = $1"#;
    let row = txn
        .query_one_raw(statement(txn, sql, [id.as_str().into()]))
        .await?
        .ok_or(Fault::Other)?;
    Ok(UserRow::from_query_result(&row, "")?)
}
