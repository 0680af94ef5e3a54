//! Facts about the database itself, kept in `server_meta`.

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{Fault, connections, statement};

/// Key of the next free small integer for messages.
pub const NEXT_MESSAGE_ID: &str = "next_message_id";
/// Key of the next free small integer for conversations.
pub const NEXT_CONVERSATION_ID: &str = "next_conversation_id";

const EPOCH: &str = "epoch";

/// Writes the rows that every database needs, where they are missing.
pub async fn prepare(db: &DatabaseConnection) -> Result<(), Fault> {
    let txn = connections::begin(db).await?;
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
    Ok(txn.commit().await?)
}

/// The random id of this generation of the data.
pub async fn epoch(db: &DatabaseConnection) -> Result<String, Fault> {
    let sql = "SELECT text FROM server_meta WHERE key = $1";
    let row = db
        .query_one_raw(statement(db, sql, [EPOCH.into()]))
        .await?
        .ok_or(Fault::Other)?;
    Ok(row.try_get_by_index(0)?)
}

/// Takes `n` numbers of a sequence and returns the first.
pub async fn reserve(db: &DatabaseConnection, key: &str, n: i64) -> Result<i64, Fault> {
    let txn = connections::begin(db).await?;
    let sql = "UPDATE server_meta SET number = number + $1 WHERE key = $2 RETURNING number";
    let row = txn
        .query_one_raw(statement(&txn, sql, [n.into(), key.into()]))
        .await?
        .ok_or(Fault::Other)?;
    let end: i64 = row.try_get_by_index(0)?;
    txn.commit().await?;
    Ok(end - n)
}
