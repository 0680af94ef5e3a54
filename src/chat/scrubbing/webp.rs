//! WebP: chunks in a RIFF file (RFC 9649, section 2). Its length stands at the front, so nothing becomes
//! shorter.

use super::{Bulk, Format, Next, exif};

/// `RIFF`, a length, `WEBP`.
const FILE_HEAD_BYTES: usize = 12;
/// Of type and length.
const HEAD_BYTES: usize = 8;
/// What a viewer needs. Others become [`UNKNOWN`] ones, full of zeros.
const KEPT: [&[u8; 4]; 6] = [b"VP8 ", b"VP8L", b"ANIM", b"ANMF", b"ALPH", b"ICCP"];
/// A type that nobody knows, so that viewers pass over it (section 2.7.1.7).
const UNKNOWN: &[u8; 4] = b"JUNK";
/// In the first byte of `VP8X`: there is XMP.
const HAS_XMP: u8 = 0b0000_0100;

/// A WebP file.
#[derive(Default)]
pub struct Webp {
    state: State,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Start,
    Head,
    /// The first byte of what is in the file, and how many follow.
    Features(u64),
    Exif,
}

impl Format for Webp {
    fn n_first(&self) -> usize {
        FILE_HEAD_BYTES
    }

    fn judge(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        match std::mem::replace(&mut self.state, State::Head) {
            State::Start if !seen.ends_with(b"WEBP") => {
                kept.extend_from_slice(seen);
                Next::rest(Bulk::KEEP_REST)
            }
            State::Start => {
                kept.extend_from_slice(seen);
                Next::see(HEAD_BYTES)
            }
            State::Head => self.judge_head(seen, kept),
            State::Features(n_left) => {
                kept.extend(seen.iter().map(|features| features & !HAS_XMP));
                Next::after(Bulk::Keep(n_left), HEAD_BYTES)
            }
            State::Exif => {
                let end = kept.len() + seen.len();
                kept.extend(exif::scrubbed(seen).into_iter().flatten());
                kept.resize(end, 0);
                Next::see(HEAD_BYTES)
            }
        }
    }
}

impl Webp {
    fn judge_head(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        let Some((kind, length)) = split(seen) else {
            kept.extend_from_slice(seen);
            return Next::rest(Bulk::KEEP_REST);
        };
        // Chunks begin at even places.
        let n_bytes = u64::from(length).next_multiple_of(2);
        match kind {
            b"VP8X" if n_bytes > 0 => {
                kept.extend_from_slice(seen);
                self.state = State::Features(n_bytes - 1);
                Next::see(1)
            }
            b"EXIF" if (1..=exif::MAX_BYTES as u64).contains(&n_bytes) => {
                kept.extend_from_slice(seen);
                self.state = State::Exif;
                Next::see(n_bytes as usize)
            }
            _ if KEPT.contains(&kind) => {
                kept.extend_from_slice(seen);
                Next::after(Bulk::Keep(n_bytes), HEAD_BYTES)
            }
            _ => {
                kept.extend_from_slice(UNKNOWN);
                kept.extend_from_slice(&length.to_le_bytes());
                Next::after(Bulk::Blank(n_bytes), HEAD_BYTES)
            }
        }
    }
}

/// Type and length of a chunk, if that is what these bytes are.
fn split(head: &[u8]) -> Option<(&[u8; 4], u32)> {
    let (kind, length) = head.split_first_chunk()?;
    let is_kind = kind
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    is_kind.then_some((kind, u32::from_le_bytes(*length.first_chunk()?)))
}
