//! What is known about stored files: whose they are, which conversations show them in how many
//! messages, and which are shown nowhere.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, QueryResult, Value};
use sohbet_entity::ids::{ConversationId, UploadId, UserId};

use super::rows::Bulk;
use super::{Fault, MessageRow, Store, UploadRow, statement, users};

/// Digits of an upload's id: 128 random bits in hexadecimal.
pub const UPLOAD_ID_CHARS: usize = 32;
/// Most conversations that are looked at when somebody asks for a file.
const MAX_USES: i64 = 1_000;

/// The id in a link to a file of ours, `…/uploads/<id>.<extension>`, whatever stands before it.
pub fn upload_id_in(link: &str) -> Option<&str> {
    let (_, name) = link.rsplit_once("/uploads/")?;
    let end = name.find(['.', '?', '#']).unwrap_or(name.len());
    let id = &name[..end];
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (id.len() == UPLOAD_ID_CHARS && id.bytes().all(is_digit)).then_some(id)
}

impl Store {
    /// Writes down a file that is about to be stored. Nobody finds it before [`Self::finish_upload`],
    /// and if the server ends before that, it is an orphan: no blob is ever without a row.
    pub async fn begin_upload(&self, row: &UploadRow) -> Result<(), Fault> {
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

    /// Writes down that the blob is complete. False when the row is gone: it took too long and was
    /// removed as an orphan.
    pub async fn finish_upload(&self, row: &UploadRow) -> Result<bool, Fault> {
        let sql = "UPDATE upload SET size_bytes = $1, sha256 = $2, stored_at = $3 WHERE id = $4";
        let values = [
            row.size_bytes.into(),
            row.sha256.as_str().into(),
            row.stored_at.into(),
            row.id.as_str().into(),
        ];
        let done = self
            .write
            .execute_raw(statement(&self.write, sql, values))
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Bytes of all files of a user, also of those that are still coming in as far as that is known. A
    /// small one takes as much as a block of a disk.
    pub async fn stored_bytes(&self, owner: &UserId) -> Result<u64, Fault> {
        let sql = "SELECT CAST(COALESCE(SUM(CASE WHEN size_bytes < 4096 THEN 4096 ELSE size_bytes END), 0) \
                   AS BIGINT) FROM upload WHERE owner_id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [owner.as_str().into()]))
            .await?;
        let sum: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(sum.and_then(|sum| u64::try_from(sum).ok()).unwrap_or(0))
    }

    /// The complete file with that id.
    pub async fn find_upload(&self, id: &UploadId) -> Result<Option<UploadRow>, Fault> {
        let sql = "SELECT * FROM upload WHERE id = $1 AND stored_at IS NOT NULL";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row
            .map(|row| UploadRow::from_query_result(&row, ""))
            .transpose()?)
    }

    /// The conversations whose messages show a file.
    pub async fn conversations_showing(&self, id: &UploadId) -> Result<Vec<ConversationId>, Fault> {
        let sql = "SELECT conversation_id FROM upload_use WHERE upload_id = $1 LIMIT $2";
        let values = [id.as_str().into(), MAX_USES.into()];
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        Ok(first_column(&rows)?)
    }

    /// Takes files out of sight that came in before `cutoff` and that no message shows, and returns
    /// them. They are found again and again until [`Self::forget_upload`] was called for them.
    pub async fn hide_orphans(
        &self,
        cutoff: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<UploadId>, Fault> {
        // The outer condition holds when a message of another node was faster than this.
        let sql = "UPDATE upload SET stored_at = NULL WHERE used_at IS NULL AND id IN (\
                   SELECT id FROM upload WHERE used_at IS NULL AND created_at < $1 \
                   ORDER BY created_at LIMIT $2) RETURNING id";
        let values = [cutoff.into(), i64::from(limit).into()];
        let rows = self
            .write
            .query_all_raw(statement(&self.write, sql, values))
            .await?;
        Ok(first_column(&rows)?)
    }

    /// Forgets a file whose blob is gone, unless it was finished meanwhile.
    pub async fn forget_upload(&self, id: &UploadId) -> Result<(), Fault> {
        let sql = "DELETE FROM upload WHERE id = $1 AND used_at IS NULL AND stored_at IS NULL";
        self.write
            .execute_raw(statement(&self.write, sql, [id.as_str().into()]))
            .await?;
        Ok(())
    }
}

fn first_column<Id: From<String>>(rows: &[QueryResult]) -> Result<Vec<Id>, sea_orm::DbErr> {
    let id = |row: &QueryResult| Ok(Id::from(row.try_get_by_index::<String>(0)?));
    rows.iter().map(id).collect()
}

/// Messages of one conversation that show a file of ours.
struct Use<'a> {
    upload: &'a str,
    message: &'a MessageRow,
    n_messages: i64,
}

impl Use<'_> {
    fn key(&self) -> (&str, &str) {
        (self.upload, self.message.conversation_id.as_str())
    }

