//! Facts about the database itself, kept in `server_meta`.

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{Fault, connections, statement};

/// Key of the next free small integer for messages.
pub const NEXT_MESSAGE_ID: &str = "next_message_id";
/// Key of the next free small integer for conversations.
pub const NEXT_CONVERSATION_ID: &str = "next_conversation_id";

const EPOCH: &str = "epoch";
/// Key of the secret that signs links to stored files.
const LINK_KEY: &str = "link_key";
/// Random bytes in that secret.
const LINK_KEY_BYTES: usize = 32;

/// Writes the rows that every database needs, where they are missing.
pub async fn prepare(db: &DatabaseConnection) -> Result<(), Fault> {
    let txn = connections::begin(db).await?;
    let epoch = uuid::Uuid::now_v7().to_string();
    let sql = "INSERT INTO server_meta (key, text, number) VALUES ($1, $2, NULL), \
               ($3, $4, NULL), ($5, NULL, 1), ($6, NULL, 1) ON CONFLICT (key) DO NOTHING";
    let values = [
        EPOCH.into(),
        epoch.into(),
        LINK_KEY.into(),
        random_key()?.into(),
        NEXT_MESSAGE_ID.into(),
        NEXT_CONVERSATION_ID.into(),
    ];
    txn.execute_raw(statement(&txn, sql, values)).await?;
    Ok(txn.commit().await?)
}

fn random_key() -> Result<String, Fault> {
    let mut bytes = [0; LINK_KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Fault::Other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The random id of this generation of the data.
pub async fn epoch(db: &DatabaseConnection) -> Result<String, Fault> {
    text(db, EPOCH).await
}

/// The secret that signs links to stored files, in hexadecimal.
pub async fn link_key(db: &DatabaseConnection) -> Result<String, Fault> {
    text(db, LINK_KEY).await
}

async fn text(db: &DatabaseConnection, key: &str) -> Result<String, Fault> {
    let sql = "SELECT text FROM server_meta WHERE key = $1";
    let row = db
        .query_one_raw(statement(db, sql, [key.into()]))
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
