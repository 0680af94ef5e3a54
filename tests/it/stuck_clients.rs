//! Clients that take nothing cost little, are soon gone, and hear nothing that is not theirs any more.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::api_tokens::{create, revoke};
use crate::support::client::{Arrival, Client};
use crate::support::messages::draft;
use crate::support::polling::Polling;
use crate::support::server::Server;
use crate::support::sockets::{live_sockets, live_sockets_of};
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;
use crate::support::{soon, within};

/// The promise is thirty seconds, and ten until its user counts as offline.
const GONE_WITHIN: Duration = Duration::from_secs(42);
/// The promise is a second; asking takes a moment, too.
const CUT_WITHIN: Duration = Duration::from_secs(2);
/// The promise itself, which one of some tries keeps.
const PROMISE: Duration = Duration::from_secs(1);
/// A machine that does other things as well may be slow more than once.
const N_TRIES: usize = 5;
/// Only what a test is about ends its stuck clients.
const PATIENT: [(&str, &str); 6] = [
    ("JWT_SECRET", SECRET),
    ("UNLIMITED_ADDRESSES", "127.0.0.1"),
    ("OUTBOUND_PACKETS", "65536"),
    ("OUTBOUND_BYTES", "1000000000"),
    ("WRITE_TIMEOUT_MS", "600000"),
    ("PING_TIMEOUT_MS", "600000"),
];
/// Texts that fill the buffers of a connection that is not read.
const N_TO_FILL_BUFFERS: usize = 200;
const TEXT_BYTES: usize = 60_000;
/// Said when a client must not hear any more.
const SECRET_TEXT: &str = "not for everybody";

on_both_stores!(
    a_stuck_client_is_cut_within_a_second_when_its_token_is_revoked,
    a_stuck_member_hears_nothing_from_its_removal_on,
);

async fn a_stuck_client_is_cut_within_a_second_when_its_token_is_revoked(store: Store) {
    let server = Server::start_with(&store, &PATIENT).await;
    let mut took = Vec::new();
    for _ in 0..N_TRIES {
        took.push(revoke_of_a_stuck_client(&server, &store).await);
        if took.last() < Some(&PROMISE) {
            return;
        }
    }
    panic!("it took {took:?}");
}

