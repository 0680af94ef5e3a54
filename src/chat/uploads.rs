//! Files that people send.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use sohbet_entity::ids::{UploadId, UserId};

use super::Chat;
use crate::error::{Error, Result};
use crate::store::{self, UploadRow};

/// What may be uploaded, by what the bytes say: the images and videos of the seed.
const ALLOWED_TYPES: [&str; 7] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "video/quicktime",
];
/// Longest file name that is kept, in characters.
const MAX_NAME_CHARS: usize = 255;

/// A file that came in.
pub struct NewUpload {
    /// Who brought it, if anybody knows.
    pub owner: Option<UserId>,
    /// Its name on the client's disk.
    pub name: Option<String>,
    /// The media type that the client claims.
    pub claimed_type: Option<String>,
    /// The file.
    pub bytes: Bytes,
}

impl Chat {
    /// Stores a file. Its type is what the bytes say, and must be what the client claims.
    pub async fn upload(&self, new: NewUpload) -> Result<UploadRow> {
        let media_type = media_type(&new).ok_or(Error::InvalidPayload("File type not allowed"))?;
        let name = new.name.as_deref().map(clean_name);
        let row = UploadRow {
            id: UploadId::from(uuid::Uuid::now_v7().to_string()),
            owner_id: new.owner,
            name: name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "file".into()),
            media_type: media_type.to_owned(),
            size_bytes: i64::try_from(new.bytes.len())
                .map_err(|_| Error::TooLarge("File too large"))?,
            sha256: sha256(new.bytes.clone()).await?,
            width: None,
            height: None,
            duration_ms: None,
            created_at: store::now(),
        };
        // The blob first: a row without a blob would be a broken link, a blob without a row is none.
        if let Err(error) = self.blobs.save(&row.id, new.bytes).await {
            tracing::error!(%error, "a file could not be stored");
            return Err(Error::Internal);
        }
        self.store.save_upload(&row).await?;
        Ok(row)
    }

    /// Where a file is to be had, without the host: `/uploads/…`.
    pub fn upload_path(&self, row: &UploadRow) -> String {
        format!("/uploads/{}.{}", row.id, extension(&row.media_type))
    }

    /// A stored file and where it lies.
    pub async fn find_upload(&self, id: &UploadId) -> Result<(UploadRow, std::path::PathBuf)> {
        let found = self.store.find_upload(id).await?;
        let row = found.ok_or(Error::NotFound("Not Found"))?;
        let path = self.blobs.path(&row.id);
        Ok((row, path))
    }
}

/// What the name of a file in a link ends with.
fn extension(media_type: &str) -> &str {
    match media_type {
        "image/jpeg" => "jpg",
        "video/quicktime" => "mov",
        other => other.rsplit('/').next().unwrap_or("bin"),
    }
}

/// The type that the bytes have, if it is allowed and the client says the same.
fn media_type(new: &NewUpload) -> Option<&'static str> {
    let found = infer::get(&new.bytes)?.mime_type();
    let found = ALLOWED_TYPES
        .into_iter()
        .find(|allowed| *allowed == found)?;
    let claimed = new.claimed_type.as_deref().unwrap_or(found);
    let claimed = claimed.split(';').next().unwrap_or_default().trim();
    let family = |media_type: &str| media_type.split('/').next().map(str::to_owned);
    (ALLOWED_TYPES.contains(&claimed) && family(claimed) == family(found)).then_some(found)
}

/// The last part of a path, without control characters and of bounded length.
fn clean_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let printable = name.chars().filter(|character| !character.is_control());
    printable.take(MAX_NAME_CHARS).collect()
}

/// The SHA-256 of a file in hexadecimal, computed where it holds up nobody.
async fn sha256(bytes: Bytes) -> Result<String> {
    let hash = move || {
        let digest = Sha256::digest(&bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    tokio::task::spawn_blocking(hash)
        .await
        .map_err(|_| Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(bytes: &'static [u8], claimed: &str) -> NewUpload {
        NewUpload {
            owner: None,
            name: None,
            claimed_type: Some(claimed.into()),
            bytes: Bytes::from_static(bytes),
        }
    }

    #[test]
    fn the_bytes_decide_what_a_file_is() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        assert_eq!(media_type(&upload(png, "image/png")), Some("image/png"));
        assert_eq!(media_type(&upload(png, "video/mp4")), None);
        assert_eq!(media_type(&upload(png, "text/html")), None);
        assert_eq!(media_type(&upload(b"<script>", "image/png")), None);
    }

    #[test]
    fn names_lose_their_folders_and_control_characters() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("C:\\photos\\a\nb.png"), "ab.png");
    }
}
