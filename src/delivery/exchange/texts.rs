//! The texts that nodes exchange: a signature, a space, and JSON. Who does not know the secret of the
//! nodes cannot write one.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::Sha256;
use uuid::Uuid;

use crate::chat::News;

/// Digits of a signature.
const SIGNATURE_CHARS: usize = 64;
/// What stands around the news of a text.
const ENVELOPE_BYTES: usize = SIGNATURE_CHARS + 128;

/// What all nodes of one database know, and nobody else.
pub struct Secret(String);

impl Secret {
    /// Takes the secret that the database keeps.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }
}

/// Writes and reads texts.
pub struct Texts {
    mac: Hmac<Sha256>,
    node: String,
    n_written: AtomicU64,
    max_bytes: usize,
}

/// What a node said.
#[derive(Debug)]
pub struct Said {
    /// Which node: a random id of the running process.
    pub node: String,
    /// Its number among the texts of that node, which ascend.
    pub number: u64,
    /// By what it proves that it lives, from time to time.
    pub greeting: Option<Greeting>,
    /// What it said; nothing, when it only said that it is there.
    pub news: Vec<News>,
}

/// How nodes get to know each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// What others are to repeat so that this node believes them.
    pub word: String,
    /// What it heard of the others.
    pub repeated: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    node: &'a str,
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeting: Option<Greeting>,
    #[serde(borrow)]
    news: Vec<&'a RawValue>,
}

impl Texts {
    /// For a node that just starts. No text becomes longer than `max_bytes`.
    pub fn new(secret: &Secret, max_bytes: usize) -> Self {
        let mac = Hmac::new_from_slice(secret.0.as_bytes());
        Self {
            mac: mac.expect("a key of any length is taken"),
            node: Uuid::new_v4().simple().to_string(),
            n_written: AtomicU64::new(0),
            max_bytes,
        }
    }

    /// What the others call this node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The texts for some news, none of them too long; one without news when there are none.
    pub fn write(&self, news: &[News]) -> Vec<String> {
        let room = self.max_bytes.saturating_sub(ENVELOPE_BYTES);
        let written = news.iter().filter_map(|news| fitting(news, room));
        let written: Vec<Box<RawValue>> = written.collect();
        let mut texts = Vec::new();
        let mut rest = written.as_slice();
        loop {
            let (part, later) = rest.split_at(n_fitting(rest, room));
            texts.push(self.seal(None, part));
            rest = later;
            if rest.is_empty() {
                return texts;
            }
        }
    }

    /// The text for a greeting alone.
    pub fn greet(&self, greeting: Greeting) -> String {
        self.seal(Some(greeting), &[])
    }

    fn seal(&self, greeting: Option<Greeting>, news: &[Box<RawValue>]) -> String {
        let n_written = self.n_written.fetch_add(1, Ordering::Relaxed) + 1;
        let envelope = Envelope {
            node: &self.node,
            number: n_written,
            greeting,
            news: news.iter().map(|news| &**news).collect(),
        };
        let json = serde_json::to_string(&envelope).expect("our own types have string keys");
        format!("{} {json}", self.sign(&json))
    }

