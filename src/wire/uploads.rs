//! What is answered to `POST /api/upload` (contract/messaging.md, section 6).

use serde::Serialize;

pub use super::json::CLIENT_ID_NAMES;

/// `{success:true, url, fileName, fileSize, fileType, message}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadBody<'a> {
    /// Always true.
    pub success: bool,
    /// Where the file is.
    pub url: &'a str,
    /// Its name.
    pub file_name: &'a str,
    /// Its size in bytes.
    pub file_size: i64,
    /// Its media type.
    pub file_type: &'a str,
    /// A text for people.
    pub message: &'static str,
}
