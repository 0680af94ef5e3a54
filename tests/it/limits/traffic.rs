//! Bytes, frames and packets have budgets, whatever carries them.

use serde_json::json;

use super::{limited, user};
use crate::support::http::Answer;
use crate::support::messages::draft;
use crate::support::polling::{Polling, post};
use crate::support::server::Server;
use crate::support::soon;
use crate::support::tokens::{SECRET, token};

/// Two dozen packets at once, and as many in a second.
const FEW_PACKETS: (&str, &str) = ("LIMIT_CONNECTION_BYTES", "100000/100000");

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
    assert_eq!(packed.status, 408, "{}", packed.text());
    other
        .ask_ok(
            "send_message",
            draft(json!({"senderId": 2, "receiverId": 1})),
        )
        .await;
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
