//! What a run does.

mod check;

use std::time::Duration;

use serde::Serialize;

/// Which load it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Conversations of two, both of whom write.
    Pairs,
    /// Conversations of a hundred.
    Rooms,
    /// One conversation with everybody in it.
    BigRoom,
    /// Everybody connects and opens conversations, as fast as it goes.
    Storm,
    /// Everybody is connected and silent: what a connection takes of memory.
    Idle,
    /// Everybody is cut off at once and comes back, while messages go on.
    Reconnect,
    /// Pages of the history of conversations, over REST.
    History,
    /// Lists of conversations with what is unread, over REST.
    List,
}

impl Scenario {
    /// All of them with their names on the command line.
    pub const ALL: [(&str, Self); 8] = [
        ("pairs", Self::Pairs),
        ("rooms", Self::Rooms),
        ("big-room", Self::BigRoom),
        ("storm", Self::Storm),
        ("idle", Self::Idle),
        ("reconnect", Self::Reconnect),
        ("history", Self::History),
        ("list", Self::List),
    ];

    /// Whether people talk in it all the time.
    pub fn talks(self) -> bool {
        matches!(self, Self::Pairs | Self::Rooms | Self::BigRoom)
    }

    /// Whether it is all REST.
    pub fn reads(self) -> bool {
        matches!(self, Self::History | Self::List)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, scenario)| *scenario == self);
        found.map_or("", |(name, _)| name)
    }
}

/// When messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Pace {
    /// So many a second in all, at moments that were fixed before: a slow server does not slow the load,
    /// and what waits counts into its latency (no coordinated omission).
    Open {
        /// Messages a second, of all senders together.
        per_second: f64,
    },
    /// Each sender keeps so many messages under way and sends the next at each answer.
    Closed {
        /// Messages that one sender has under way.
        in_flight: usize,
    },
}

/// A run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Which load it is.
    pub scenario: Scenario,
    /// Where the server is: `http://…`, `https://…`.
    pub url: String,
    /// Path of its Socket.IO endpoint.
    pub path: String,
    /// Connections, each of a user of its own; readers in `history` and `list`.
    pub connections: usize,
    /// Connections in one conversation.
    pub size: usize,
    /// Connections that write, as many in each conversation; in `reconnect` they are extra ones, each in
    /// one conversation.
    pub senders: usize,
    /// When they write.
    pub pace: Pace,
    /// How long is measured: everywhere but in `storm`, which ends when all are in. In `reconnect`, how long
    /// messages go on after the cut.
    #[serde(serialize_with = "as_seconds")]
    pub duration: Duration,
    /// How long the load runs before it is measured.
    #[serde(serialize_with = "as_seconds")]
    pub warm_up: Duration,
    /// Bytes of a message's text.
    pub text_bytes: usize,
    /// Share of the connections that poll instead of using a WebSocket, from 0 to 1.
    pub polling: f64,
    /// Connections that are being opened at a time.
    pub at_once: usize,
    /// Conversations of each user in `storm`, `idle` and `reconnect`, of the one user in `list`.
    pub conversations: usize,
    /// Messages in the conversation whose history is read.
    pub messages: usize,
    /// From the set-up to what is measured in `storm`, `idle` and `reconnect`: the server is to forget who
    /// was there.
    #[serde(serialize_with = "as_seconds")]
    pub pause: Duration,
    /// The first user's number; the others follow.
    pub first_user: u64,
    /// Whether the server answers callbacks of `join_conversation`. Without that, nothing tells when it is done.
    pub acks: bool,
    /// Number of the server's process; found by its port if it is not given.
    pub pid: Option<u32>,
    /// Secret to sign a token with for each user (HS256).
    #[serde(skip)]
    pub secret: Option<String>,
}

impl Plan {
    /// What is usual for a scenario, against a server of this machine.
    pub fn usual(scenario: Scenario) -> Self {
        let (connections, size) = match scenario {
            Scenario::Pairs | Scenario::Storm | Scenario::Idle | Scenario::Reconnect => (1_000, 2),
            Scenario::Rooms => (1_000, 100),
            Scenario::BigRoom => (5_000, 5_000),
            Scenario::History | Scenario::List => (8, 2),
        };
        Self {
            scenario,
            url: "http://localhost:3001".to_owned(),
            path: "/socket.io/".to_owned(),
            connections,
            size,
            senders: usual_senders(scenario, connections, size),
            pace: match scenario {
                Scenario::Reconnect => Pace::Open { per_second: 100.0 },
                _ => Pace::Closed { in_flight: 1 },
            },
            duration: Duration::from_secs(10),
            warm_up: Duration::from_secs(3),
            text_bytes: 100,
            polling: 0.0,
            at_once: 64,
            conversations: match scenario {
                Scenario::List => 1_000,
                _ => 5,
            },
            messages: 10_000,
            pause: Duration::from_secs(11),
            first_user: 1_000_000,
            acks: true,
            pid: None,
            secret: None,
        }
    }

    /// The same with other numbers of connections in all and in one conversation, as far as they are given,
    /// and as many senders as are usual for them.
    pub fn sized(self, connections: Option<usize>, size: Option<usize>) -> Self {
        let is_one = self.scenario == Scenario::BigRoom;
        let connections = connections.or(size.filter(|_| is_one));
        let connections = connections.unwrap_or(self.connections);
        let size = size.unwrap_or(if is_one { connections } else { self.size });
        Self {
            connections,
            size,
            senders: usual_senders(self.scenario, connections, size),
            ..self
        }
    }
}

fn usual_senders(scenario: Scenario, connections: usize, size: usize) -> usize {
    let per_conversation = match scenario {
        Scenario::Pairs => return connections,
        Scenario::Reconnect => return connections.min(20),
        Scenario::Rooms | Scenario::BigRoom => 10,
        _ => return 0,
    };
    connections / size.max(1) * size.min(per_conversation)
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}
