//! Gateways: peers that check tokens themselves and say in headers who calls.

use serde_json::json;

use crate::support::http::{Answer, Call};
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};

const TOKEN_MODE: (&str, &str) = ("JWT_SECRET", SECRET);
const DEALER: [(&str, &str); 2] = [("x-user-id", "ua"), ("x-gallery-id", "ga")];

#[tokio::test]
async fn the_headers_of_a_gateway_say_who_calls() {
    let gateway = ("GATEWAY_ADDRESSES", "127.0.0.1");
    let server = Server::start_with(&Store::sqlite(), &[TOKEN_MODE, gateway]).await;
    let room = json!({"roomType": "support", "otherGalleryId": "gb"});
    let room = Call::post("/chats", &room);
    let opened = with(room, &DEALER).send(server.port).await;
    assert_eq!(opened.status, 200, "{}", opened.text());
    let listed = list(&server, &DEALER).await.json();
    assert_eq!(listed["data"][0]["gallery_a_id"], "ga");
    let refused = list(&server, &[("x-gallery-id", "ga")]).await;
    assert_eq!(refused.status, 401, "nobody is named");
    let refused = list(&server, &[("x-user-id", "ub")]).await;
    assert_eq!(refused.status, 422, "no gallery is named");
}

#[tokio::test]
async fn a_token_counts_before_what_a_gateway_says() {
    let gateway = ("GATEWAY_ADDRESSES", "127.0.0.1");
    let server = Server::start_with(&Store::sqlite(), &[TOKEN_MODE, gateway]).await;
    let bearer = format!("Bearer {}", token("ub", None, SECRET));
    let refused = list(&server, &[DEALER[0], ("Authorization", &bearer)]).await;
    assert_eq!(refused.status, 422, "ub has no gallery: {}", refused.text());
    let refused = list(
        &server,
        &[DEALER[0], DEALER[1], ("Authorization", "Bearer x")],
    )
    .await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn only_a_listed_peer_is_a_gateway() {
    let other = ("GATEWAY_ADDRESSES", "127.0.0.2");
    let trusted = ("TRUSTED_ADDRESSES", "127.0.0.1");
    let server = Server::start_with(&Store::sqlite(), &[TOKEN_MODE, other, trusted]).await;
    let forwarded = ("X-Forwarded-For", "127.0.0.2");
    for headers in [&DEALER[..], &[DEALER[0], DEALER[1], forwarded]] {
        let refused = list(&server, headers).await;
        assert_eq!(refused.status, 401, "{headers:?}");
        assert_eq!(refused.json()["error"]["message"], "No token provided");
    }
}

async fn list(server: &Server, headers: &[(&str, &str)]) -> Answer {
    with(Call::get("/chats"), headers).send(server.port).await
}

fn with(call: Call, headers: &[(&str, &str)]) -> Call {
    let add = |call: Call, (name, value): &(&str, &str)| call.header(name, value);
    headers.iter().fold(call, add)
}
