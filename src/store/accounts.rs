//! Users who are shut out, or whose logins were called back.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::json;
use sohbet_entity::ids::UserId;

use super::users::ensure_users;
use super::{Fault, Proof, Store, UserChange, UserRow, json_list, now, statement, user_changes};

/// Users that one statement looks at.
const MAX_CHECKED: usize = 10_000;

/// What the row of a user says about their logins.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Account {
    /// The user.
    pub id: UserId,
    /// Whether nothing of theirs is accepted.
    pub disabled: bool,
    /// Logins made before are not accepted.
    pub tokens_valid_after: Option<DateTime<Utc>>,
}

impl Account {
    /// Whether a login of that time is accepted. One that does not say its time cannot show that it
    /// is a new one.
    pub fn admits(&self, issued_at: Option<DateTime<Utc>>) -> bool {
        let is_recalled = self
            .tokens_valid_after
            .is_some_and(|valid_after| issued_at.is_none_or(|issued_at| issued_at < valid_after));
        !self.disabled && !is_recalled
    }
}

/// A change of somebody's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    /// Nothing of theirs is accepted from now on.
    Disable,
    /// They may log in again.
    Enable,
    /// All logins so far are over.
    SignOut,
}

impl Store {
    /// The accounts of those users among `ids` who are shut out or whose logins were called back.
    pub async fn find_restricted(&self, ids: &[&UserId]) -> Result<Vec<Account>, Fault> {
        restricted(&self.read, ids).await
    }

    /// Changes the account of a user, who exists from then on, for somebody who acts by that.
    pub async fn change_account(
        &self,
        user: &UserId,
        change: AccountChange,
        by: &Proof,
    ) -> Result<UserRow, Fault> {
        let txn = self.begin().await?;
        ensure_users(&txn, &[user]).await?;
        // Before the time is taken: what is made until then is called back with the rest.
        by.check(&txn, Some(user)).await?;
        let (column, value): (_, sea_orm::Value) = match change {
            AccountChange::Disable => ("disabled", true.into()),
            AccountChange::Enable => ("disabled", false.into()),
            AccountChange::SignOut => ("tokens_valid_after", now().into()),
        };
        let sql = format!(
            r#"UPDATE "user" SET {column} = $1, updated_at = $2 WHERE id = $3 RETURNING *"#
        );
        let values = [value, now().into(), user.as_str().into()];
        let row = txn
            .query_one_raw(statement(&txn, sql, values))
            .await?
            .ok_or(Fault::Other)?;
        user_changes::note(&txn, user, UserChange::Login).await?;
        txn.commit().await?;
        Ok(UserRow::from_query_result(&row, "")?)
    }
}

/// See [`Store::find_restricted`].
pub async fn restricted(db: &impl ConnectionTrait, ids: &[&UserId]) -> Result<Vec<Account>, Fault> {
    let mut found = Vec::new();
    for part in ids.chunks(MAX_CHECKED) {
        let list = json_list(db);
        let sql = format!(
            r#"SELECT u.id, u.disabled, u.tokens_valid_after
               FROM {list} JOIN "user" AS u ON u.id = v.value
               WHERE u.disabled OR u.tokens_valid_after IS NOT NULL"#
        );
        let ids = json!(part).to_string();
        let rows = db.query_all_raw(statement(db, sql, [ids.into()])).await?;
        for row in rows {
            found.push(Account::from_query_result(&row, "")?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_counts_unless_it_is_older_than_the_last_sign_out() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let account = |disabled, tokens_valid_after| Account {
            id: UserId::from("7"),
            disabled,
            tokens_valid_after,
        };
        assert!(account(false, None).admits(None));
        assert!(!account(true, None).admits(at(9)));
        assert!(account(false, at(5)).admits(at(5)));
        assert!(!account(false, at(5)).admits(at(4)));
        assert!(!account(false, at(5)).admits(None));
    }
}
