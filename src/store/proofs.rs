//! What somebody acts by, asked for once more in the transaction that does what lasts: what a node knows of logins
//! and tokens may be a second old.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;
use sohbet_entity::ids::UserId;

use super::accounts::restricted;
use super::api_tokens::{KnownToken, ended};
use super::{Fault, is_shared, json_list, statement};

/// What somebody acts by, as far as it can be called back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: an operator with the database, or who is believed anyway.
    Nothing,
    /// A login.
    Login {
        /// The ids under which its user can be one.
        users: Vec<UserId>,
        /// When it was made, as far as it says.
        issued_at: Option<DateTime<Utc>>,
    },
    /// An API token.
    Token(KnownToken),
}

impl Proof {
    /// Refuses what was called back with [`Fault::Recalled`]. Until the transaction ends, neither whoever acts
    /// nor `changed` can be changed by another one.
    pub(super) async fn check(
        &self,
        txn: &DatabaseTransaction,
        changed: Option<&UserId>,
    ) -> Result<(), Fault> {
        self.lock(txn, changed).await?;
        let holds = match self {
            Self::Nothing => true,
            Self::Login { users, issued_at } => {
                let users: Vec<&UserId> = users.iter().collect();
                let accounts = restricted(txn, &users).await?;
                accounts.iter().all(|account| account.admits(*issued_at))
            }
            Self::Token(token) => ended(txn, std::slice::from_ref(token)).await?.is_empty(),
        };
        match holds {
            true => Ok(()),
            false => Err(Fault::Recalled),
        }
    }

    /// Takes the rows of users in one order everywhere, so that no two transactions wait for each other. A
    /// transaction of SQLite holds the lock of the whole file.
    async fn lock(&self, txn: &DatabaseTransaction, changed: Option<&UserId>) -> Result<(), Fault> {
        if !is_shared(txn) {
            return Ok(());
        }
        let (users, token) = match self {
            Self::Nothing => (&[][..], None),
            Self::Login { users, .. } => (users.as_slice(), None),
            Self::Token(token) => (&[][..], Some(token.id.as_str())),
        };
        let users: Vec<&UserId> = users.iter().chain(changed).collect();
        let list = json_list(txn);
        let sql = format!(
            r#"SELECT u.id FROM (SELECT v.value FROM {list}
                                 UNION SELECT user_id FROM api_token WHERE id = $2) AS o (id)
               JOIN "user" AS u ON u.id = o.id ORDER BY u.id FOR NO KEY UPDATE OF u"#
        );
        let values = [json!(users).to_string().into(), token.into()];
        txn.query_all_raw(statement(txn, sql, values)).await?;
        Ok(())
    }
}
