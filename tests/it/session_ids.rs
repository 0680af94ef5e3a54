//! A `socket.id`, which other people may learn, is no key to the session (contract/README.md, 6.6).

use serde_json::json;

use crate::support::http::{Answer, Call};
use crate::support::polling::{Polling, get, post, upgrade};
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::wire::Wire;

#[tokio::test]
async fn a_polling_session_is_reached_with_its_secret_only() {
    let server = Server::start(&Store::sqlite()).await;
    let owner = Polling::open(server.port).await;
    assert_ne!(owner.secret, owner.id);
    // The poll of the owner waits while others try its public id.
    let (heard, ()) = tokio::join!(owner.hear(), async {
        assert_refused_everywhere(server.port, &owner.id).await;
        owner.say(r#"421["join_conversation",42]"#).await;
    });
    assert_eq!(heard, [r#"431[{"ok":true,"conversationId":42}]"#]);
}

#[tokio::test]
async fn a_websocket_session_is_not_reached_with_its_id() {
    let server = Server::start(&Store::sqlite()).await;
    let mut owner = server.connect().await;
    let id = owner.id.clone();
    assert_refused_everywhere(server.port, &id).await;
    owner.ask_ok("join_conversation", json!(42)).await;
}

#[tokio::test]
async fn an_upgraded_session_is_not_reached_with_its_id() {
    let server = Server::start(&Store::sqlite()).await;
    let owner = Polling::open(server.port).await;
    let mut wire = Wire::upgrade(server.port, &owner.secret).await;
    assert_refused_everywhere(server.port, &owner.id).await;
    wire.say(r#"421["join_conversation",42]"#).await;
    assert_eq!(
        wire.hear().await.unwrap(),
        r#"431[{"ok":true,"conversationId":42}]"#
    );
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_refused() {
    let server = Server::start(&Store::sqlite()).await;
    for unknown in [
        "",
        "x",
        "AAAAAAAAAAAAAAAA",
        "00000000000000000000000000000000",
    ] {
        assert_refused_everywhere(server.port, unknown).await;
    }
}

#[tokio::test]
async fn a_websocket_request_that_asks_for_no_upgrade_is_refused() {
    let server = Server::start(&Store::sqlite()).await;
    let answer = Call::get("/socket.io/?EIO=4&transport=websocket")
        .send(server.port)
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.json()["code"].is_u64());
    assert_eq!(upgrade(None).send(server.port).await.status, 101);
}

async fn assert_refused_everywhere(port: u16, sid: &str) {
    assert_unknown(&get(port, sid).await);
    assert_unknown(&post(port, sid, r#"42["join_user_room",1]"#).await);
    assert_unknown(&upgrade(Some(sid)).send(port).await);
}

/// As the Node server answers.
fn assert_unknown(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({"code": 1, "message": "Session ID unknown"})
    );
}
