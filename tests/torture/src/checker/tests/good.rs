//! A history in which nothing is wrong, with a little of everything.

use std::collections::BTreeMap;

use crate::history::{Ask, Entry, Seen, Told, What};

/// The conversation that it is about.
pub const ROOM: &str = "room";
/// The file that is stored in it.
const FILE: &str = "digest of a file";
/// A moment after which an answer is late.
const LATE_US: u64 = 30_000_000;

/// A history that is being written.
pub struct Story {
    /// What there is of it.
    pub history: Vec<Entry>,
    now_us: u64,
    n_calls: u64,
}

impl Story {
    /// Goes on with a history.
    pub fn continued(history: &[Entry]) -> Self {
        Self {
            history: history.to_vec(),
            now_us: history.last().map_or(0, |last| last.at_us),
            n_calls: 1_000,
        }
    }

    /// Lets something happen, a millisecond later.
    pub fn push(&mut self, who: &str, conn: u32, what: What) {
        self.now_us += 1_000;
        let who = who.to_owned();
        self.history.push(Entry {
            at_us: self.now_us,
            who,
            conn,
            what,
        });
    }

    /// Lets somebody ask for something. Returns the number of the request.
    pub fn invoke(&mut self, who: &str, conn: u32, ask: Ask) -> u64 {
        self.n_calls += 1;
        let call = self.n_calls;
        self.push(who, conn, What::Invoke { call, ask });
        call
    }

    /// Lets so much time pass that every answer would be late.
    pub fn wait(&mut self) {
        self.now_us += LATE_US;
    }

    fn ok(&mut self, who: &str, call: u64, told: Told) {
        self.push(who, 1, What::Ok { call, told });
    }

    fn open(&mut self, who: &str, conn: u32, rev: i64) {
        let since = BTreeMap::from([(ROOM.to_owned(), rev)]);
        self.push(who, conn, What::Open { since });
    }

    fn sent(&mut self, who: &str, call: u64, message: &Seen) {
        let message = message.clone();
        self.ok(
            who,
            call,
            Told::Message {
                message,
                duplicate: false,
            },
        );
    }

    fn heard(&mut self, who: &str, conn: u32, message: &Seen) {
        let message = Seen {
            cmid: None,
            ..message.clone()
        };
        self.push(who, conn, What::Received { message });
    }
}

/// A message whose text is its own id at its client.
pub fn message(seq: i64, rev: i64, sender: &str, cmid: &str) -> Seen {
    Seen {
        conversation: ROOM.to_owned(),
        id: format!("m{seq}"),
        seq,
        rev,
        sender: sender.to_owned(),
        cmid: Some(cmid.to_owned()),
        text: cmid.to_owned(),
        state: Some(cmid.to_owned()),
    }
}

/// The request for that message.
pub fn send(cmid: &str) -> Ask {
    Ask::Send {
        conversation: ROOM.to_owned(),
        cmid: cmid.to_owned(),
        text: cmid.to_owned(),
        rest: false,
    }
}

/// Ada and Bob write, Bob is away for a while, Cem is removed, Ada stores a file.
pub fn good() -> Vec<Entry> {
    let mut story = Story::continued(&[]);
    story.n_calls = 0;
    let members = ["ada", "bob", "cem"].map(str::to_owned).to_vec();
    let run = What::Run {
        seed: 1,
        setup: "sqlite".to_owned(),
        n_nodes: 1,
    };
    story.push("harness", 0, run);
    story.push(
        "harness",
        0,
        What::Conversation {
            conversation: ROOM.to_owned(),
            members,
        },
    );
    let messages = [
        message(1, 1, "ada", "ada-1"),
        message(2, 2, "ada", "ada-2"),
        message(3, 3, "bob", "bob-1"),
        message(4, 4, "ada", "ada-3"),
    ];
    load(&mut story, &messages);
    end(&mut story, &messages);
    story.history
}

