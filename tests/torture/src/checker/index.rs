//! A history by what the invariants ask about.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::history::{Ask, Entry, Seen, Told, What, digest};

/// How somebody came to see a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As the answer to a send.
    Answer,
    /// As a live event.
    Live,
    /// By catching up.
    Caught,
    /// In the history.
    Page,
    /// In another dialect.
    Heard,
}

/// A message as somebody saw it in the history, and where that stands.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// Position of the entry.
    pub at: usize,
    /// The message.
    pub seen: &'a Seen,
    /// How.
    pub way: Way,
}

/// What became of a request.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// Done.
    Ok(&'a Told),
    /// Refused for good.
    Fail,
    /// Nobody knows.
    Unknown,
}

/// A request.
#[derive(Debug)]
pub struct Call<'a> {
    /// Position of the entry that makes it.
    pub at: usize,
    /// What it asks.
    pub ask: &'a Ask,
    /// What became of it, and where that stands.
    pub outcomes: Vec<(usize, Outcome<'a>)>,
}

impl<'a> Call<'a> {
    /// Where it was answered that it is done, and the answer.
    pub fn done(&self) -> Option<(usize, &'a Told)> {
        self.outcomes
            .iter()
            .find_map(|(at, outcome)| match outcome {
                Outcome::Ok(told) => Some((*at, *told)),
                _ => None,
            })
    }
}

/// What one send is about: its sender, its conversation, its client's id of it.
pub type Key<'a> = (&'a str, &'a str, &'a str);

/// Rows of one conversation, and where each stands.
pub type RowsBySeq<'a> = BTreeMap<i64, Vec<(usize, &'a Seen)>>;

/// The history, sorted.
pub struct Index<'a> {
    /// As it is.
    pub history: &'a [Entry],
    /// Requests by number.
    pub calls: BTreeMap<u64, Call<'a>>,
    /// All attempts of each send.
    pub sends: HashMap<Key<'a>, Vec<u64>>,
    /// All attempts to change each message.
    pub changes: HashMap<&'a str, Vec<u64>>,
    /// Everything that anybody saw.
    pub sights: Vec<Sight<'a>>,
    /// Rows by conversation and `seq`; several under one `seq` are a fault of their own.
    pub rows: BTreeMap<&'a str, RowsBySeq<'a>>,
    /// Rows by id.
    pub row_of: HashMap<&'a str, (usize, &'a Seen)>,
    /// Which message each `rev` of a conversation is about, as far as anybody saw it.
    pub revs: HashMap<&'a str, BTreeMap<i64, &'a str>>,
    /// The highest `rev` that anybody saw of each message.
    pub last_revs: HashMap<&'a str, i64>,
    /// Number of servers.
    pub n_nodes: usize,
    /// Whether the database was read at the end.
    pub is_whole: bool,
}

impl<'a> Index<'a> {
    /// Sorts a history.
    pub fn new(history: &'a [Entry]) -> Self {
        let mut index = Self {
            history,
            calls: BTreeMap::new(),
            sends: HashMap::new(),
            changes: HashMap::new(),
            sights: Vec::new(),
            rows: BTreeMap::new(),
            row_of: HashMap::new(),
            revs: HashMap::new(),
            last_revs: HashMap::new(),
            n_nodes: 1,
            is_whole: false,
        };
        for (at, entry) in history.iter().enumerate() {
            index.take(at, entry);
        }
        index.note_revs();
        index
    }

