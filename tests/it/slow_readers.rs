//! A client that stops reading is gone within half a minute, and its conversation lives on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::client::{Arrival, Client};
use crate::support::histories::History;
use crate::support::messages::{content, draft};
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::wire::Wire;

/// The promise is thirty seconds, and ten until its user counts as offline.
const GONE_WITHIN: Duration = Duration::from_secs(40);
const CONVERSATION: u64 = 42;
const STALLED_USER: u64 = 9;
/// Size of a text of the flood.
const TEXT_BYTES: usize = 4_000;
/// Messages of the flood that wait for their ack at a time.
const RUN: usize = 100;
/// More than the kernels take for a connection that is not read.
const N_TO_FILL_BUFFERS: usize = 2_500;

on_both_stores!(
    a_flooded_client_that_stops_reading_is_gone_within_half_a_minute,
    a_client_that_takes_nothing_is_gone_in_time_though_little_is_said,
    a_stuck_write_ends_the_connection_after_its_timeout,
    a_silent_client_is_gone_after_the_ping_timeout,
);

async fn a_flooded_client_that_stops_reading_is_gone_within_half_a_minute(store: Store) {
    let server = Server::start(&store).await;
    let mut room = Room::with_a_stalled_member(&server).await;
    let start = Instant::now();
    while !room.heard_of_the_end().await {
        assert!(
            start.elapsed() < GONE_WITHIN,
            "still there after {GONE_WITHIN:?}"
        );
        room.flood(RUN).await;
    }
    room.lives_on(&server).await;
}

async fn a_client_that_takes_nothing_is_gone_in_time_though_little_is_said(store: Store) {
    let server = Server::start(&store).await;
    let mut room = Room::with_a_stalled_member(&server).await;
    // More than its window, and less than the kernel takes for it.
    room.flood(2).await;
    let heard = room.listener.next_within(GONE_WITHIN).await;
    assert_eq!(heard, Some(offline()));
    room.lives_on(&server).await;
}

async fn a_stuck_write_ends_the_connection_after_its_timeout(store: Store) {
    // A queue that the flood does not fill, so that only the timeout can end it.
    let settings = [
        ("WRITE_TIMEOUT_MS", "2000"),
        ("OUTBOUND_PACKETS", "65536"),
        ("OUTBOUND_BYTES", "1000000000"),
    ];
    let server = Server::start_with(&store, &settings).await;
    let mut room = Room::with_a_stalled_member(&server).await;
    for _ in 0..N_TO_FILL_BUFFERS / RUN {
        room.flood(RUN).await;
    }
    assert_eq!(
        room.listener.event("user_offline").await,
        json!({"userId": STALLED_USER})
    );
    assert!(
        server
            .log()
            .contains("a client does not read, its connection is reset")
    );
    room.lives_on(&server).await;
}

async fn a_silent_client_is_gone_after_the_ping_timeout(store: Store) {
    let settings = [("PING_INTERVAL_MS", "300"), ("PING_TIMEOUT_MS", "3000")];
    let server = Server::start_with(&store, &settings).await;
    let mut room = Room::with_a_stalled_member(&server).await;
    assert_eq!(
        room.listener.event("user_offline").await,
        json!({"userId": STALLED_USER})
    );
    room.lives_on(&server).await;
}

/// A conversation with a sender, a listener, and a member who does not read any more.
struct Room {
    sender: Client,
    listener: Client,
    n_sent: usize,
    _stalled: Wire,
}

impl Room {
    async fn with_a_stalled_member(server: &Server) -> Self {
        let sender = server.user(1).await;
        let mut listener = server.user(2).await;
        listener.join_conversation(CONVERSATION).await;
        let mut stalled = Wire::open_with_tiny_buffer(server.port).await;
        stalled.join(None).await.unwrap();
        stalled
            .say(&format!(r#"42["join_conversation",{CONVERSATION}]"#))
            .await;
        stalled
            .say(&format!(r#"42["join_user_room",{STALLED_USER}]"#))
            .await;
        assert_eq!(
            listener.event("user_online").await,
            json!({"userId": STALLED_USER})
        );
        Self {
            sender,
            listener,
            n_sent: 0,
            _stalled: stalled,
        }
    }

    /// Sends so many messages at once; all are acknowledged and heard.
    async fn flood(&mut self, n: usize) {
        let mut asked = Vec::new();
        for _ in 0..n {
            self.n_sent += 1;
            asked.push(self.sender.ask("send_message", &large(self.n_sent)));
        }
        for id in asked {
            let answer = self.sender.ack(id).await;
            assert_eq!(answer["ok"], true, "{answer}");
        }
        self.sender.take_kept();
        for number in self.n_sent - n + 1..=self.n_sent {
            let heard = self.listener.event("new_message").await;
            assert_eq!(heard["content"], large(number)["content"]);
        }
    }

    /// Whether the listener was told that the stalled user is offline.
    async fn heard_of_the_end(&mut self) -> bool {
        // What was said before this answer has arrived with it.
        self.listener.call("leave_conversation", json!(1)).await;
        self.listener.take_kept().contains(&offline())
    }

    /// The others go on talking, nothing is missing, and nobody waits for the one who is gone.
    async fn lives_on(mut self, server: &Server) {
        self.flood(RUN).await;
        let stored = History::read(server, CONVERSATION).await;
        let sent: Vec<Value> = (1..=self.n_sent).map(large).collect();
        assert!(stored.contents().into_iter().eq(sent.iter().map(content)));
        assert!(!server.online_users(3).await.contains(&STALLED_USER));
    }
}

fn offline() -> Arrival {
    let user = json!({"userId": STALLED_USER});
    Arrival::Event("user_offline".to_owned(), user)
}

fn large(number: usize) -> Value {
    let filling = "x".repeat(TEXT_BYTES);
    draft(json!({
        "content": format!("{number} {filling}"), "tempId": format!("large {number}"),
        "conversationId": CONVERSATION,
    }))
}
