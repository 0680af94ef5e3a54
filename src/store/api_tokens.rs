//! API tokens. The table has the hash of each, never its text.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde_json::json;
use sohbet_entity::api_token::Model as ApiTokenRow;
use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::{ApiTokenId, PartyId, UserId};

use super::rows::Bulk;
use super::{Fault, Proof, Store, is_shared, now, statement};

/// How far apart two writes of a token's last use are at least.
const USE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// Tokens that one statement checks.
const MAX_CHECKED: usize = 10_000;

/// A token with what the row of its owner says.
#[derive(Debug, Clone)]
pub struct OwnedToken {
    /// The token.
    pub token: ApiTokenRow,
    /// Its owner.
    pub owner: TokenOwner,
}

impl OwnedToken {
    /// Whether the token still opens anything.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        let token = &self.token;
        let is_over = token.expires_at.is_some_and(|end| end <= now);
        let is_recalled = is_recalled(token.created_at, self.owner.tokens_valid_after);
        !is_over && !is_recalled && token.revoked_at.is_none() && !self.owner.disabled
    }
}

/// The owner of a token.
#[derive(Debug, Clone, FromQueryResult)]
pub struct TokenOwner {
    /// Unique name.
    pub username: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// What they may do on the whole server.
    pub role: UserRole,
    /// The organisation that they act for.
    pub party: Option<PartyId>,
    /// Whether nothing of theirs is accepted.
    pub disabled: bool,
    /// Older tokens are not accepted.
    pub tokens_valid_after: Option<DateTime<Utc>>,
}

/// A token of a live socket, and what its owner was when it was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KnownToken {
    /// The token.
    pub id: ApiTokenId,
    /// Role and organisation of the owner, where they matter.
    pub owner: Option<(UserRole, Option<PartyId>)>,
}

impl KnownToken {
    /// A list of texts: the id; the role and the organisation, or nothing; the place in the list.
    fn to_json(&self, place: usize) -> serde_json::Value {
        let owner = self.owner.as_ref();
        let role = owner.map(|(role, _)| role.name());
        let party = owner.map(|(_, party)| party.as_ref().map_or("", PartyId::as_str));
        json!([self.id.as_str(), role, party, place.to_string()])
    }
}

/// Why a token is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEnd {
    /// It opens nothing any more.
    Over,
    /// Its owner has another role or acts for another organisation: it opens something else.
    OwnerChanged,
}

/// A part of the list of tokens, newest first: ids that the server makes ascend with time.
#[derive(Debug, Clone, Default)]
pub struct TokenFilter {
    /// Tokens of this user only.
    pub user: Option<UserId>,
    /// Tokens that come after this one in the list.
    pub after: Option<ApiTokenId>,
}

