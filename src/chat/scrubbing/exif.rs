//! Exif is a TIFF file without a picture (Exif 2.32, section 4.5).

/// Longest block that is looked into, in bytes: as much as JPEG can hold.
pub const MAX_BYTES: usize = 0xffff;
/// What stands before the block in a JPEG file, and sometimes elsewhere.
pub const PREFIX: &[u8] = b"Exif\0\0";
/// Which way up a picture is, from 1 to 8; a short number.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
/// Length of an entry in a directory, in bytes.
const ENTRY_BYTES: usize = 12;

/// A block that says only which way up a picture is.
pub type Upright = [u8; 26];

/// What stays of a block, which is never longer; `None` where it says nothing.
pub fn scrubbed(block: &[u8]) -> Option<Upright> {
    let block = block.strip_prefix(PREFIX).unwrap_or(block);
    let turned = orientation(block).filter(|turned| (1..=8).contains(turned));
    let says_something = block.len() >= size_of::<Upright>();
    says_something.then(|| upright(turned))
}

fn upright(orientation: Option<u16>) -> Upright {
    let mut block = *b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    block[18..20].copy_from_slice(&orientation.unwrap_or(1).to_be_bytes());
    block
}

fn orientation(block: &[u8]) -> Option<u16> {
    let order = match block.get(..4)? {
        b"II\x2a\0" => Order::Little,
        b"MM\0\x2a" => Order::Big,
        _ => return None,
    };
    let directory = block.get(order.long(block, 4)? as usize..)?;
    let n_entries = order.short(directory, 0)?;
    let entries = directory.get(2..)?.chunks_exact(ENTRY_BYTES);
    let mut entries = entries.take(n_entries.into());
    let entry = entries.find(|entry| order.short(entry, 0) == Some(ORIENTATION))?;
    (order.short(entry, 2)? == SHORT)
        .then(|| order.short(entry, 8))
        .flatten()
}

/// Which byte of a number comes first.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn short(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(*bytes),
            Self::Big => u16::from_be_bytes(*bytes),
        })
    }

    fn long(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(*bytes),
            Self::Big => u32::from_be_bytes(*bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_which_way_up_it_is_stays() {
        for turned in 1..=8 {
            let block = upright(Some(turned));
            assert_eq!(orientation(&block), Some(turned));
            let longer = [PREFIX, &block, b"51 N"].concat();
            assert_eq!(scrubbed(&longer), Some(block));
        }
        let other = b"II\x2a\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x04\0\0\0abc\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        assert_eq!(scrubbed(other), Some(upright(Some(6))));
    }

    #[test]
    fn what_makes_no_sense_is_upright_or_nothing() {
        let whole = upright(Some(6));
        for n_bytes in 0..whole.len() {
            assert_eq!(scrubbed(&whole[..n_bytes]), None, "{n_bytes}");
        }
        for wrong in [0, 9, 0xffff] {
            assert_eq!(scrubbed(&upright(Some(wrong))), Some(upright(None)));
        }
        let far = [&b"MM\0\x2a\xff\xff\xff\xff"[..], &[0; 20]].concat();
        assert_eq!(scrubbed(&far), Some(upright(None)));
    }
}
