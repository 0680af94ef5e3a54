//! What happened in a run, one entry after the other: what the checker judges, and what is kept of a
//! run that failed, as JSON lines.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the run began, on a clock that nobody moves.
    pub at_us: u64,
    /// Which client: `user/device`. The harness itself is `harness`.
    pub who: String,
    /// Which connection of that client, counted from 1.
    pub conn: u32,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

impl Entry {
    /// The user whose client this is.
    pub fn user(&self) -> &str {
        user_of(&self.who)
    }
}

/// The user of a client.
pub fn user_of(who: &str) -> &str {
    who.split('/').next().unwrap_or(who)
}

/// A message as somebody saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its conversation.
    pub conversation: String,
    /// Its id.
    pub id: String,
    /// Its place among the messages.
    pub seq: i64,
    /// Its place among the changes.
    pub rev: i64,
    /// Who it says has sent it.
    pub sender: String,
    /// The sender's own id of it; others do not see it.
    pub cmid: Option<String>,
    /// Digest of the text.
    pub text: String,
    /// Digest of everything that all who look at the same `rev` must see alike; unknown of rows.
    pub state: Option<String>,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Store a message.
    Send {
        /// Where.
        conversation: String,
        /// The client's own id of it.
        cmid: String,
        /// Digest of the text.
        text: String,
        /// By REST instead of by socket.
        rest: bool,
    },
    /// Change what a message of one's own says, or delete it.
    Change {
        /// Where.
        conversation: String,
        /// Which message.
        message: String,
        /// Digest of the new text; that of no text when it is deleted.
        text: String,
    },
    /// Put a reaction on a message, or take it away.
    React {
        /// Where.
        conversation: String,
        /// Which message.
        message: String,
    },
    /// Move the read marker.
    Read {
        /// Where.
        conversation: String,
    },
    /// Look into a conversation: history, or its screen.
    Look {
        /// Where.
        conversation: String,
    },
    /// Who takes part: add or remove somebody.
    Member {
        /// Where.
        conversation: String,
        /// Whom.
        user: String,
        /// Whether they are to take part from now on.
        is_in: bool,
    },
    /// The conversation with another user, made if it is not there.
    Pair {
        /// The other one.
        user: String,
    },
    /// End the token of one device.
    Revoke {
        /// The device, as in [`Entry::who`].
        device: String,
    },
    /// Store a file.
    Upload {
        /// SHA-256 of its bytes.
        file: String,
    },
    /// What changed since.
    Sync,
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// The message that is stored.
    Message {
        /// It.
        message: Seen,
        /// An earlier send had stored it.
        duplicate: bool,
    },
    /// Where the read marker stands.
    Marker {
        /// At this `seq`.
        last_read_seq: i64,
    },
    /// The conversation that was asked for.
    Conversation {
        /// Its id.
        conversation: String,
        /// Whether it is new.
        created: bool,
    },
    /// Where the file is.
    File {
        /// Its id.
        id: String,
    },
    /// That it was done.
    Done,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum What {
    /// The run: its seed, its set-up and how many nodes it has.
    Run {
        /// Repeats the run's plan.
        seed: u64,
        /// Name of the set-up.
        setup: String,
        /// Servers.
        n_nodes: usize,
    },
    /// A conversation that the harness made, and who takes part from the start.
    Conversation {
        /// Its id.
        conversation: String,
        /// Users.
        members: Vec<String>,
    },
    /// A connection has joined, and asked for what came after these positions.
    Open {
        /// Last `rev` by conversation.
        since: BTreeMap<String, i64>,
    },
    /// A connection ended, whoever ended it.
    Close,
    /// A request goes out.
    Invoke {
        /// Number of the request.
        call: u64,
        /// What it asks.
        #[serde(flatten)]
        ask: Ask,
    },
    /// It was done.
    Ok {
        /// Number of the request.
        call: u64,
        /// The answer.
        #[serde(flatten)]
        told: Told,
    },
    /// It was refused for good.
    Fail {
        /// Number of the request.
        call: u64,
        /// Code of the refusal.
        code: String,
    },
    /// Nobody knows whether it was done.
    Unknown {
        /// Number of the request.
        call: u64,
    },
    /// A live event with a message.
    Received {
        /// The message.
        message: Seen,
    },
    /// The answer to a catch-up, of one conversation.
    Caught {
        /// The conversation.
        conversation: String,
        /// In the order of the answer.
        messages: Vec<Seen>,
    },
    /// The conversation must be loaded anew: there is no telling what changed.
    Reset {
        /// The conversation.
        conversation: String,
    },
    /// The conversation is not the caller's any more.
    Gone {
        /// The conversation.
        conversation: String,
    },
    /// A walk through the history begins.
    Walk {
        /// Number of the walk.
        walk: u64,
        /// The conversation.
        conversation: String,
    },
    /// A page of a walk through the history.
    Page {
        /// Number of the walk.
        walk: u64,
        /// The conversation.
        conversation: String,
        /// In the order of the answer.
        messages: Vec<Seen>,
        /// Whether the walk ends here.
        is_last: bool,
    },
    /// A live event: somebody's read marker moved.
    Marker {
        /// The conversation.
        conversation: String,
        /// Whose.
        user: String,
        /// To this `seq`.
        last_read_seq: i64,
    },
    /// A live event in another dialect that shows a message.
    Heard {
        /// The message.
        message: Seen,
    },
    /// A file was fetched.
    Fetched {
        /// Its id.
        id: String,
        /// SHA-256 of what came; `None` where there is no such file.
        file: Option<String>,
    },
    /// A fault begins or, if it has no length, happens.
    FaultBegins {
        /// What.
        fault: String,
    },
    /// A fault is over.
    FaultEnds {
        /// What.
        fault: String,
    },
    /// A server ended by itself; the harness started it again, as a process manager would.
    Ended {
        /// The fault that was just over.
        fault: String,
    },
    /// All faults are over, and nothing new is asked for.
    Healed,
    /// Nobody waits for an answer any more. What a client asked for that has gone may still come.
    Settled {
        /// The last `rev` of each conversation.
        heads: BTreeMap<String, i64>,
    },
    /// The client is sure that it has everything now.
    Complete,
    /// What a server still holds after all clients have gone, and what it held before they came.
    Leftover {
        /// What is counted.
        name: String,
        /// Before.
        before: u64,
        /// After.
        after: u64,
    },
    /// A message as the database has it.
    Row {
        /// The message.
        message: Seen,
    },
    /// A file as it is kept.
    File {
        /// Its id.
        id: String,
        /// SHA-256 as the database has it; empty before the file is complete. `None` without a row.
        row: Option<String>,
        /// SHA-256 of what is on disk; `None` where nothing is.
        blob: Option<String>,
    },
    /// A conversation as the database has it.
    Head {
        /// The conversation.
        conversation: String,
        /// The two people of a direct conversation.
        pair: Option<[String; 2]>,
        /// Messages.
        last_seq: i64,
        /// Changes.
        last_rev: i64,
        /// Digest of the preview of the newest message, and of what it should be.
        preview: Option<[String; 2]>,
    },
    /// A conversation as REST shows it to one of its users, after everything.
    Shown {
        /// The conversation.
        conversation: String,
        /// To whom.
        user: String,
        /// Messages.
        last_seq: i64,
        /// Changes.
        last_rev: i64,
        /// Their marker.
        last_read_seq: i64,
        /// Their count.
        unread: i64,
        /// `seq` of the newest message that it shows.
        shown_seq: Option<i64>,
    },
}

