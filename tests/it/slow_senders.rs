//! Five hundred clients that send their requests byte by byte are gone after a while, and nobody else
//! notices them.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::messages::draft;
use crate::support::polling::{PATH, Polling};
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::within;

const N_SLOW: usize = 500;
/// Between two bytes of one client.
const PAUSE: Duration = Duration::from_millis(300);
/// A body may take fifteen seconds; a head, here, one.
const GONE_WITHIN: Duration = Duration::from_secs(25);
const ENDLESS: &str = "Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n";

#[tokio::test]
async fn who_sends_byte_by_byte_is_gone_and_disturbs_nobody() {
    let server = Server::start_with(&Store::sqlite(), &[("HEADER_TIMEOUT_MS", "1000")]).await;
    let mut client = server.user(1).await;
    let session = Polling::open(server.port).await;
    let mut slow = JoinSet::new();
    for number in 0..N_SLOW {
        let beginning = match number % 4 {
            0 => String::new(),
            1 => "GET /health HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
            2 => format!("POST /api/messages HTTP/1.1\r\nHost: localhost\r\n{ENDLESS}"),
            _ => format!(
                "POST {PATH}&sid={} HTTP/1.1\r\nHost: localhost\r\n{ENDLESS}",
                session.secret
            ),
        };
        slow.spawn(trickle(server.port, beginning));
    }
    let mut n_sent = 0;
    let gone = async { while slow.join_next().await.is_some() {} };
    let talk = async {
        loop {
            let text = draft(json!({"content": format!("number {n_sent}")}));
            client.ask_ok("send_message", text).await;
            client.take_kept();
            n_sent += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = within(GONE_WITHIN, "the end of those who are slow", gone) => {}
        () = talk => {}
    }
    assert!(n_sent > N_SLOW, "only {n_sent} messages meanwhile");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Sends a byte now and then, until the server has had enough.
async fn trickle(port: u16, beginning: String) {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let send = async {
        if writer.write_all(beginning.as_bytes()).await.is_ok() {
            while writer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    tokio::select! {
        // The end may come as a reset.
        _ = reader.read_to_end(&mut answer) => {}
        () = send => {}
    }
    let answer = String::from_utf8_lossy(&answer);
    let is_refusal = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
    assert!(is_refusal, "{beginning}: {answer}");
}
