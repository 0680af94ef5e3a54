//! PNG: chunks, each with its length, its type and a checksum (W3C PNG, third edition, section 5).

use super::{Bulk, Format, Next, exif};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Of length and type, and of the checksum.
const HEAD_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// Chunks that a viewer can do without, and that stay all the same: colours, sizes, moving pictures. Others
/// are dropped, texts and times among them.
const KEPT: [&[u8; 4]; 16] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"hIST", b"sPLT",
    b"acTL", b"fcTL", b"fdAT", b"cICP", b"mDCV", b"cLLI",
];

/// A PNG file.
#[derive(Default)]
pub struct Png {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Signature,
    Head,
    Exif,
}

impl Format for Png {
    fn n_first(&self) -> usize {
        SIGNATURE.len()
    }

    fn judge(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        match self.state {
            State::Signature if seen == SIGNATURE => {
                kept.extend_from_slice(seen);
                self.state = State::Head;
                Next::see(HEAD_BYTES)
            }
            State::Head => self.judge_head(seen, kept),
            State::Exif => {
                if let Some(block) = exif::scrubbed(&seen[..seen.len() - CHECKSUM_BYTES]) {
                    kept.extend_from_slice(&(block.len() as u32).to_be_bytes());
                    let chunk = [b"eXIf", block.as_slice()].concat();
                    kept.extend_from_slice(&chunk);
                    kept.extend_from_slice(&checksum(&chunk).to_be_bytes());
                }
                self.state = State::Head;
                Next::see(HEAD_BYTES)
            }
            State::Signature => {
                kept.extend_from_slice(seen);
                Next::rest(Bulk::KEEP_REST)
            }
        }
    }
}

impl Png {
    fn judge_head(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next {
        let Some((length, kind)) = split(seen) else {
            kept.extend_from_slice(seen);
            return Next::rest(Bulk::KEEP_REST);
        };
        let n_bytes = u64::from(length) + CHECKSUM_BYTES as u64;
        // A capital letter: no viewer can do without it.
        let is_critical = kind[0].is_ascii_uppercase();
        if kind == b"eXIf" && n_bytes <= exif::MAX_BYTES as u64 {
            self.state = State::Exif;
            return Next::see(n_bytes as usize);
        }
        if !is_critical && !KEPT.contains(&kind) {
            return Next::after(Bulk::Drop(n_bytes), HEAD_BYTES);
        }
        kept.extend_from_slice(seen);
        Next::after(Bulk::Keep(n_bytes), HEAD_BYTES)
    }
}

/// Length and type of a chunk, if that is what these bytes are.
fn split(head: &[u8]) -> Option<(u32, &[u8; 4])> {
    let (length, kind) = head.split_first_chunk()?;
    let kind = kind.first_chunk()?;
    let is_kind = kind.iter().all(u8::is_ascii_alphabetic);
    is_kind.then_some((u32::from_be_bytes(*length), kind))
}

/// CRC-32 as in ISO 3309 (section 5.5), of the few bytes that we write ourselves.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b"IEND"), 0xae42_6082);
    }
}
