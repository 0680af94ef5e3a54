//! Bytes, frames and packets have budgets, whatever carries them.

use std::time::Instant;

use serde_json::json;

use super::{limited, talks_on, user};
use crate::support::client::Client;
use crate::support::http::Answer;
use crate::support::messages::draft;
use crate::support::polling::{Polling, post};
use crate::support::server::Server;
use crate::support::soon;
use crate::support::tokens::{SECRET, token};

/// Two packets at once, and as many in a second.
const FEW_PACKETS: (&str, &str) = ("LIMIT_CONNECTION_BYTES", "10000/10000");
const N_TEXTS: usize = 30;
const TEXT_BYTES: usize = 10_000;

#[tokio::test]
async fn packets_of_polling_cost_what_frames_do() {
    let server = limited(&[FEW_PACKETS]).await;
    let mut other = user(&server, 2).await;
    let (posting, packing) = (polling(&server).await, polling(&server).await);
    let (flooded, packed) = tokio::join!(post_without_end(&server, &posting), async {
        let packets = vec!["3"; 5_000].join("\u{1e}");
        post(server.port, &packing.secret, &packets).await
    });
    assert_eq!(flooded.status, 400, "{}", flooded.text());
    assert_eq!(packed.status, 400, "{}", packed.text());
    talks_on(&mut other).await;
}

#[tokio::test]
async fn the_connections_of_an_address_share_its_bytes() {
    let settings = [
        ("LIMIT_ADDRESS_BYTES", "200000/200000"),
        ("LIMIT_CONNECTION_BYTES", "off"),
    ];
    let server = limited(&settings).await;
    let (mut one, mut two) = (user(&server, 1).await, user(&server, 2).await);
    let began = Instant::now();
    tokio::join!(send_much(&mut one, 1), send_much(&mut two, 2));
    // Each alone would be done in half of the time.
    let least = (2 * N_TEXTS * TEXT_BYTES - 200_000) as f64 / 200_000.0;
    let took = began.elapsed().as_secs_f64();
    assert!(took >= least, "{took} s, and not {least} s");
}

/// Sends so many texts at once that they are over a budget, and finds all of them stored.
async fn send_much(client: &mut Client, sender: u64) {
    let text = "x".repeat(TEXT_BYTES);
    let body = json!({"senderId": sender, "receiverId": 3 - sender, "content": text});
    let asked: Vec<u64> = (0..N_TEXTS)
        .map(|_| client.ask("send_message", &draft(body.clone())))
        .collect();
    for id in asked {
        let answer = client.ack(id).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
}

/// Posts one packet after the other, until the session is over.
async fn post_without_end(server: &Server, session: &Polling) -> Answer {
    soon("the end of the session", async {
        loop {
            let answer = post(server.port, &session.secret, "3").await;
            if answer.status != 200 {
                return answer;
            }
        }
    })
    .await
}

/// A polling session of user 1.
async fn polling(server: &Server) -> Polling {
    let auth = json!({"token": token("1", None, SECRET)});
    Polling::open_as(server.port, &auth).await
}