fn load(story: &mut Story, messages: &[Seen; 4]) {
    story.open("ada/d1", 1, 0);
    story.open("bob/d2", 1, 0);
    let calls = ["ada-1", "ada-2"].map(|cmid| story.invoke("ada/d1", 1, send(cmid)));
    for (call, message) in calls.into_iter().zip(messages) {
        story.sent("ada/d1", call, message);
        story.heard("ada/d1", 1, message);
        story.heard("bob/d2", 1, message);
    }
    let call = story.invoke("bob/d2", 1, send("bob-1"));
    story.sent("bob/d2", call, &messages[2]);
    story.heard("ada/d1", 1, &messages[2]);
    // Bob is gone before he hears of it himself.
    story.push("bob/d2", 1, What::Close);
    let out = Ask::Member {
        conversation: ROOM.to_owned(),
        user: "cem".to_owned(),
        is_in: false,
    };
    let call = story.invoke("ada/rest", 0, out);
    story.ok("ada/rest", call, Told::Done);
    let call = story.invoke("ada/d1", 1, send("ada-3"));
    story.sent("ada/d1", call, &messages[3]);
    story.heard("ada/d1", 1, &messages[3]);
    story.open("bob/d2", 2, 2);
    let caught = What::Caught {
        conversation: ROOM.to_owned(),
        messages: messages[2..].to_vec(),
    };
    story.push("bob/d2", 2, caught);
    for up_to in [2, 4] {
        let call = story.invoke(
            "bob/d2",
            2,
            Ask::Read {
                conversation: ROOM.to_owned(),
            },
        );
        story.ok(
            "bob/d2",
            call,
            Told::Marker {
                last_read_seq: up_to,
            },
        );
        let marker = What::Marker {
            conversation: ROOM.to_owned(),
            user: "bob".to_owned(),
            last_read_seq: up_to,
        };
        story.push("ada/d1", 1, marker);
    }
    for (who, other) in [("ada/d1", "bob"), ("bob/d2", "ada")] {
        let call = story.invoke(
            who,
            2,
            Ask::Pair {
                user: other.to_owned(),
            },
        );
        let conversation = "pair".to_owned();
        story.ok(
            who,
            call,
            Told::Conversation {
                conversation,
                created: other == "bob",
            },
        );
    }
    let (id, file) = ("f1".to_owned(), FILE.to_owned());
    let call = story.invoke("ada/rest", 0, Ask::Upload { file: file.clone() });
    story.ok("ada/rest", call, Told::File { id: id.clone() });
    let file = Some(file);
    story.push("ada/rest", 0, What::Fetched { id, file });
    let conversation = ROOM.to_owned();
    story.push(
        "ada/walker",
        0,
        What::Walk {
            walk: 50,
            conversation: conversation.clone(),
        },
    );
    let messages = messages.to_vec();
    story.push(
        "ada/walker",
        0,
        What::Page {
            walk: 50,
            conversation,
            messages,
            is_last: true,
        },
    );
}

fn end(story: &mut Story, messages: &[Seen; 4]) {
    story.push("harness", 0, What::Healed);
    story.wait();
    for (who, conn) in [("ada/d1", 1), ("bob/d2", 2)] {
        story.push(who, conn, What::Complete);
        story.push(who, conn, What::Close);
    }
    story.push(
        "harness",
        0,
        What::Leftover {
            name: "files".to_owned(),
            before: 20,
            after: 21,
        },
    );
    for message in messages {
        let message = Seen {
            state: None,
            ..message.clone()
        };
        story.push("harness", 0, What::Row { message });
    }
    let file = || Some(FILE.to_owned());
    // The second was never complete, and the third came no further than the database.
    for (id, row, blob) in [
        ("f1", file(), file()),
        ("f2", Some(String::new()), file()),
        ("f3", Some(String::new()), None),
    ] {
        let id = id.to_owned();
        story.push("harness", 0, What::File { id, row, blob });
    }
    let conversation = ROOM.to_owned();
    let preview = Some([0, 0].map(|_| "ada-3".to_owned()));
    story.push(
        "harness",
        0,
        What::Head {
            conversation: conversation.clone(),
            pair: None,
            last_seq: 4,
            last_rev: 4,
            preview,
        },
    );
    story.push(
        "harness",
        0,
        What::Shown {
            conversation,
            user: "bob".to_owned(),
            last_seq: 4,
            last_rev: 4,
            last_read_seq: 4,
            unread: 0,
            shown_seq: Some(4),
        },
    );
}
