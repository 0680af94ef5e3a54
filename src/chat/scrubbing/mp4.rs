//! MP4 and QuickTime: boxes (ISO/IEC 14496-12, section 4.2; "atoms" in the QuickTime File Format). Tables
//! inside count bytes from the beginning of the file, so nothing becomes shorter.

use super::{Bulk, Format, Next};

/// Of length and type.
const HEAD_BYTES: usize = 8;
/// A length that has no room there.
const LONG_BYTES: usize = 8;
const ID_BYTES: usize = 16;
/// Boxes whose contents are boxes that may be ours.
const OPENED: [&[u8; 4]; 2] = [b"moov", b"trak"];
/// Boxes for what has no part in playing: places, makes, names (section 8.10 and 8.11).
const BLANKED: [&[u8; 4]; 2] = [b"udta", b"meta"];
/// Free space (section 8.1.2).
const FREE: &[u8; 4] = b"free";
/// XMP is in a box of this id (XMP specification, part 3, section 1.2.7).
const XMP: [u8; ID_BYTES] = [
    0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac,
];

/// A video. Its tracks stay as they are, also those in which some cameras write where they were.
#[derive(Default)]
pub struct Mp4 {
    state: State,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Head,
    /// A length that is behind the type.
    Length([u8; 4]),
    /// What kind of box it is, and how many bytes follow.
    Id(u64),
}

impl Format for Mp4 {
    fn n_first(&self) -> usize {
        HEAD_BYTES
    }

    fn judge(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        match std::mem::take(&mut self.state) {
            State::Head => self.judge_head(seen, kept),
            State::Length(kind) => {
                let length = seen.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
                let n_head = (HEAD_BYTES + LONG_BYTES) as u64;
                let n_bytes = length.and_then(|length| length.checked_sub(n_head));
                let next = self.judge_contents(&kind, n_bytes, kept);
                kept.extend_from_slice(seen);
                next
            }
            State::Id(n_bytes) => {
                kept.extend_from_slice(seen);
                let bulk = match seen == XMP {
                    true => Bulk::Blank(n_bytes),
                    false => Bulk::Keep(n_bytes),
                };
                Next::after(bulk, HEAD_BYTES)
            }
        }
    }
}

impl Mp4 {
    fn judge_head(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        let Some((length, kind)) = split(seen) else {
            kept.extend_from_slice(seen);
            return Next::rest(Bulk::KEEP_REST);
        };
        kept.extend_from_slice(&length.to_be_bytes());
        let n_bytes = match length {
            1 => {
                self.state = State::Length(*kind);
                return Next::see(LONG_BYTES);
            }
            // To the end of the file.
            0 => Some(u64::MAX),
            _ => u64::from(length).checked_sub(HEAD_BYTES as u64),
        };
        self.judge_contents(kind, n_bytes, kept)
    }

    /// Writes the type of a box of which so many bytes follow, after a length that may be still to come.
    fn judge_contents(&mut self, kind: &[u8; 4], n_bytes: Option<u64>, kept: &mut Vec<u8>) -> Next {
        let is_blanked = BLANKED.contains(&kind) && n_bytes.is_some();
        kept.extend_from_slice(if is_blanked { FREE } else { kind });
        let Some(n_bytes) = n_bytes else {
            return Next::rest(Bulk::KEEP_REST);
        };
        if is_blanked {
            return Next::after(Bulk::Blank(n_bytes), HEAD_BYTES);
        }
        if OPENED.contains(&kind) {
            return Next::see(HEAD_BYTES);
        }
        match n_bytes.checked_sub(ID_BYTES as u64) {
            Some(n_after_id) if kind == b"uuid" => {
                self.state = State::Id(n_after_id);
                Next::see(ID_BYTES)
            }
            _ => Next::after(Bulk::Keep(n_bytes), HEAD_BYTES),
        }
    }
}

/// Length and type of a box, if that is what these bytes are.
fn split(head: &[u8]) -> Option<(u32, &[u8; 4])> {
    let (length, kind) = head.split_first_chunk()?;
    let kind = kind.first_chunk()?;
    // Types of QuickTime may begin with ©, which is one byte there.
    let is_kind = kind[1..]
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    is_kind.then_some((u32::from_be_bytes(*length), kind))
}
