//! HTTP connections, and polling over them.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{SEPARATOR, has_left, probe};
use crate::answers::Acks;
use crate::server::connect;

/// A connection that says nothing for so long waits for more.
const SILENCE: Duration = Duration::from_millis(2);
/// Ends a connection in good order, if the server still reads requests.
const LAST_REQUEST: &[u8] =
    b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Sends bytes as they are.
pub async fn send(port: u16, bytes: &[u8]) {
    let mut stream = connect(port).await;
    // A server that has had enough resets the connection while it is written to.
    let written = async {
        stream.write_all(bytes).await?;
        stream.write_all(LAST_REQUEST).await
    };
    let is_written = written.await.is_ok();
    let mut answer = Vec::new();
    let whole = tokio::time::timeout(SILENCE, stream.read_to_end(&mut answer)).await;
    if whole.is_err() && is_written {
        let _ = stream.shutdown().await;
        // Cut or closed: either is an end.
        let _ = stream.read_to_end(&mut answer).await;
    }
    if !answer.is_empty() {
        assert_head(&answer);
    }
}

/// Nothing but HTTP is said, and no fault is ours.
fn assert_head(answer: &[u8]) {
    let head = String::from_utf8_lossy(&answer[..answer.len().min(64)]);
    assert!(head.starts_with("HTTP/1."), "{head}");
    let status = head.split(' ').nth(1).unwrap_or_default();
    assert!(!status.starts_with('5'), "{head}");
}

/// Somebody else is served.
pub async fn assert_served(port: u16) {
    let (status, _) = call(port, "GET", "/healthz", b"").await;
    assert_eq!(status, "200");
}

/// Joins by polling, sends a body as it is, and waits until what it asked is answered.
pub async fn poll(port: u16, dialect: &str, script: &[u8]) {
    let path =
        format!("/socket.io/?EIO=4&transport=polling&dialect={dialect}&userId=1&galleryId=g");
    let (status, body) = call(port, "GET", &path, b"").await;
    assert_eq!(status, "200", "{body}");
    let opened: Value = serde_json::from_str(&body[1..]).unwrap();
    let path = format!("{path}&sid={}", opened["sid"].as_str().unwrap());
    let post = async |packets: &[u8]| call(port, "POST", &path, packets).await.0;
    assert_eq!(
        post(b"40{\"userId\":\"1\",\"galleryId\":\"g\"}").await,
        "200"
    );
    let (status, joined) = call(port, "GET", &path, b"").await;
    assert!(status == "200" && joined.contains("40{"), "{joined}");
    let mut acks = Acks::default();
    for packet in script.split(|byte| *byte == SEPARATOR) {
        acks.ask(std::str::from_utf8(packet).unwrap_or_default());
    }
    let (id, probe) = probe();
    acks.ask(&probe);
    let is_taken = post(script).await == "200" && post(probe.as_bytes()).await == "200";
    let mut lasted = is_taken && !has_left(script);
    let mut is_answered = false;
    while lasted && !is_answered {
        let (status, body) = call(port, "GET", &path, b"").await;
        lasted = status == "200";
        let packets = body.split('\u{1e}').take_while(|_| status == "200");
        for packet in packets {
            is_answered |= acks.hear(packet) == Some(id);
            lasted &= !matches!(packet, "1" | "41");
        }
    }
    acks.assert_settled(is_answered);
    // It may be gone already.
    let _ = post(b"1").await;
}

/// One request on a connection of its own: the status and the body of its answer.
async fn call(port: u16, method: &str, path: &str, body: &[u8]) -> (String, String) {
    let mut stream = connect(port).await;
    let n_bytes = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: text/plain\r\nContent-Length: {n_bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_head(&answer);
    let answer = String::from_utf8(answer).expect("packets are text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let status = head.split(' ').nth(1).unwrap_or_default();
    (status.to_owned(), body.to_owned())
}
