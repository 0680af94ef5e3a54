//! Facts about the database itself, kept in `server_meta`.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction};

use super::{Fault, NewRoom, Store, rooms, statement, transactions};

/// Key of the next free small integer for messages.
pub const NEXT_MESSAGE_ID: &str = "next_message_id";
/// Key of the next free small integer for conversations.
pub const NEXT_CONVERSATION_ID: &str = "next_conversation_id";
/// Key of the first moment, in milliseconds, that no message id was made of yet.
pub const NEXT_MILLIS: &str = "next_millis";

/// Key of the secret that signs API tokens when the configuration has none.
pub const API_TOKEN_KEY: &str = "api_token_key";

/// Key of the secret that signs links to stored files.
pub const LINK_KEY: &str = "link_key";

/// Key of the secret with which nodes know each other's texts.
pub const BUS_KEY: &str = "bus_key";

const EPOCH: &str = "epoch";
/// The room that every database has from the start: id and name, as chatsphere front ends expect
/// them (contract/chatsphere.md, section 1).
const FIRST_ROOM: (&str, &str) = ("default-room", "General Chat");

impl Store {
    /// The text under `key`, which is `new` when there was none. All nodes that ask at once get the
    /// same answer.
    pub async fn find_or_create_text(&self, key: &str, new: &str) -> Result<String, Fault> {
        if let Some(text) = text(&self.read, key).await? {
            return Ok(text);
        }
        let txn = self.begin().await?;
        let sql = "INSERT INTO server_meta (key, text, number) VALUES ($1, $2, NULL) \
                   ON CONFLICT (key) DO NOTHING";
        txn.execute_raw(statement(&txn, sql, [key.into(), new.into()]))
            .await?;
        txn.commit().await?;
        text(&self.write, key).await?.ok_or(Fault::Other)
    }
}

/// Writes the rows that every database needs, where they are missing.
pub async fn prepare(db: &DatabaseConnection) -> Result<(), Fault> {
    if text(db, EPOCH).await?.is_some() {
        return Ok(());
    }
    let txn = transactions::begin(db).await?;
    let epoch = uuid::Uuid::now_v7().to_string();
    let sql = "INSERT INTO server_meta (key, text, number) VALUES \
               ($1, $2, NULL), ($3, NULL, 1), ($4, NULL, 1) ON CONFLICT (key) DO NOTHING";
    let values = [
        EPOCH.into(),
        epoch.into(),
        NEXT_MESSAGE_ID.into(),
        NEXT_CONVERSATION_ID.into(),
    ];
    txn.execute_raw(statement(&txn, sql, values)).await?;
    // Two nodes may get here at once: one of them finds it made.
    rooms::insert_room(&txn, &first_room()).await?;
    Ok(txn.commit().await?)
}

/// Nobody takes part in it at first, and everybody may.
fn first_room() -> NewRoom {
    let (id, name) = FIRST_ROOM;
    NewRoom {
        is_open: true,
        ..NewRoom::of_people(id.into(), name)
    }
}

/// The random id of this generation of the data.
pub async fn epoch(db: &DatabaseConnection) -> Result<String, Fault> {
    text(db, EPOCH).await?.ok_or(Fault::Other)
}

/// The text under a key.
async fn text(db: &DatabaseConnection, key: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT text FROM server_meta WHERE key = $1";
    let row = db.query_one_raw(statement(db, sql, [key.into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Takes `n` numbers of a sequence and returns the first.
pub async fn reserve(db: &DatabaseConnection, key: &str, n: i64) -> Result<i64, Fault> {
    let txn = transactions::begin(db).await?;
    let sql = "UPDATE server_meta SET number = number + $1 WHERE key = $2 RETURNING number";
    let row = txn
        .query_one_raw(statement(&txn, sql, [n.into(), key.into()]))
        .await?
        .ok_or(Fault::Other)?;
    let end: i64 = row.try_get_by_index(0)?;
    txn.commit().await?;
    Ok(end - n)
}

/// Takes `n` numbers of a sequence that never starts before `at_least`, and returns the first. The
/// sequence comes into being with its first use.
pub async fn reserve_from(
    db: &DatabaseConnection,
    key: &str,
    at_least: i64,
    n: i64,
) -> Result<i64, Fault> {
    let txn = transactions::begin(db).await?;
    let first = take_from(&txn, key, at_least, n).await?;
    txn.commit().await?;
    Ok(first)
}

/// As [`reserve_from`], in a transaction: until it ends nobody else takes any.
pub async fn take_from(
    txn: &DatabaseTransaction,
    key: &str,
    at_least: i64,
    n: i64,
) -> Result<i64, Fault> {
    let sql = "INSERT INTO server_meta (key, text, number) VALUES ($1, NULL, $2) \
               ON CONFLICT (key) DO UPDATE SET number = $3 + \
               CASE WHEN server_meta.number > $4 THEN server_meta.number ELSE $4 END \
               RETURNING number";
    let values = [key.into(), (at_least + n).into(), n.into(), at_least.into()];
    let row = txn
        .query_one_raw(statement(txn, sql, values))
        .await?
        .ok_or(Fault::Other)?;
    let end: i64 = row.try_get_by_index(0)?;
    Ok(end - n)
}