    fn sign(&self, json: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(json.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// What a text says, also one of this node; `None` for what no node wrote. News of a kind that
    /// this version does not know are left out, and those that cannot be.
    pub fn read(&self, text: &str) -> Option<Said> {
        let (signature, json) = text.split_at_checked(SIGNATURE_CHARS)?;
        let json = json.strip_prefix(' ')?;
        let mut mac = self.mac.clone();
        mac.update(json.as_bytes());
        mac.verify_slice(&hex::decode(signature).ok()?).ok()?;
        let envelope: Envelope = serde_json::from_str(json).ok()?;
        let news = envelope.news.iter();
        let news = news.filter_map(|news| serde_json::from_str(news.get()).ok());
        Some(Said {
            node: envelope.node.to_owned(),
            number: envelope.number,
            greeting: envelope.greeting,
            news: news.filter(News::is_plausible).collect(),
        })
    }
}

/// The news as JSON, or where to look for it when that is too long.
fn fitting(news: &News, room: usize) -> Option<Box<RawValue>> {
    let json = |news: &News| to_raw_value(news).ok();
    let written = json(news)?;
    match written.get().len() <= room {
        true => Some(written),
        false => news.hint().as_ref().and_then(json),
    }
}

/// How many of them fit into one text; at least one.
fn n_fitting(news: &[Box<RawValue>], room: usize) -> usize {
    let mut n_bytes = 0;
    let fits = |length: &usize| {
        n_bytes += length + 1;
        n_bytes <= room
    };
    let lengths = news.iter().map(|news| news.get().len());
    lengths.take_while(fits).count().max(1).min(news.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Moved;

    fn texts(secret: &str, max_bytes: usize) -> Texts {
        Texts::new(&Secret::new(secret.into()), max_bytes)
    }

    fn profile(id: &str) -> News {
        News::Profile(id.into())
    }

    #[test]
    fn what_one_node_writes_the_others_read() {
        let (one, other) = (texts("s", 10_000), texts("s", 10_000));
        let written = one.write(&[profile("ali"), profile("veli")]);
        assert_eq!(written.len(), 1);
        let said = other.read(&written[0]).unwrap();
        assert_eq!((said.number, said.news.len()), (1, 2));
        assert_eq!(one.read(&written[0]).unwrap().node, one.node(), "one's own");
        let heartbeat = one.write(&[]);
        assert_eq!(other.read(&heartbeat[0]).unwrap().news.len(), 0);
        let greeting = Greeting {
            word: "w".into(),
            repeated: vec!["v".into()],
        };
        let text = one.greet(greeting.clone());
        assert_eq!(other.read(&text).unwrap().greeting, Some(greeting));
    }

    #[test]
    fn what_no_node_wrote_is_not_read() {
        let (one, other) = (texts("s", 10_000), texts("t", 10_000));
        let text = one.write(&[profile("ali")]).remove(0);
        assert!(other.read(&text).is_none());
        let node = texts("s", 10_000);
        assert!(node.read(&text).is_some());
        for wrong in [
            String::new(),
            "junk".into(),
            "é".repeat(64),
            text.replace("ali", "ala"),
            text[1..].to_owned(),
            text.replacen(' ', "", 1),
        ] {
            assert!(node.read(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn news_from_places_that_there_cannot_be_are_left_out() {
        let (one, other) = (texts("s", 10_000), texts("s", 10_000));
        let moved = |rev, seq, facts_in| {
            News::Moved(Moved {
                conversation: "c".into(),
                rev,
                seq,
                facts_in,
            })
        };
        let wrong = [
            moved(-1, 1, 1),
            moved(1, i64::MIN, 1),
            moved(1, 1, -1),
            moved(i64::MAX, 1, 1),
        ];
        let text = one.write(&wrong).remove(0);
        assert_eq!(other.read(&text).unwrap().news.len(), 0);
        let text = one.write(&[moved(1, 1, 0), moved(1 << 53, 1, 1)]).remove(0);
        assert_eq!(other.read(&text).unwrap().news.len(), 2);
    }

    #[test]
    fn long_news_are_parted_and_nothing_is_longer_than_what_is_carried() {
        let (one, other) = (texts("s", 600), texts("s", 600));
        let news: Vec<News> = (0..40).map(|n| profile(&format!("user-{n:03}"))).collect();
        let written = one.write(&news);
        assert!(written.len() > 1 && written.iter().all(|text| text.len() <= 600));
        let read = written.iter().filter_map(|text| other.read(text));
        assert_eq!(read.map(|said| said.news.len()).sum::<usize>(), 40);
        let long = News::LobbyRooms(vec!["x".repeat(1_000)]);
        assert_eq!(
            one.write(&[long]).len(),
            1,
            "what is in no database is left out"
        );
    }
}
