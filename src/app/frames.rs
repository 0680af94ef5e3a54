//! Counting the frames of a WebSocket as their bytes pass by (RFC 6455, section 5.2).

/// Longest head of a frame: two bytes, eight of a length, four of a mask.
const MAX_HEAD_BYTES: usize = 14;
/// Shortest frame that a client can send: a head with a mask.
const MIN_FRAME_BYTES: usize = 6;
/// How the head of a request ends.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Where the bytes that a client sends stand.
#[derive(Debug)]
pub enum Frames {
    /// Still requests, which end in these bytes.
    Requests([u8; 4]),
    /// A head of a frame, as far as it is known.
    Head([u8; MAX_HEAD_BYTES], usize),
    /// So many bytes of a frame are missing.
    Body(u64),
    /// The client did not wait for the answer to its request, so nobody knows where its frames begin.
    Unknown,
}

impl Default for Frames {
    fn default() -> Self {
        Self::Requests([0; 4])
    }
}

impl Frames {
    /// From now on, what the client sends are frames: its request to become a WebSocket is answered.
    pub fn begin(&mut self) {
        if let Self::Requests(last) = self {
            *self = match last == END_OF_HEAD {
                true => Self::Head([0; MAX_HEAD_BYTES], 0),
                false => Self::Unknown,
            };
        }
    }

    /// Whether they are frames.
    pub fn have_begun(&self) -> bool {
        !matches!(self, Self::Requests(_))
    }

    /// Takes notice of what came in. Returns how many frames began in it, at least.
    pub fn pass(&mut self, mut bytes: &[u8]) -> usize {
        let mut n_frames = 0;
        while !bytes.is_empty() {
            match self {
                Self::Requests(last) => {
                    for byte in &bytes[bytes.len().saturating_sub(last.len())..] {
                        last.rotate_left(1);
                        last[3] = *byte;
                    }
                    return 0;
                }
                Self::Unknown => return bytes.len() / MIN_FRAME_BYTES,
                Self::Body(n_missing) => {
                    let n = bytes
                        .len()
                        .min(usize::try_from(*n_missing).unwrap_or(usize::MAX));
                    bytes = &bytes[n..];
                    *n_missing -= n as u64;
                    if *n_missing == 0 {
                        *self = Self::Head([0; MAX_HEAD_BYTES], 0);
                    }
                }
                Self::Head(head, n_known) => {
                    head[*n_known] = bytes[0];
                    *n_known += 1;
                    bytes = &bytes[1..];
                    if let Some(n_bytes) = body_bytes(&head[..*n_known]) {
                        n_frames += 1;
                        *self = match n_bytes {
                            0 => Self::Head([0; MAX_HEAD_BYTES], 0),
                            n_bytes => Self::Body(n_bytes),
                        };
                    }
                }
            }
        }
        n_frames
    }
}

/// How long the body of a frame is; `None` while its head is not complete.
fn body_bytes(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let n_length_bytes = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let n_mask_bytes = usize::from(second >> 7) * 4;
    if head.len() < 2 + n_length_bytes + n_mask_bytes {
        return None;
    }
    let length = &head[2..2 + n_length_bytes];
    Some(match n_length_bytes {
        0 => u64::from(second & 0x7f),
        _ => length
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Frames {
        let mut frames = Frames::default();
        assert_eq!(frames.pass(b"GET / HTTP/1.1\r\n\r"), 0);
        assert_eq!(frames.pass(b"\n"), 0);
        frames.begin();
        frames
    }

    fn frame(n_bytes: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match n_bytes {
            0..126 => frame.push(0x80 | n_bytes as u8),
            126..0x1_0000 => {
                frame.push(0xfe);
                frame.extend((n_bytes as u16).to_be_bytes());
            }
            _ => {
                frame.push(0xff);
                frame.extend((n_bytes as u64).to_be_bytes());
            }
        }
        frame.extend([0x11; 4]);
        frame.resize(frame.len() + n_bytes, 0x81);
        frame
    }

    #[test]
    fn frames_of_all_lengths_are_counted_however_they_are_cut() {
        let sizes = [0, 0, 1, 125, 126, 300, 0xffff, 0x1_0000, 0, 5];
        let bytes: Vec<u8> = sizes.into_iter().flat_map(frame).collect();
        for n_together in [1, 7, 4_096, bytes.len()] {
            let mut frames = begun();
            let counted = bytes.chunks(n_together).map(|bytes| frames.pass(bytes));
            assert_eq!(counted.sum::<usize>(), sizes.len(), "{n_together}");
        }
    }

    #[test]
    fn who_does_not_wait_for_the_answer_cannot_hide_frames() {
        let mut frames = Frames::default();
        frames.pass(b"GET / HTTP/1.1\r\n\r\n\x81\xff\x7f");
        frames.begin();
        assert!(frames.have_begun());
        assert_eq!(frames.pass(&[0x80; 600]), 100);
    }

    #[test]
    fn requests_are_no_frames() {
        let mut frames = Frames::default();
        assert_eq!(frames.pass(&[0x81; 1_000]), 0);
        assert!(!frames.have_begun());
    }
}
