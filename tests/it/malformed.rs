//! No packet that a client can make up harms the others, and none leaves a session behind.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::wire::Wire;
use crate::support::{PATIENCE, messages::draft};

/// One byte more than a packet may have.
const TOO_LARGE: usize = 1_000_001;
/// The user behind the first bad client; the others count on.
const FIRST_BAD_USER: u64 = 100;
const WATCHER: u64 = 1;
/// Attachments that a packet may have.
const MAX_ATTACHMENTS: usize = 10;
/// They have five seconds.
const TOO_LATE: Duration = Duration::from_millis(5_500);

on_both_stores!(bad_packets_leave_the_server_and_all_others_alone);

async fn bad_packets_leave_the_server_and_all_others_alone(store: Store) {
    let server = Server::start(&store).await;
    let mut watcher = server.user(WATCHER).await;
    let mut bad_clients = Vec::new();
    for (number, packet) in packets().into_iter().enumerate() {
        let mut bad = Wire::open(server.port).await;
        bad.join(None).await.unwrap();
        let user = FIRST_BAD_USER + number as u64;
        bad.say(&format!("42[\"join_user_room\",{user}]")).await;
        assert_eq!(watcher.event("user_online").await, json!({"userId": user}));
        packet.send(&mut bad).await;
        assert_works(&mut watcher, number).await;
        bad_clients.push(bad);
    }
    assert_works(&mut watcher, bad_clients.len()).await;
    drop(bad_clients);
    assert_only_the_watcher_stays(&server, &mut watcher).await;
}

#[tokio::test]
async fn attachments_are_few_and_come_at_once_or_end_the_connection() {
    let server = Server::start(&Store::sqlite()).await;
    let event = |n: usize| format!(r#"45{n}-7["no_such_event"]"#);
    // As many as may be.
    let mut wire = joined(&server).await;
    wire.say(&event(MAX_ATTACHMENTS)).await;
    for _ in 0..MAX_ATTACHMENTS {
        wire.say_bytes(b"x").await;
    }
    let answer = wire.hear().await.expect("it is closed");
    assert!(answer.starts_with("437["), "{answer}");
    // One more.
    let mut wire = joined(&server).await;
    wire.say(&event(MAX_ATTACHMENTS + 1)).await;
    assert_ended(&mut wire).await;
    // Something else in its place.
    let mut wire = joined(&server).await;
    wire.say(&event(1)).await;
    wire.say(r#"421["no_such_event"]"#).await;
    assert_ended(&mut wire).await;
    // Announced, and sent too late: the time for it is what this is about.
    let mut late = joined(&server).await;
    late.say(&event(1)).await;
    tokio::time::sleep(TOO_LATE).await;
    late.say_bytes(b"x").await;
    assert_ended(&mut late).await;
}

async fn joined(server: &Server) -> Wire {
    let mut wire = Wire::open(server.port).await;
    wire.join(None).await.unwrap();
    wire
}

/// The connection ends, and nothing is answered.
async fn assert_ended(wire: &mut Wire) {
    while let Some(heard) = wire.hear().await {
        assert_eq!(heard, "1");
    }
}

/// What a bad client sends.
enum Bad {
    Text(String),
    Bytes(&'static [u8]),
    Parts(Vec<String>),
}

impl Bad {
    async fn send(self, wire: &mut Wire) {
        match self {
            Self::Text(text) => wire.say(&text).await,
            Self::Bytes(bytes) => wire.say_bytes(bytes).await,
            Self::Parts(parts) => {
                let last = parts.len() - 1;
                for (number, part) in parts.iter().enumerate() {
                    wire.say_part(part, number == 0, number == last).await;
                }
            }
        }
    }
}

fn packets() -> Vec<Bad> {
    let nested = |depth: usize| format!("42{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = format!(
        "420[\"send_message\",{}1{}]",
        r#"{"a":"#.repeat(200),
        "}".repeat(200)
    );
    let large_text = "x".repeat(TOO_LARGE - r#"42["x",""]"#.len());
    let large = format!(r#"42["x","{large_text}"]"#);
    let texts = [
        "",
        "4",
        "42",
        "42[]",
        "42{}",
        "42[null]",
        "42[1,2]",
        "42[[\"x\"]]",
        "42\"x\"",
        "42null",
        "420[\"x\"",
        "420",
        "42[\"send_message\"",
        "42-1[\"x\"]",
        "42 1[\"x\"]",
        "42999999999999999999[\"join_user_room\",1]",
        "420[\"\"]",
        "420[\"\\u0000\",\"\\ud800\"]",
        "43",
        "430[]",
        "43999999999999999999[]",
        "44",
        "44{\"message\":\"x\"}",
        "45-",
        "45-[\"x\"]",
        "46",
        "461-0[]",
        "47",
        "49",
        "4\u{0}",
        "451-[\"x\",{\"_placeholder\":true,\"num\":0}]",
        "451-[\"x\",{\"_placeholder\":true,\"num\":7}]",
        "4599999999-[\"x\"]",
        "45999999999999999999999-[\"x\"]",
        "40",
        "40{\"token\":",
        "40/x",
        "40/x,{}",
        "40/x,",
        "42/x,[\"x\"]",
        "42/,[\"x\"]",
        "41/x,",
        "41",
        "0",
        "0{\"sid\":\"x\"}",
        "1",
        "2",
        "2probe",
        "3",
        "3probe",
        "5",
        "6",
        "7",
        "b",
        "bAAAA",
        "x",
        "\u{1e}",
        "42[\"a\"]\u{1e}42[\"b\"]",
    ];
    let texts = texts.map(str::to_owned).into_iter();
    let long = [nested(200), nested(100_000), objects, large.clone()];
    let parts = large
        .as_bytes()
        .chunks(100_000)
        .map(|part| String::from_utf8_lossy(part).into());
    let parts = Bad::Parts(parts.collect());
    let unfinished = Bad::Text("452-[\"x\",{\"_placeholder\":true,\"num\":0}]".to_owned());
    let bytes = [
        &b""[..],
        b"\x00",
        b"\xff\xfe",
        b"42[\"x\"]",
        &[0; TOO_LARGE],
    ];
    let mut packets: Vec<Bad> = texts.chain(long).map(Bad::Text).collect();
    packets.extend(bytes.map(Bad::Bytes));
    packets.extend([parts, unfinished]);
    packets
}

async fn assert_works(watcher: &mut Client, number: usize) {
    let message = draft(json!({"content": format!("still here {number}")}));
    watcher.ask_ok("send_message", message).await;
}

/// Everybody else goes offline; nothing keeps a session of a client that is gone.
async fn assert_only_the_watcher_stays(server: &Server, watcher: &mut Client) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = watcher.ask_ok("join_user_room", json!(WATCHER)).await;
        if answer["onlineUsers"] == json!([WATCHER]) {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "left behind: {answer}\n{}",
            server.log()
        );
        watcher.event("user_offline").await;
    }
}
