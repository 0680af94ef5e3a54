//! WebSocket frames that the protocol forbids end their connection, on both kinds of sockets, and
//! cost nothing but that.

use std::net::Ipv4Addr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;

const PATHS: [&str; 2] = ["/socket.io/?EIO=4&transport=websocket", "/ws?userId=9"];
/// A mask that changes nothing.
const MASK: [u8; 4] = [0; 4];
const TEXT: u8 = 0x1;
const PING: u8 = 0x9;
const LAST: u8 = 0x80;
/// What all those frames may cost; one of them announces a thousand times as much.
const MAX_GROWN_KB: u64 = 32_000;
const FRAGMENT_BYTES: usize = 65_000;

#[tokio::test]
async fn frames_that_are_none_end_their_connection_and_nothing_else() {
    let server = Server::start(&Store::sqlite()).await;
    let mut watcher = server.user(1).await;
    let before_kb = server.peak_memory_kb();
    for path in PATHS {
        for (what, bytes) in frames() {
            let mut stream = open(server.port, path).await;
            if path == PATHS[0] {
                // Who has not joined is sent away soon, whatever it says.
                join(&mut stream).await;
            }
            // The server may have heard enough before it has taken everything.
            let _ = stream.write_all(&bytes).await;
            soon(&format!("the end after {what} on {path}"), async {
                let mut answer = vec![0; 4_096];
                while matches!(stream.read(&mut answer).await, Ok(1..)) {}
            })
            .await;
        }
        watcher
            .ask_ok("send_message", draft(json!({"content": path})))
            .await;
    }
    let grown_kb = server.peak_memory_kb().saturating_sub(before_kb);
    assert!(grown_kb < MAX_GROWN_KB, "{grown_kb} KB");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn a_message_of_a_great_many_empty_fragments_is_a_message() {
    let server = Server::start(&Store::sqlite()).await;
    let before_kb = server.peak_memory_kb();
    let mut stream = open(server.port, PATHS[0]).await;
    stream.write_all(&frame(LAST | TEXT, b"40")).await.unwrap();
    let mut bytes = frame(TEXT, b"42");
    for _ in 0..200_000 {
        bytes.extend(frame(0, b""));
    }
    bytes.extend(frame(LAST, br#"7["leave_conversation",1]"#));
    stream.write_all(&bytes).await.unwrap();
    let mut heard = Vec::new();
    soon("the answer", async {
        while !String::from_utf8_lossy(&heard).contains("437[") {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
        }
    })
    .await;
    let grown_kb = server.peak_memory_kb().saturating_sub(before_kb);
    assert!(grown_kb < MAX_GROWN_KB, "{grown_kb} KB");
}

fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let announced = |length: u64| {
        let mut bytes = vec![LAST | TEXT, 0xff];
        bytes.extend(length.to_be_bytes());
        bytes.extend(MASK);
        bytes.extend(b"4");
        bytes
    };
    let mut fragments = frame(TEXT, b"42");
    while fragments.len() < 30 << 20 {
        fragments.extend(frame(0, &[b'x'; FRAGMENT_BYTES]));
    }
    vec![
        ("no mask", vec![LAST | TEXT, 2, b'4', b'0']),
        ("the first reserved bit", frame(LAST | 0x40 | TEXT, b"40")),
        ("the second reserved bit", frame(LAST | 0x20 | TEXT, b"40")),
        ("the third reserved bit", frame(LAST | 0x10 | TEXT, b"40")),
        ("a reserved code", frame(LAST | 0x3, b"40")),
        ("a reserved code of control", frame(LAST | 0xb, b"")),
        ("a ping in parts", frame(PING, b"")),
        ("a long ping", frame(LAST | PING, &[0; 126])),
        ("a part of nothing", frame(LAST, b"40")),
        (
            "a message within another",
            [frame(TEXT, b"4"), frame(TEXT, b"4")].concat(),
        ),
        ("bytes that are no text", frame(LAST | TEXT, b"4\xff\xfe")),
        ("half a code at the end", frame(LAST | 0x8, &[3])),
        (
            "a code that means nothing",
            frame(LAST | 0x8, &999u16.to_be_bytes()),
        ),
        ("a length of 2^63 - 1", announced(i64::MAX as u64)),
        ("a length of 2^64 - 1", announced(u64::MAX)),
        ("a length of a byte too much", announced(1_000_001)),
        ("30 MiB in fragments", fragments),
    ]
}

/// One frame, whose first byte says what it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..126 => bytes.push(0x80 | length as u8),
        length => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload);
    bytes
}

/// Joins the namespace.
async fn join(stream: &mut TcpStream) {
    stream.write_all(&frame(LAST | TEXT, b"40")).await.unwrap();
    let mut heard = Vec::new();
    soon("the answer", async {
        while !String::from_utf8_lossy(&heard).contains("40{\"sid\"") {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
        }
    })
    .await;
}

/// A connection that has become a WebSocket.
async fn open(port: u16, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("the upgrade", async {
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
    })
    .await;
    assert!(
        answer.starts_with(b"HTTP/1.1 101 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    stream
}