    fn bind(&self, values: &mut Vec<Value>) {
        values.extend([
            self.upload.into(),
            self.message.conversation_id.as_str().into(),
            self.message.created_at.into(),
            self.n_messages.into(),
        ]);
    }
}

/// Writes down which files of ours the new messages of a batch show; nothing when they show none.
pub async fn mark_used(txn: &DatabaseTransaction, messages: &[&MessageRow]) -> Result<(), Fault> {
    let mut uses: Vec<Use> = Vec::new();
    for message in messages.iter().copied() {
        let upload = message.file_url.as_deref().and_then(upload_id_in);
        uses.extend(upload.map(|upload| Use {
            upload,
            message,
            n_messages: 1,
        }));
    }
    // The same order on every node, and each pair once: a row is changed once in a statement.
    uses.sort_by(|a, b| a.key().cmp(&b.key()));
    uses.dedup_by(|next, kept| {
        let is_same = next.key() == kept.key();
        kept.n_messages += if is_same { next.n_messages } else { 0 };
        is_same
    });
    MARK_USED.execute(txn, &uses, Use::bind).await?;
    COUNT_USES.execute(txn, &uses, Use::bind).await?;
    Ok(())
}

/// A message that is deleted shows its file no longer. When it was the last one of its conversation
/// that did, the conversation does not either; a file that no conversation shows is an orphan.
pub async fn release(txn: &DatabaseTransaction, message: &MessageRow) -> Result<(), Fault> {
    let Some(upload) = message.file_url.as_deref().and_then(upload_id_in) else {
        return Ok(());
    };
    // As in `mark_used` the file comes first: who takes its row decides before the other looks.
    let sql = "UPDATE upload SET used_at = used_at WHERE id = $1";
    txn.execute_raw(statement(txn, sql, [upload.into()]))
        .await?;
    let of_conversation = || [upload.into(), message.conversation_id.as_str().into()];
    for sql in [
        "UPDATE upload_use SET n_messages = n_messages - 1 \
         WHERE upload_id = $1 AND conversation_id = $2",
        "DELETE FROM upload_use WHERE upload_id = $1 AND conversation_id = $2 AND n_messages < 1",
    ] {
        txn.execute_raw(statement(txn, sql, of_conversation()))
            .await?;
    }
    let sql = "UPDATE upload SET used_at = NULL WHERE id = $1 \
               AND NOT EXISTS (SELECT 1 FROM upload_use AS u WHERE u.upload_id = upload.id)";
    txn.execute_raw(statement(txn, sql, [upload.into()]))
        .await?;
    Ok(())
}

/// Takes the row of a file that is used already, too: see [`release`].
static MARK_USED: Bulk = Bulk::new(
    "UPDATE upload SET used_at = COALESCE(upload.used_at, v.column3) FROM (VALUES",
    4,
    ") AS v WHERE upload.id = v.column1 AND upload.stored_at IS NOT NULL",
);

/// A link to a file that is not there is no use of it.
static COUNT_USES: Bulk = Bulk::new(
    "INSERT INTO upload_use (upload_id, conversation_id, n_messages) \
     SELECT v.column1, v.column2, v.column4 FROM (VALUES",
    4,
    ") AS v JOIN upload ON upload.id = v.column1 WHERE upload.used_at IS NOT NULL \
     ON CONFLICT (upload_id, conversation_id) \
     DO UPDATE SET n_messages = upload_use.n_messages + excluded.n_messages",
);

#[cfg(test)]
mod tests {
    use super::upload_id_in;

    #[test]
    fn links_to_our_files_are_told_from_others() {
        let id = "0123456789abcdef0123456789abcdef";
        for link in [
            format!("/uploads/{id}.png"),
            format!("https://chat.example.com/uploads/{id}.tar.gz?exp=1&sig=2"),
            format!("http://localhost:3001/uploads/{id}"),
        ] {
            assert_eq!(upload_id_in(&link), Some(id), "{link}");
        }
        for link in [
            format!("/files/{id}.png"),
            format!("/uploads/{id}0.png"),
            format!("/uploads/{}.png", id.to_uppercase()),
            format!("/uploads/x/{id}.png"),
            "/uploads/a.png".to_owned(),
            "/uploads/".to_owned(),
        ] {
            assert_eq!(upload_id_in(&link), None, "{link}");
        }
    }
}
