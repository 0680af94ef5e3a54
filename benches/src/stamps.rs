//! What stands in every message, so that it is known again and its way can be timed.

use std::fmt;

use memchr::memmem;

/// Bytes of a stamp.
pub const LENGTH: usize = 46;
const BEGIN: &str = "~s";
/// The time of a run's first message, in milliseconds since 1970: any will do.
const FIRST_MS: u64 = 1_750_000_000_000;

/// Which message of a run it is, and when it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The run, so that messages of an earlier one are not counted.
    pub run: u32,
    /// The conversation's number in this run.
    pub conversation: u32,
    /// Which of its speakers.
    pub voice: u32,
    /// Messages of a voice are numbered 1, 2, 3 ….
    pub number: u32,
    /// When it was to be sent, in nanoseconds since the run began; 48 bits of it.
    pub at_ns: u64,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (run, conversation, voice) = (self.run, self.conversation, self.voice);
        let (number, at_ns) = (self.number, self.at_ns);
        write!(
            f,
            "{BEGIN}{run:08x}{conversation:08x}{voice:08x}{number:08x}{at_ns:012x}"
        )
    }
}

impl Stamp {
    /// Of a message that is to be there and not to be counted: it makes a conversation or fills a history.
    pub fn uncounted(run: u32, conversation: u32, number: u32, at_ns: u64) -> Self {
        Self {
            // No run has this number; that of this one makes the text a new one.
            run: 0,
            conversation,
            voice: run,
            number,
            at_ns,
        }
    }

    /// What front ends give a message until they hear its id: the time, and something that no other has.
    pub fn temporary_id(&self) -> String {
        let (ms, voice) = (self.at_ns / 1_000_000, self.voice);
        format!("temp_{:013}_{voice:x}.{:x}", FIRST_MS + ms, self.number)
    }

    /// The first stamp in a text.
    pub fn find(text: &str) -> Option<Self> {
        let at = memmem::find(text.as_bytes(), BEGIN.as_bytes())? + BEGIN.len();
        let digits = text.get(at..at + LENGTH - BEGIN.len())?;
        let number = |from: usize| u32::from_str_radix(&digits[from..from + 8], 16).ok();
        Some(Self {
            run: number(0)?,
            conversation: number(8)?,
            voice: number(16)?,
            number: number(24)?,
            at_ns: u64::from_str_radix(&digits[32..], 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let stamp = Stamp {
            run: u32::MAX,
            conversation: 5,
            voice: 0,
            number: 77,
            at_ns: (1 << 48) - 1,
        };
        assert_eq!(stamp.to_string().len(), LENGTH);
        assert_eq!(Stamp::find(&format!("x{stamp}y")), Some(stamp));
        assert_eq!(Stamp::find("~s12"), None);
        assert_eq!(Stamp::find("nothing"), None);
    }
}
