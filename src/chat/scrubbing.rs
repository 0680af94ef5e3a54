//! Takes out of pictures and videos what a camera wrote beside what they show: where and when they were
//! taken, with what, and by whom. A file is changed as it arrives, and nothing is decoded: what is drawn
//! stays as it is, byte for byte, and so does which way up it is.

mod exif;
mod jpeg;
mod mp4;
mod png;
mod webp;

/// The longest bytes that are looked at and are no metadata.
const MAX_HEAD_BYTES: usize = 16;

/// A file of a known format on its way through.
pub struct Scrubber {
    format: Box<dyn Format>,
    bulk: Bulk,
    /// How many bytes are looked at together after that.
    n_to_see: usize,
    seen: Vec<u8>,
}

/// What is to become of the next bytes, whatever they are.
enum Bulk {
    Keep(u64),
    Drop(u64),
    /// They become zeros, so that what follows stays where it is.
    Blank(u64),
    /// Kept, up to this byte.
    KeepUntil(u8),
}

impl Bulk {
    /// The rest of a file that is not what it seemed to be, or of which no more is to be known.
    const KEEP_REST: Self = Self::Keep(u64::MAX);
    const DROP_REST: Self = Self::Drop(u64::MAX);

    /// Takes what concerns it from `bytes`; none are left unless it is done.
    fn take(&mut self, bytes: &mut &[u8], kept: &mut Vec<u8>) {
        let n_bytes = match self {
            Self::Keep(n_left) | Self::Drop(n_left) | Self::Blank(n_left) => {
                let n_bytes = usize::try_from(*n_left).map_or(bytes.len(), |n| n.min(bytes.len()));
                *n_left -= n_bytes as u64;
                n_bytes
            }
            Self::KeepUntil(end) => {
                let at = bytes.iter().position(|byte| byte == end);
                at.unwrap_or(bytes.len())
            }
        };
        let taken = bytes.split_off(..n_bytes).unwrap_or_default();
        match self {
            Self::Keep(_) | Self::KeepUntil(_) => kept.extend_from_slice(taken),
            Self::Blank(_) => kept.resize(kept.len() + n_bytes, 0),
            Self::Drop(_) => {}
        }
        if !bytes.is_empty() {
            *self = Self::Keep(0);
        }
    }
}

/// What follows on bytes that were looked at.
struct Next {
    bulk: Bulk,
    n_to_see: usize,
}

impl Next {
    fn see(n_bytes: usize) -> Self {
        Self::after(Bulk::Keep(0), n_bytes)
    }

    fn after(bulk: Bulk, n_to_see: usize) -> Self {
        Self { bulk, n_to_see }
    }

    fn rest(bulk: Bulk) -> Self {
        Self::after(bulk, 1)
    }
}

/// Knows how a file is laid out.
trait Format: Send {
    /// How many of its first bytes are looked at together.
    fn n_first(&self) -> usize;

    /// Judges bytes that were looked at. What is to stay of them goes to `kept`.
    fn judge(&mut self, seen: &[u8], kept: &mut Vec<u8>) -> Next;
}

impl Scrubber {
    /// For a file of that type; `None` for those that stay as they are.
    pub fn of(media_type: &str) -> Option<Self> {
        let format: Box<dyn Format> = match media_type {
            "image/jpeg" => Box::<jpeg::Jpeg>::default(),
            "image/png" => Box::<png::Png>::default(),
            "image/webp" => Box::<webp::Webp>::default(),
            "video/mp4" | "video/quicktime" => Box::<mp4::Mp4>::default(),
            _ => return None,
        };
        Some(Self {
            bulk: Bulk::Keep(0),
            n_to_see: format.n_first(),
            seen: Vec::new(),
            format,
        })
    }

    /// What is kept of the next bytes, and of those that were held back before.
    pub fn scrub(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(self.seen.len() + bytes.len());
        loop {
            self.bulk.take(&mut bytes, &mut kept);
            if bytes.is_empty() {
                return kept;
            }
            let n_bytes = bytes.len().min(self.n_to_see - self.seen.len());
            let (looked_at, rest) = bytes.split_at(n_bytes);
            self.seen.extend_from_slice(looked_at);
            bytes = rest;
            if self.seen.len() == self.n_to_see {
                let next = self.format.judge(&self.seen, &mut kept);
                self.seen.clear();
                self.bulk = next.bulk;
                self.n_to_see = next.n_to_see.max(1);
            }
        }
    }

    /// What is kept of a file that ends in the middle of something.
    pub fn finish(self) -> Vec<u8> {
        match self.n_to_see <= MAX_HEAD_BYTES {
            true => self.seen,
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
