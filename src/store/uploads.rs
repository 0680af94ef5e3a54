//! What is known about stored files.

use sea_orm::{ConnectionTrait, FromQueryResult};
use sohbet_entity::ids::UploadId;

use super::{Fault, Store, UploadRow, statement, users};

impl Store {
    /// Writes down a stored file.
    pub async fn save_upload(&self, row: &UploadRow) -> Result<(), Fault> {
        let txn = self.begin().await?;
        if let Some(owner) = &row.owner_id {
            users::ensure_users(&txn, &[owner]).await?;
        }
        let sql = "INSERT INTO upload (id, owner_id, name, media_type, size_bytes, sha256, \
                   created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let owner = row.owner_id.as_ref().map(|owner| owner.to_string());
        let values = [
            row.id.as_str().into(),
            owner.into(),
            row.name.as_str().into(),
            row.media_type.as_str().into(),
            row.size_bytes.into(),
            row.sha256.as_str().into(),
            row.created_at.into(),
        ];
        txn.execute_raw(statement(&txn, sql, values)).await?;
        Ok(txn.commit().await?)
    }

    /// The file with that id.
    pub async fn find_upload(&self, id: &UploadId) -> Result<Option<UploadRow>, Fault> {
        let sql = "SELECT * FROM upload WHERE id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row
            .map(|row| UploadRow::from_query_result(&row, ""))
            .transpose()?)
    }
}