impl Store {
    /// Stores a new token for somebody who acts by that, unless its owner has `max_live` that are still
    /// valid; `false` then.
    pub async fn save_api_token(
        &self,
        row: &ApiTokenRow,
        max_live: i64,
        by: &Proof,
    ) -> Result<bool, Fault> {
        let txn = self.begin().await?;
        by.check(&txn, None).await?;
        let sql = "SELECT count(*) FROM api_token WHERE user_id = $1 \
                   AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
        let values = [row.user_id.as_str().into(), now().into()];
        let counted = txn.query_one_raw(statement(&txn, sql, values)).await?;
        let n_live: i64 = counted.ok_or(Fault::Other)?.try_get_by_index(0)?;
        if n_live >= max_live {
            txn.rollback().await?;
            return Ok(false);
        }
        let sql = "INSERT INTO api_token (id, user_id, name, token_type, token_hash, prefix, \
                   permissions, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = [
            row.id.as_str().into(),
            row.user_id.as_str().into(),
            row.name.as_str().into(),
            row.token_type.name().into(),
            row.token_hash.as_str().into(),
            row.prefix.as_str().into(),
            Value::Json(Some(Box::new(row.permissions.clone()))),
            row.created_at.into(),
            row.expires_at.into(),
        ];
        txn.execute_raw(statement(&txn, sql, values)).await?;
        txn.commit().await?;
        Ok(true)
    }

    /// The token with that hash.
    pub async fn find_token_by_hash(&self, hash: &str) -> Result<Option<OwnedToken>, Fault> {
        let sql = r#"SELECT t.*, u.username, u.display_name, u.role, u.party, u.disabled,
                            u.tokens_valid_after
                     FROM api_token AS t JOIN "user" AS u ON u.id = t.user_id
                     WHERE t.token_hash = $1"#;
        let found = self
            .read
            .query_one_raw(statement(&self.read, sql, [hash.into()]))
            .await?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(OwnedToken {
            token: ApiTokenRow::from_query_result(&row, "")?,
            owner: TokenOwner::from_query_result(&row, "")?,
        }))
    }

    /// The token with that id.
    pub async fn find_api_token(&self, id: &ApiTokenId) -> Result<Option<ApiTokenRow>, Fault> {
        let sql = "SELECT * FROM api_token WHERE id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row
            .map(|row| ApiTokenRow::from_query_result(&row, ""))
            .transpose()?)
    }

    /// At most `limit` tokens.
    pub async fn list_api_tokens(
        &self,
        filter: &TokenFilter,
        limit: u32,
    ) -> Result<Vec<ApiTokenRow>, Fault> {
        let mut values: Vec<Value> = vec![i64::from(limit).into()];
        let mut conditions = vec!["1 = 1".to_owned()];
        let named = [
            ("user_id =", filter.user.as_ref().map(UserId::as_str)),
            ("id <", filter.after.as_ref().map(ApiTokenId::as_str)),
        ];
        for (condition, value) in named {
            if let Some(value) = value {
                values.push(value.into());
                conditions.push(format!("{condition} ${}", values.len()));
            }
        }
        let conditions = conditions.join(" AND ");
        let sql = format!("SELECT * FROM api_token WHERE {conditions} ORDER BY id DESC LIMIT $1");
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let rows = rows
            .iter()
            .map(|row| ApiTokenRow::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ends a token; `false` when it has been ended before or does not exist.
    pub async fn revoke_api_token(&self, id: &ApiTokenId) -> Result<bool, Fault> {
        let txn = self.begin().await?;
        let sql = "UPDATE api_token SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
        let values = [now().into(), id.as_str().into()];
        let touched = txn.execute_raw(statement(&txn, sql, values)).await?;
        txn.commit().await?;
        Ok(touched.rows_affected() > 0)
    }

    /// Which of these tokens are not what they were: no longer accepted, for another reason than their
    /// age, or of an owner who is somebody else by now.
    pub async fn find_ended_tokens(
        &self,
        known: &[KnownToken],
    ) -> Result<Vec<(KnownToken, TokenEnd)>, Fault> {
        ended(&self.read, known).await
    }

    /// Writes down that tokens were used, for those whose last use was written long enough ago.
    pub async fn save_token_uses(
        &self,
        ids: &[ApiTokenId],
        at: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let txn = self.begin().await?;
        SAVE_TOKEN_USES
            .execute(&txn, ids, |id, values| {
                let earlier = at - USE_INTERVAL;
                values.extend([id.as_str().into(), at.into(), earlier.into()]);
            })
            .await?;
        Ok(txn.commit().await?)
    }
}

/// See [`Store::find_ended_tokens`].
pub async fn ended(
    db: &impl ConnectionTrait,
    known: &[KnownToken],
) -> Result<Vec<(KnownToken, TokenEnd)>, Fault> {
    let mut ended = Vec::new();
    for part in known.chunks(MAX_CHECKED) {
        let list = match is_shared(db) {
            true => "json_array_elements(CAST($1 AS json)) AS v (value)",
            false => "json_each($1) AS v",
        };
        let has_changed = "(u.role <> v.value ->> 1 OR COALESCE(u.party, '') <> v.value ->> 2)";
        let sql = format!(
            r#"SELECT v.value ->> 3 AS place, t.created_at, t.revoked_at, u.disabled,
                      u.tokens_valid_after,
                      CASE WHEN {has_changed} THEN 1 ELSE 0 END AS has_changed
               FROM {list} LEFT JOIN api_token AS t ON t.id = v.value ->> 0
               LEFT JOIN "user" AS u ON u.id = t.user_id
               WHERE t.id IS NULL OR t.revoked_at IS NOT NULL OR u.disabled
               OR u.tokens_valid_after IS NOT NULL OR {has_changed}"#
        );
        let known = part.iter().enumerate();
        let known: Vec<_> = known.map(|(place, it)| it.to_json(place)).collect();
        let values = [json!(known).to_string().into()];
        let rows = db.query_all_raw(statement(db, sql, values)).await?;
        for row in rows {
            let suspect = Suspect::from_query_result(&row, "")?;
            let place: usize = suspect.place.parse().map_err(|_| Fault::Other)?;
            let token = part.get(place).ok_or(Fault::Other)?;
            ended.extend(suspect.end().map(|end| (token.clone(), end)));
        }
    }
    Ok(ended)
}

static SAVE_TOKEN_USES: Bulk = Bulk::new(
    "UPDATE api_token SET last_used_at = v.column2 FROM (VALUES",
    3,
    ") AS v WHERE api_token.id = v.column1 \
     AND (api_token.last_used_at IS NULL OR api_token.last_used_at <= v.column3)",
);

/// A token that may be dead.
#[derive(FromQueryResult)]
struct Suspect {
    place: String,
    created_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    disabled: Option<bool>,
    tokens_valid_after: Option<DateTime<Utc>>,
    has_changed: i32,
}

impl Suspect {
    fn end(&self) -> Option<TokenEnd> {
        match self.has_changed != 0 {
            _ if self.is_dead() => Some(TokenEnd::Over),
            true => Some(TokenEnd::OwnerChanged),
            false => None,
        }
    }

    /// A token without a row was removed together with its owner.
    fn is_dead(&self) -> bool {
        let Some(created_at) = self.created_at else {
            return true;
        };
        self.revoked_at.is_some()
            || self.disabled == Some(true)
            || is_recalled(created_at, self.tokens_valid_after)
    }
}

/// Whether all tokens of that time were called back at once.
fn is_recalled(created_at: DateTime<Utc>, valid_after: Option<DateTime<Utc>>) -> bool {
    valid_after.is_some_and(|valid_after| created_at < valid_after)
}