    fn take(&mut self, at: usize, entry: &'a Entry) {
        match &entry.what {
            What::Run { n_nodes, .. } => self.n_nodes = *n_nodes,
            What::Invoke { call, ask } => self.invoke(at, entry, *call, ask),
            What::Ok { call, told } => {
                if let Told::Message { message, .. } = told {
                    self.sights.push(Sight {
                        at,
                        seen: message,
                        way: Way::Answer,
                    });
                }
                self.outcome(*call, at, Outcome::Ok(told));
            }
            What::Fail { call, .. } => self.outcome(*call, at, Outcome::Fail),
            What::Unknown { call } => self.outcome(*call, at, Outcome::Unknown),
            What::Received { message } => self.sights.push(Sight {
                at,
                seen: message,
                way: Way::Live,
            }),
            What::Heard { message } => self.sights.push(Sight {
                at,
                seen: message,
                way: Way::Heard,
            }),
            What::Caught { messages, .. } => self.see(at, messages, Way::Caught),
            What::Page { messages, .. } => self.see(at, messages, Way::Page),
            What::Row { message } => {
                let rows = self.rows.entry(&message.conversation).or_default();
                rows.entry(message.seq).or_default().push((at, message));
                self.row_of.insert(&message.id, (at, message));
            }
            What::Head { .. } => self.is_whole = true,
            _ => {}
        }
    }

    fn invoke(&mut self, at: usize, entry: &'a Entry, call: u64, ask: &'a Ask) {
        if let Ask::Send {
            conversation, cmid, ..
        } = ask
        {
            let key = (entry.user(), conversation.as_str(), cmid.as_str());
            self.sends.entry(key).or_default().push(call);
        }
        if let Ask::Change { message, .. } = ask {
            self.changes.entry(message).or_default().push(call);
        }
        self.calls.insert(
            call,
            Call {
                at,
                ask,
                outcomes: Vec::new(),
            },
        );
    }

    fn outcome(&mut self, call: u64, at: usize, outcome: Outcome<'a>) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.outcomes.push((at, outcome));
        }
    }

    fn see(&mut self, at: usize, messages: &'a [Seen], way: Way) {
        self.sights
            .extend(messages.iter().map(|seen| Sight { at, seen, way }));
    }

    fn note_revs(&mut self) {
        let rows = self.row_of.values().map(|(_, seen)| *seen);
        for seen in self
            .sights
            .iter()
            .filter(|sight| sight.way != Way::Heard)
            .map(|sight| sight.seen)
            .chain(rows)
        {
            self.revs
                .entry(&seen.conversation)
                .or_default()
                .insert(seen.rev, &seen.id);
            let last = self.last_revs.entry(&seen.id).or_insert(seen.rev);
            *last = seen.rev.max(*last);
        }
    }

    /// Whether somebody tried to make a message say that.
    pub fn was_changed_to(&self, message: &str, digest: &str) -> bool {
        self.tries_to_change_to(message, digest).next().is_some()
    }

    /// Whether somebody tried to delete the message in that place, before a position in the history.
    pub fn may_be_deleted(&self, conversation: &str, seq: i64, at: usize) -> bool {
        let rows = self.rows.get(conversation).and_then(|rows| rows.get(&seq));
        let nothing = digest("");
        rows.into_iter().flatten().any(|(_, row)| {
            self.tries_to_change_to(&row.id, &nothing)
                .any(|call| call.at < at)
        })
    }

    fn tries_to_change_to<'b>(
        &'b self,
        message: &str,
        digest: &'b str,
    ) -> impl Iterator<Item = &'b Call<'a>> {
        let calls = self.changes.get(message).into_iter().flatten();
        let calls = calls.filter_map(|call| self.calls.get(call));
        calls.filter(move |call| matches!(call.ask, Ask::Change { text, .. } if text == digest))
    }

    /// The entry at a position.
    pub fn entry(&self, at: usize) -> &'a Entry {
        &self.history[at]
    }

    /// Whether a fault was there at any moment between two times.
    pub fn is_disturbed(&self, from_us: u64, to_us: u64) -> bool {
        let mut running: HashSet<&str> = HashSet::new();
        for entry in self.history {
            match &entry.what {
                What::FaultBegins { fault } => {
                    if (from_us..=to_us).contains(&entry.at_us) {
                        return true;
                    }
                    if entry.at_us < from_us {
                        running.insert(fault);
                    }
                }
                What::FaultEnds { fault } => {
                    if (from_us..=to_us).contains(&entry.at_us) {
                        return true;
                    }
                    if entry.at_us < from_us {
                        running.remove(fault.as_str());
                    }
                }
                _ => {}
            }
        }
        !running.is_empty()
    }
}
