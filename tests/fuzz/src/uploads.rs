//! Files that come in: whatever they are called and claim to be, what is kept is a name without a
//! path, and what is shown cannot run.
//!
//! An input is three lines and a file: the form as it is (`form`) or built around the rest, the name
//! of the file, and its type.

use axum::body::Body;
use axum::extract::Request;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::server::{Answer, Embedded, text};
use crate::{MAX_INPUT_BYTES, Target, first_line};

/// Stands between the fields of a form.
const BOUNDARY: &str = "X";
/// Longest name of a file, in characters.
const MAX_NAME_CHARS: usize = 255;
/// Hexadecimal digits of the id of a file.
const ID_CHARS: usize = 32;

/// File names, their types, and forms.
pub struct Uploads {
    server: Embedded,
}

impl Target for Uploads {
    fn start() -> Self {
        Self {
            server: Embedded::start(),
        }
    }

    fn run(&self, input: &[u8]) {
        let input = &input[..input.len().min(MAX_INPUT_BYTES)];
        let (kind, rest) = first_line(input);
        let (form, file) = match kind {
            b"form" => (rest.to_vec(), None),
            _ => {
                let (name, rest) = first_line(rest);
                let (media_type, file) = first_line(rest);
                (form(name, media_type, file), Some(file))
            }
        };
        let answer = self.server.call(post(form));
        if !answer.head.status.is_success() {
            return assert!(answer.head.status.is_client_error());
        }
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_name(body["fileName"].as_str().expect("a name"));
        let url = body["url"].as_str().expect("a link");
        let path = url.strip_prefix("http://localhost").expect("our own link");
        assert_path(path);
        let get = Request::get(path).header("host", "localhost");
        let shown = self.server.call(get.body(Body::empty()).unwrap());
        assert_eq!(body["fileSize"].as_u64(), Some(shown.body.len() as u64));
        assert_shown(&shown);
        if let Some(file) = file {
            // A name or a type that ends its line makes another form of it.
            assert!(file.ends_with(&shown.body) || is_odd(input));
        }
    }
}

/// A form with one file, as browsers write it.
fn form(name: &[u8], media_type: &[u8], file: &[u8]) -> Vec<u8> {
    let start =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"");
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    [
        start.as_bytes(),
        name,
        b"\"\r\nContent-Type: ",
        media_type,
        b"\r\n\r\n",
        file,
        end.as_bytes(),
    ]
    .concat()
}

/// Whether the form around a file may have been read in another way than it was meant.
fn is_odd(input: &[u8]) -> bool {
    let mark = format!("--{BOUNDARY}");
    input.contains(&b'\r')
        || input
            .windows(mark.len())
            .any(|part| part == mark.as_bytes())
}

fn post(form: Vec<u8>) -> Request<Body> {
    let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
    Request::post("/api/upload")
        .header("host", "localhost")
        .header("x-user-id", "1")
        .header("content-type", media_type)
        .body(Body::from(form))
        .unwrap()
}

/// A name and no path, which looks like what it is.
fn assert_name(name: &str) {
    assert!((1..=MAX_NAME_CHARS).contains(&name.chars().count()));
    for c in name.chars() {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(
            !c.is_control() && !turns && c != '/' && c != '\\',
            "{name:?}"
        );
    }
}

/// A file is found by its id alone, whatever it is called.
fn assert_path(path: &str) {
    let (id, extension) = path
        .strip_prefix("/uploads/")
        .and_then(|name| name.split_once('.'))
        .expect("an id and an extension");
    let is_id = id.len() == ID_CHARS && id.bytes().all(|it| it.is_ascii_hexdigit());
    let is_plain = extension.bytes().all(|it| it.is_ascii_alphanumeric());
    assert!(is_id && is_plain, "{path}");
}

/// What a browser shows by itself is a picture, a video or a sound; nothing runs, and the name in the
/// header is the one that was kept.
fn assert_shown(shown: &Answer) {
    let headers = &shown.head.headers;
    assert_eq!(shown.head.status, 200);
    assert_eq!(text(headers, "x-content-type-options"), "nosniff");
    assert!(text(headers, "content-security-policy").contains("sandbox"));
    let disposition = text(headers, "content-disposition");
    let (verb, names) = disposition.split_once("; filename=\"").expect("a name");
    let (ascii, encoded) = names.split_once("\"; filename*=UTF-8''").expect("both");
    assert!(!ascii.contains(['"', '\\', '%']), "{disposition}");
    let name = percent_decode_str(encoded).decode_utf8().expect("UTF-8");
    assert_name(&name);
    let media_type = text(headers, "content-type");
    let is_media = ["image/", "video/", "audio/"]
        .iter()
        .any(|family| media_type.starts_with(family));
    assert!(verb == "attachment" || (is_media && !media_type.contains("svg")));
}