/// Returns how long it takes until the socket is gone.
async fn revoke_of_a_stuck_client(server: &Server, store: &Store) -> Duration {
    let revoked = create(store, "7", &[]).await;
    let mut stuck = Wire::open_with_tiny_buffer(server.port).await;
    let auth = json!({"token": revoked.secret, "dialect": "messaging"});
    stuck.join(Some(&auth)).await.unwrap();
    stuck.say(r#"42["join_user_room",7]"#).await;
    let mut sender = user(server, "1", "messaging").await;
    flood(&mut sender, "send_message", &json!({"receiverId": 7})).await;
    assert_eq!(live_sockets_of(server, "7").await, 1);

    revoke(store, &revoked).await;
    let revoked_at = Instant::now();
    within(CUT_WITHIN, "the end of its socket", async {
        while live_sockets_of(server, "7").await > 0 {}
    })
    .await;
    let took = revoked_at.elapsed();
    assert!(took < CUT_WITHIN);
    let secret = draft(json!({"receiverId": 7, "content": SECRET_TEXT}));
    sender.ask_ok("send_message", secret).await;
    while let Some(frame) = stuck.hear().await {
        assert!(!frame.contains(SECRET_TEXT));
    }
    took
}

async fn a_stuck_member_hears_nothing_from_its_removal_on(store: Store) {
    let server = Server::start_with(&store, &PATIENT).await;
    let mut owner = user(&server, "a", "native").await;
    let mut stuck = Wire::open_with_tiny_buffer(server.port).await;
    let auth = json!({"token": token("b", None, SECRET), "dialect": "native"});
    stuck.join(Some(&auth)).await.unwrap();
    let room = json!({"name": "The room", "userIds": ["b"]});
    let room = owner.ask_ok("create_room", room).await["data"]["conversation"]["id"].take();
    let place = json!({"conversationId": room});
    flood(&mut owner, "send_message", &place).await;

    let removed = json!({"conversationId": room, "userId": "b"});
    owner.ask_ok("remove_participant", removed).await;
    let secret = json!({"conversationId": room, "content": SECRET_TEXT});
    owner.ask_ok("send_message", secret).await;
    let pair = owner
        .ask_ok("create_conversation", json!({"userId": "b"}))
        .await;
    let pair = &pair["data"]["conversation"]["id"];
    let last = json!({"conversationId": pair, "content": "the last word"});
    owner.ask_ok("send_message", last).await;
    let mut n_heard = 0;
    loop {
        let frame = stuck.hear().await.expect("it is not closed");
        assert!(!frame.contains(SECRET_TEXT));
        n_heard += usize::from(frame.contains("flood "));
        if frame.contains("the last word") {
            break;
        }
    }
    assert_eq!(n_heard, N_TO_FILL_BUFFERS, "what was said before is heard");
}

#[tokio::test]
async fn a_polling_client_that_does_not_poll_is_gone_within_half_a_minute() {
    // Pings alone would let it stay.
    let settings = [
        ("PING_INTERVAL_MS", "10000"),
        ("PING_TIMEOUT_MS", "3600000"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let mut listener = server.user(2).await;
    let gone = Polling::open(server.port).await;
    gone.say(r#"42["join_user_room",9]"#).await;
    let there = Polling::open(server.port).await;
    there.say(r#"42["join_user_room",8]"#).await;
    for _ in 0..2 {
        listener.event("user_online").await;
    }
    let polls = async {
        loop {
            there.hear().await;
        }
    };
    let gone = async { while listener.next_within(GONE_WITHIN).await != Some(offline(9)) {} };
    tokio::select! {
        () = within(GONE_WITHIN, "the end of the one who does not poll", gone) => {}
        () = polls => {}
    }
    let online = server.online_users(3).await;
    assert!(online.contains(&8) && !online.contains(&9), "{online:?}");
}

#[tokio::test]
async fn who_reads_is_never_too_slow() {
    // Much less than what is said in all.
    let settings = [("OUTBOUND_BYTES", "100000")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let mut sender = server.user(1).await;
    let mut receiver = server.user(2).await;
    let polling = Polling::open(server.port).await;
    polling.say(r#"42["join_user_room",2]"#).await;
    for round in 0..40 {
        for number in 0..10 {
            let text = format!("{round} {number} {}", "x".repeat(4_000));
            sender
                .ask_ok("send_message", draft(json!({"content": text})))
                .await;
            receiver.event("new_message").await;
        }
        let mut n_polled = 0;
        while n_polled < 10 {
            let packets = polling.hear().await;
            let messages = packets.iter().filter(|it| it.contains("new_message"));
            n_polled += messages.count();
        }
    }
    // Nor is a page that is longer than what may wait.
    let page = server.messages("conversationId=42&limit=100").await;
    assert_eq!(page.len(), 100);
    receiver.ask_ok("join_conversation", json!(42)).await;
}

#[tokio::test]
async fn many_stuck_clients_take_little_memory_and_are_all_gone() {
    const N_STUCK: usize = 150;
    let settings = [
        ("JWT_SECRET", SECRET),
        ("UNLIMITED_ADDRESSES", "127.0.0.1"),
        ("OUTBOUND_BYTES", "262144"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let mut stuck = Vec::new();
    for _ in 0..N_STUCK {
        let mut wire = Wire::open_with_tiny_buffer(server.port).await;
        let auth = json!({"token": token("7", None, SECRET), "dialect": "messaging"});
        wire.join(Some(&auth)).await.unwrap();
        wire.say(r#"42["join_user_room",7]"#).await;
        stuck.push(wire);
    }
    let mut sender = user(&server, "1", "messaging").await;
    let before_kb = server.peak_memory_kb();
    let mut n_sent = 0;
    // Each is told 12 MB or more, unless it is gone before.
    while live_sockets(&server).await > 1 {
        flood(&mut sender, "send_message", &json!({"receiverId": 7})).await;
        n_sent += N_TO_FILL_BUFFERS;
        assert!(n_sent < 10 * N_TO_FILL_BUFFERS, "they are still there");
    }
    let grown_kb = server.peak_memory_kb().saturating_sub(before_kb);
    // What may wait, the longest packet, and what a connection has for writing.
    assert!(grown_kb < 1_000 * N_STUCK as u64, "{grown_kb} KB");
    sender
        .ask_ok("send_message", draft(json!({"receiverId": 7})))
        .await;
}

async fn user(server: &Server, id: &str, dialect: &str) -> Client {
    let auth = json!({"token": token(id, None, SECRET), "dialect": dialect});
    Client::connect(server.port, Some(&auth)).await
}

/// Sends enough to fill the buffers of who does not read.
async fn flood(sender: &mut Client, event: &str, place: &Value) {
    for number in 0..N_TO_FILL_BUFFERS {
        let text = format!("flood {number} {}", "x".repeat(TEXT_BYTES));
        let mut body = match place.get("receiverId") {
            Some(_) => draft(json!({"content": text})),
            None => json!({"content": text}),
        };
        for (name, value) in place.as_object().unwrap() {
            body[name] = value.clone();
        }
        soon("an ack", sender.ask_ok(event, body)).await;
        sender.take_kept();
    }
}

fn offline(user: u64) -> Arrival {
    Arrival::Event("user_offline".to_owned(), json!({"userId": user}))
}
