//! Texts that nodes exchange: only what was signed is read, and whatever it says, each change is told
//! once and in order.
//!
//! An input begins with `r` and is a text as it is, or with `s` and is one envelope a line, each of which
//! is signed with the right secret.

use std::collections::HashMap;
use std::time::Duration;

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sohbet::chat::{Moved, News};
use sohbet::delivery::{Missing, Position, Repaired, Secret, Sequencer, Stretch, Texts, Turn};
use tokio::time::Instant;

use crate::{MAX_INPUT_BYTES, Target};

const SECRET: &str = "what all nodes of one database know";
/// More than a text of any input needs.
const MAX_TEXT_BYTES: usize = 8 * MAX_INPUT_BYTES;

/// A node that hears others.
pub struct Bus {
    texts: Texts,
    mac: Hmac<Sha256>,
}

impl Target for Bus {
    fn start() -> Self {
        let mac = Hmac::new_from_slice(SECRET.as_bytes());
        Self {
            texts: Texts::new(&Secret::new(SECRET.to_owned()), MAX_TEXT_BYTES),
            mac: mac.unwrap(),
        }
    }

    fn run(&self, input: &[u8]) {
        let input = &input[..input.len().min(MAX_INPUT_BYTES)];
        let Some((kind, rest)) = input.split_first() else {
            return;
        };
        let Ok(rest) = std::str::from_utf8(rest) else {
            return;
        };
        if *kind != b's' {
            assert!(self.texts.read(rest).is_none(), "read without a signature");
            return;
        }
        let mut told = Told::default();
        for json in rest.lines() {
            let text = format!("{} {json}", self.sign(json));
            let Some(said) = self.texts.read(&text) else {
                continue;
            };
            self.assert_same_again(&said.news);
            for news in &said.news {
                told.take(news);
            }
        }
        told.repair_all();
    }
}

impl Bus {
    fn sign(&self, json: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(json.as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What was read is written so that others read as much of it.
    fn assert_same_again(&self, news: &[News]) {
        let written = self.texts.write(news);
        let read = written.iter().map(|text| self.texts.read(text).unwrap());
        assert_eq!(read.map(|said| said.news.len()).sum::<usize>(), news.len());
    }
}

/// What is told of each conversation.
#[derive(Default)]
struct Told {
    sequencer: Sequencer<i64>,
    last: HashMap<String, i64>,
}

impl Told {
    fn take(&mut self, news: &News) {
        let (at, is_whole) = match (news, news.hint()) {
            (News::Moved(at), _) => (at.clone(), false),
            (_, Some(News::Moved(at))) => (at, true),
            _ => return,
        };
        let now = Instant::now();
        if !is_whole {
            let since = DateTime::UNIX_EPOCH;
            return self
                .sequencer
                .discover(&at.conversation, place(&at), since, now);
        }
        let turn = self
            .sequencer
            .offer(&at.conversation, place(&at), at.rev, now);
        if let Turn::Now(ready) = turn {
            let id = at.conversation.as_str();
            ready.into_iter().for_each(|rev| self.tell(id, rev));
        }
    }

    /// The database fills all holes: with the last change of each.
    fn repair_all(&mut self) {
        let due = self.sequencer.due(Duration::ZERO, Instant::now());
        for Missing {
            conversation: id,
            told,
            ..
        } in due
        {
            let head = self.last.values().copied().max().unwrap_or_default();
            let head = Position {
                rev: head.max(told.rev),
                seq: told.seq,
            };
            let rows = match head.rev > told.rev {
                true => vec![(head.rev, head.rev)],
                false => Vec::new(),
            };
            let stretch = Stretch {
                after: told,
                rows,
                head,
            };
            let tell = |rev, _| rev;
            let steps = self.sequencer.repair(&id, stretch, Instant::now(), tell);
            for step in steps.into_iter().flatten() {
                if let Repaired::Told(rev) = step {
                    self.tell(id.as_str(), rev);
                }
            }
        }
        self.sequencer.give_up();
    }

    fn tell(&mut self, id: &str, rev: i64) {
        let last = self.last.insert(id.to_owned(), rev);
        assert!(last.is_none_or(|last| last < rev), "{rev} after {last:?}");
    }
}

fn place(at: &Moved) -> Position {
    Position {
        rev: at.rev,
        seq: at.seq,
    }
}
