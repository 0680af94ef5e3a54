//! JPEG: segments, each with a marker, and after some of them the picture's own data (ITU-T T.81, annex B).

use super::{Bulk, Format, Next, exif};

const START: [u8; 2] = [0xff, 0xd8];
const END: u8 = 0xd9;
/// Start of scan: data follow.
const SCAN: u8 = 0xda;
const COMMENT: u8 = 0xfe;
const EXIF: u8 = 0xe1;

/// Segments of applications that a viewer needs, and what they begin with. Others are dropped: Exif but for
/// one number, XMP, IPTC, pictures before they were cut, where further pictures begin.
const KEPT: [(u8, &[u8]); 3] = [
    (0xe0, b"JFIF\0"),
    (0xe2, b"ICC_PROFILE\0"),
    (0xee, b"Adobe"),
];

/// A JPEG file. It ends with its first picture: what cameras put behind it, such as a short video, has a
/// place and a time of its own.
#[derive(Default)]
pub struct Jpeg {
    state: State,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Start,
    /// Two bytes: a marker.
    Marker,
    /// Likewise, and it may be data that only look like one.
    InScan,
    /// The length of a segment.
    Length(u8),
    /// The head of a scan.
    Scan,
    Exif,
    /// The beginning of a segment that may be kept, and how many bytes follow on it.
    Beginning(u8, &'static [u8], usize),
}

impl Format for Jpeg {
    fn n_first(&self) -> usize {
        START.len()
    }

    fn judge(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        let (state, next) = self.state.judge(seen, kept);
        self.state = state;
        next
    }
}

impl State {
    fn judge(self, seen: &[u8], kept: &mut Vec<u8>) -> (Self, Next) {
        match (self, seen) {
            (Self::Start, _) if seen == START => {
                kept.extend_from_slice(seen);
                (Self::Marker, Next::see(2))
            }
            (Self::Marker | Self::InScan, [0xff, END]) => {
                kept.extend_from_slice(seen);
                (Self::Marker, Next::rest(Bulk::DROP_REST))
            }
            // Data, and marks between them.
            (Self::InScan, [0xff, 0x00 | 0xd0..=0xd7]) => {
                kept.extend_from_slice(seen);
                in_scan()
            }
            // The first one only fills; the second one begins the marker.
            (Self::Marker | Self::InScan, [0xff, 0xff] | [0xff]) => (self, Next::see(1)),
            (Self::Marker | Self::InScan, [second]) => self.judge(&[0xff, *second], kept),
            (Self::Marker | Self::InScan, [0xff, marker @ (0xc0..=0xcf | 0xda..=0xfe)]) => {
                (Self::Length(*marker), Next::see(2))
            }
            (Self::Length(marker), [high, low]) => {
                let length = u16::from_be_bytes([*high, *low]);
                segment(marker, length, kept)
            }
            (Self::Scan, _) => {
                kept.extend_from_slice(seen);
                in_scan()
            }
            (Self::Exif, _) => {
                let block = seen.strip_prefix(exif::PREFIX);
                if let Some(block) = block.and_then(exif::scrubbed) {
                    head(EXIF, exif::PREFIX.len() + block.len(), kept);
                    kept.extend_from_slice(exif::PREFIX);
                    kept.extend_from_slice(&block);
                }
                (Self::Marker, Next::see(2))
            }
            (Self::Beginning(marker, beginning, n_after), _) => {
                let is_kept = seen == beginning;
                if is_kept {
                    head(marker, seen.len() + n_after, kept);
                    kept.extend_from_slice(seen);
                }
                skip(is_kept, n_after)
            }
            _ => {
                kept.extend_from_slice(seen);
                (Self::Marker, Next::rest(Bulk::KEEP_REST))
            }
        }
    }
}

fn in_scan() -> (State, Next) {
    (State::InScan, Next::after(Bulk::KeepUntil(0xff), 2))
}

/// What becomes of a segment whose length, with its own two bytes, is known.
fn segment(marker: u8, length: u16, kept: &mut Vec<u8>) -> (State, Next) {
    let Some(n_bytes) = usize::from(length).checked_sub(2) else {
        kept.extend_from_slice(&[0xff, marker]);
        kept.extend_from_slice(&length.to_be_bytes());
        return (State::Marker, Next::rest(Bulk::KEEP_REST));
    };
    let of_kept = KEPT
        .iter()
        .find(|(of, beginning)| *of == marker && beginning.len() <= n_bytes);
    match (marker, of_kept) {
        (SCAN, _) => {
            head(marker, n_bytes, kept);
            match n_bytes {
                0 => in_scan(),
                _ => (State::Scan, Next::see(n_bytes)),
            }
        }
        (EXIF, _) if n_bytes > 0 => (State::Exif, Next::see(n_bytes)),
        (_, Some((_, beginning))) => {
            let n_after = n_bytes - beginning.len();
            let state = State::Beginning(marker, beginning, n_after);
            (state, Next::see(beginning.len()))
        }
        (0xe0..=0xef | COMMENT, None) => skip(false, n_bytes),
        _ => {
            head(marker, n_bytes, kept);
            skip(true, n_bytes)
        }
    }
}

fn head(marker: u8, n_bytes: usize, kept: &mut Vec<u8>) {
    kept.extend_from_slice(&[0xff, marker]);
    // With its own two bytes it is a length that was read, or that of an Exif block of ours.
    let length = (n_bytes + 2) as u16;
    kept.extend_from_slice(&length.to_be_bytes());
}

fn skip(is_kept: bool, n_bytes: usize) -> (State, Next) {
    let n_bytes = n_bytes as u64;
    let bulk = match is_kept {
        true => Bulk::Keep(n_bytes),
        false => Bulk::Drop(n_bytes),
    };
    (State::Marker, Next::after(bulk, 2))
}
