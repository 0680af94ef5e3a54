//! What a file is, judging by its bytes, and what may be done with it.

use super::UploadRules;

/// How much of a file is looked at to find out what it is, in bytes.
pub const HEAD_BYTES: usize = 8 * 1_024;
/// What is neither text nor known by its first bytes.
const UNKNOWN: &str = "application/octet-stream";
const PLAIN_TEXT: &str = "text/plain";

/// Formats that are text themselves, so that being text does not make them plain.
const TEXT_FORMATS: [&str; 7] = [
    "application/pdf",
    "application/postscript",
    "application/rtf",
    "application/x-x509-ca-cert",
    "text/html",
    "text/x-shellscript",
    "text/xml",
];
/// Containers that hold sound, or pictures with sound; only the client knows which.
const MIXED_CONTAINERS: [&str; 3] = ["mp4", "ogg", "webm"];
/// Other names under which programs know a type, and the one that is used here.
const SYNONYMS: [(&str, &str); 14] = [
    ("application/x-pdf", "application/pdf"),
    ("audio/m4a", "audio/mp4"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/opus", "audio/ogg"),
    ("audio/wave", "audio/wav"),
    ("audio/x-aac", "audio/aac"),
    ("audio/x-flac", "audio/flac"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/x-wav", "audio/wav"),
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("text/javascript", "application/javascript"),
    ("video/x-m4v", "video/mp4"),
];

/// Groups of types that have a size limit of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture.
    Image,
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Everything else.
    File,
}

impl Kind {
    /// The group of a type.
    pub fn of(media_type: &str) -> Self {
        match media_type.split('/').next() {
            Some("image") => Self::Image,
            Some("video") => Self::Video,
            Some("audio") => Self::Audio,
            _ => Self::File,
        }
    }
}

/// The type of a file that begins with `head` and that the client says is `claimed`; `None` when it
/// is not taken. The bytes decide. A claim that contradicts them is a lie, or a front end that would
/// show a picture where there is none.
pub fn decide(head: &[u8], claimed: Option<&str>, rules: &UploadRules) -> Option<String> {
    let found = synonym(detect(head));
    let claimed = claimed.map(essence).filter(|claimed| !claimed.is_empty());
    let Some(claimed) = claimed else {
        return rules.allow(found).then(|| found.to_owned());
    };
    let claimed = synonym(&claimed);
    let media_type = if are_same_container(found, claimed) {
        claimed
    } else {
        found
    };
    let kind = Kind::of(media_type);
    let agrees = Kind::of(claimed) == kind && (kind == Kind::File || rules.allow(claimed));
    (agrees && rules.allow(media_type)).then(|| media_type.to_owned())
}

/// Whether a browser may show a file of that type by itself. Everything else is only downloaded:
/// what could run scripts, and what opens in a viewer of its own.
pub fn is_inline(media_type: &str) -> bool {
    let is_drawing = media_type.starts_with("image/svg");
    Kind::of(media_type) != Kind::File && !is_drawing
}

/// What the name of a file of that type ends with.
pub fn extension(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "audio/aac" => "aac",
        "audio/flac" => "flac",
        "audio/mp4" => "m4a",
        "audio/mpeg" => "mp3",
        "audio/ogg" => "ogg",
        "audio/wav" => "wav",
        "audio/webm" | "video/webm" => "webm",
        "image/avif" => "avif",
        "image/gif" => "gif",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        PLAIN_TEXT => "txt",
        "video/mp4" => "mp4",
        "video/ogg" => "ogv",
        "video/quicktime" => "mov",
        _ => "bin",
    }
}

/// Whether the rest of a file of that type has to be looked at as well.
pub fn needs_text(media_type: &str) -> bool {
    media_type == PLAIN_TEXT
}

/// A type without its parameters, in lower case.
fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn synonym(media_type: &str) -> &str {
    let other = SYNONYMS.iter().find(|(name, _)| *name == media_type);
    other.map_or(media_type, |(_, used)| used)
}

fn are_same_container(found: &str, claimed: &str) -> bool {
    let [found, claimed] = [found, claimed].map(|media_type| media_type.split_once('/'));
    let (Some((_, found)), Some((family, claimed))) = (found, claimed) else {
        return false;
    };
    found == claimed && MIXED_CONTAINERS.contains(&found) && ["audio", "video"].contains(&family)
}

/// What the bytes say. Some formats are known by two letters only, with which a text may begin too;
/// as such a format is never made of text alone, what is text all through is text.
fn detect(head: &[u8]) -> &'static str {
    let found = infer::get(head).map(|found| found.mime_type());
    let is_text = TextCheck::default().accept(head);
    match found {
        Some(format) if !is_text || TEXT_FORMATS.contains(&format) => format,
        _ if !is_text => UNKNOWN,
        _ => markup(head).unwrap_or(PLAIN_TEXT),
    }
}