/// A digest of a text: equal texts have equal ones.
pub fn digest(text: &str) -> String {
    // The hasher has fixed keys, so digests of two runs can be compared.
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The SHA-256 of a file, as the server writes it.
pub fn sha256(file: &[u8]) -> String {
    hex::encode(Sha256::digest(file))
}

impl Seen {
    /// Whether it says nothing any more. Clients of the harness send no empty messages.
    pub fn is_deleted(&self) -> bool {
        self.text == digest("")
    }

    /// A message as `native` shows it; `None` for what is none.
    pub fn from_native(message: &Value) -> Option<Self> {
        let text = |name: &str| message[name].as_str().map(str::to_owned);
        let state = [
            "kind",
            "content",
            "file",
            "metadata",
            "replyTo",
            "reactions",
            "createdAt",
            "editedAt",
            "deletedAt",
        ];
        let state: Vec<&Value> = state.iter().map(|name| &message[name]).collect();
        Some(Self {
            conversation: text("conversationId")?,
            id: text("id")?,
            seq: message["seq"].as_i64()?,
            rev: message["rev"].as_i64()?,
            sender: text("senderId")?,
            cmid: text("clientMessageId"),
            text: digest(message["content"].as_str().unwrap_or_default()),
            state: serde_json::to_string(&state).ok().map(|text| digest(&text)),
        })
    }
}
