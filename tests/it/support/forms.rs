//! Forms with a file in them.

use serde_json::Value;

use super::http::{Answer, Call};
use super::server::Server;

const BOUNDARY: &str = "a-boundary";
/// How a PNG begins.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// The beginning of a form, up to the first byte of its file.
pub fn head(media_type: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    )
}

/// The `Content-Type` of such a form.
pub fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A request that uploads a file.
pub fn upload(media_type: &str, file: &[u8]) -> Call {
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    Call::new("POST", "/api/upload")
        .header("Content-Type", &content_type())
        .body([head(media_type).as_bytes(), file, end.as_bytes()].concat())
}

/// Texts of a form, so many, before what else is in it.
pub fn texts(n: usize) -> String {
    let text = |number| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"n{number}\"\r\n\r\nv\r\n")
    };
    (0..n).map(text).collect()
}

/// Uploads a picture of that length and gives the path of its link.
pub async fn upload_picture(server: &Server, n_bytes: usize) -> String {
    let answer = upload("image/png", &picture(n_bytes))
        .send(server.port)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    path(&answer)
}

/// The path of the link in the answer to an upload.
pub fn path(answer: &Answer) -> String {
    let Value::String(url) = answer.json()["url"].take() else {
        panic!("no link: {}", answer.text());
    };
    let start = url.find("/uploads/").unwrap();
    url[start..].to_owned()
}

/// What looks like a picture and is different in every place where it could be cut.
pub fn picture(n_bytes: usize) -> Vec<u8> {
    // A prime number of bytes: no part of a power of two begins where another one did.
    let block: Vec<u8> = (0..100_003).map(|n| (n / 251 + n) as u8).collect();
    let mut picture = PNG.to_vec();
    while picture.len() < n_bytes {
        picture.extend_from_slice(&block);
    }
    picture.truncate(n_bytes);
    picture
}