/// A text that a browser could take for a page or a drawing.
fn markup(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let second = text.strip_prefix('<')?.chars().next()?;
    let is_tag = second.is_ascii_alphabetic() || "!?/".contains(second);
    is_tag.then(|| match text.contains("<svg") {
        true => "image/svg+xml",
        false => "text/html",
    })
}

/// Follows a file and says whether it is text so far: UTF-8 without control characters other than
/// tabs and ends of lines.
#[derive(Debug, Default)]
pub struct TextCheck {
    /// The beginning of a character whose rest has not come in yet.
    begun: Vec<u8>,
}

impl TextCheck {
    /// Takes the next part; false when the file is no text.
    pub fn accept(&mut self, part: &[u8]) -> bool {
        let joined;
        let bytes = if self.begun.is_empty() {
            part
        } else {
            joined = [&self.begun, part].concat();
            &joined
        };
        let (text, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) if error.error_len().is_none() => {
                let (whole, rest) = bytes.split_at(error.valid_up_to());
                (std::str::from_utf8(whole).unwrap_or_default(), rest)
            }
            Err(_) => return false,
        };
        let is_plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        let accepted = text.chars().all(is_plain);
        self.begun = rest.to_vec();
        accepted
    }

    /// Whether the file ends where a character does.
    pub fn is_whole(&self) -> bool {
        self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
    const M4A: &[u8] = b"\0\0\0\x18ftypM4A \0\0\x02\0";
    const OGG: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0";
    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

    fn rules() -> UploadRules {
        UploadRules::example()
    }

    fn decided(head: &[u8], claimed: &str) -> Option<String> {
        let claimed = (!claimed.is_empty()).then_some(claimed);
        decide(head, claimed, &rules())
    }

    #[test]
    fn the_bytes_decide_what_a_file_is() {
        for (head, claimed, media_type) in [
            (PNG, "image/png", "image/png"),
            (PNG, "", "image/png"),
            (PNG, "image/jpeg", "image/png"),
            (MP4, "video/mp4; codecs=\"avc1\"", "video/mp4"),
            (MP4, "audio/mp4", "audio/mp4"),
            (M4A, "audio/x-m4a", "audio/mp4"),
            (OGG, "audio/ogg;codecs=opus", "audio/ogg"),
            (PDF, "application/pdf", "application/pdf"),
            (PDF, "application/octet-stream", "application/pdf"),
            (b"a,b\r\n1,2\t", "text/csv", "text/plain"),
            ("günaydın".as_bytes(), "", "text/plain"),
            (b"BMW and MZ, PK", "text/plain", "text/plain"),
        ] {
            let found = decided(head, claimed);
            assert_eq!(found.as_deref(), Some(media_type), "{claimed}");
        }
    }

    #[test]
    fn lies_and_what_is_not_on_the_list_are_refused() {
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0";
        let exe = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff";
        let cases: [(&[u8], &str); 15] = [
            (PNG, "video/mp4"),
            (PNG, "text/html"),
            (PNG, "image/svg+xml"),
            (PNG, "application/octet-stream"),
            (b"bytes", "image/png"),
            (b"%PDF-1.7", "image/png"),
            (b"GIF89a;alert(1)", "image/gif"),
            (b"<script>alert(1)</script>", "text/html"),
            (b"<script>alert(1)</script>", "text/plain"),
            (b" <svg onload=\"alert(1)\"/>", "image/svg+xml"),
            (b"\xef\xbb\xbf<?xml version=\"1.0\"?><svg/>", "text/plain"),
            (b"<!-- x --><html>", ""),
            (zip, "application/zip"),
            (exe, "application/octet-stream"),
            (b"text\0", "text/plain"),
        ];
        for (head, claimed) in cases {
            assert_eq!(decided(head, claimed), None, "{claimed}");
        }
    }

    #[test]
    fn only_pictures_and_sound_are_shown_inline() {
        for media_type in ["image/png", "video/mp4", "audio/ogg"] {
            assert!(is_inline(media_type), "{media_type}");
        }
        for media_type in [
            "image/svg+xml",
            "text/html",
            "text/plain",
            "application/pdf",
        ] {
            assert!(!is_inline(media_type), "{media_type}");
        }
    }

    #[test]
    fn a_character_may_come_in_two_parts() {
        let text = "aşb🌸".as_bytes();
        for split in 0..=text.len() {
            let mut check = TextCheck::default();
            assert!(check.accept(&text[..split]) && check.accept(&text[split..]));
            assert!(check.is_whole());
        }
        let mut half = TextCheck::default();
        assert!(half.accept(&text[..2]) && !half.is_whole());
        assert!(!half.accept(b"\0"));
        assert!(!TextCheck::default().accept(b"\xff"));
    }
}
