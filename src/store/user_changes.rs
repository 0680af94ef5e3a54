//! Changes of users that live sockets depend on. They are numbered, and the last ones stay written down, so
//! that each node finds out about whom it has to think anew.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sohbet_entity::ids::{GalleryId, UserId};

use super::{Fault, Store, json_list, statement};

/// Key of the number of changes so far.
const COUNTER: &str = "account_changes";
/// How the keys of those begin that are written down.
const START: &str = "user_change_";
/// Changes that are written down. A node that has missed more looks at everybody.
const KEPT: i64 = 1_000;

/// What was changed about a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserChange {
    /// Which logins are accepted.
    Login,
    /// The gallery that they belong to.
    Gallery {
        /// The one before.
        old: Option<GalleryId>,
        /// The one from now on.
        new: Option<GalleryId>,
    },
    /// What they may do on the whole server.
    Role,
}

/// A change of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedChange {
    /// Its number: they are committed in this order, and none is left out.
    pub number: i64,
    /// Who was changed.
    pub user: UserId,
    /// What.
    pub change: UserChange,
}

#[derive(Serialize, Deserialize)]
struct Written {
    user: UserId,
    change: UserChange,
}

impl Store {
    /// How often anybody has been changed.
    pub async fn count_user_changes(&self) -> Result<i64, Fault> {
        let sql = "SELECT number FROM server_meta WHERE key = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [COUNTER.into()]))
            .await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
    }

    /// The changes after that number up to `last`, in order; `None` when not all of them are known: there
    /// were too many, or a server of another version made some.
    pub async fn list_user_changes(
        &self,
        after: i64,
        last: i64,
    ) -> Result<Option<Vec<NumberedChange>>, Fault> {
        if !(0..=KEPT).contains(&(last - after)) {
            return Ok(None);
        }
        let keys: Vec<String> = (after + 1..=last).map(key).collect();
        let list = json_list(&self.read);
        let sql = format!(
            "SELECT m.number, m.text FROM {list} JOIN server_meta AS m ON m.key = v.value \
             WHERE m.number > $2 AND m.number <= $3 ORDER BY m.number"
        );
        let values = [json!(keys).to_string().into(), after.into(), last.into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            let (number, text): (i64, String) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if let Ok(Written { user, change }) = serde_json::from_str(&text) {
                changes.push(NumberedChange {
                    number,
                    user,
                    change,
                });
            }
        }
        Ok((changes.len() == keys.len()).then_some(changes))
    }
}

/// Numbers a change of the same transaction and writes it down. Until the transaction ends nobody else gets
/// a number, so this comes last.
pub async fn note(
    txn: &DatabaseTransaction,
    user: &UserId,
    change: UserChange,
) -> Result<NumberedChange, Fault> {
    let sql = "INSERT INTO server_meta (key, text, number) VALUES ($1, NULL, 1) \
               ON CONFLICT (key) DO UPDATE SET number = server_meta.number + 1 RETURNING number";
    let row = txn
        .query_one_raw(statement(txn, sql, [COUNTER.into()]))
        .await?
        .ok_or(Fault::Other)?;
    let number: i64 = row.try_get_by_index(0)?;
    let written = Written {
        user: user.clone(),
        change,
    };
    let text = serde_json::to_string(&written).map_err(|_| Fault::Other)?;
    let sql = "INSERT INTO server_meta (key, text, number) VALUES ($1, $2, $3) \
               ON CONFLICT (key) DO UPDATE SET text = excluded.text, number = excluded.number";
    let values = [key(number).into(), text.into(), number.into()];
    txn.execute_raw(statement(txn, sql, values)).await?;
    let Written { user, change } = written;
    Ok(NumberedChange {
        number,
        user,
        change,
    })
}

/// Under which a change is written down, in the place of a much older one.
fn key(number: i64) -> String {
    format!("{START}{}", number.rem_euclid(KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests_support::open_sqlite;
    use crate::store::{AccountChange, Proof};

    #[tokio::test]
    async fn changes_are_listed_in_order_unless_some_are_unknown() {
        let (_folder, store) = open_sqlite().await;
        assert_eq!(store.count_user_changes().await, Ok(0));
        let users = [UserId::from("7"), UserId::from("8"), UserId::from("7")];
        for user in &users {
            store
                .change_account(user, AccountChange::Disable, &Proof::Nothing)
                .await
                .unwrap();
        }
        assert_eq!(store.count_user_changes().await, Ok(3));
        let listed = async |after, last| {
            let listed = store.list_user_changes(after, last).await.unwrap();
            listed.map(|them| them.into_iter().map(|it| it.user).collect::<Vec<_>>())
        };
        assert_eq!(listed(0, 3).await.as_deref(), Some(&users[..]));
        assert_eq!(listed(1, 2).await.as_deref(), Some(&users[1..2]));
        assert_eq!(listed(2, 4).await, None, "nobody wrote the last one down");
        assert_eq!(listed(3, 2).await, None, "the numbers began anew");
        assert_eq!(listed(0, KEPT + 1).await, None, "there were too many");
    }
}
