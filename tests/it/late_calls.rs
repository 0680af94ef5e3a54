//! Calls whose bodies come late: who is signed out before the body is there is refused.

use std::time::Duration;

use serde_json::json;
use sohbet::auth::{NewToken, TokenRules, mint};

use crate::support::forms::{PNG, upload};
use crate::support::http::Call;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token_with_role};

const TOKEN_MODE: [(&str, &str); 1] = [("JWT_SECRET", SECRET)];

#[tokio::test]
async fn who_calls_is_proven_when_the_body_is_there() {
    let server = Server::start_with(&Store::sqlite(), &TOKEN_MODE).await;
    let calls = [
        ("/api/v1/rooms", json!({"name": "room"})),
        ("/api/v1/conversations", json!({"userId": "9"})),
        (
            "/api/v1/tokens",
            json!({"type": "USER", "name": "made", "permissions": ["read"]}),
        ),
        (
            "/api/messages",
            json!({"content": "hi", "senderId": 3, "receiverId": 9}),
        ),
        (
            "/chats",
            json!({"roomType": "support", "otherGalleryId": "gb"}),
        ),
    ];
    for (number, (path, body)) in calls.iter().enumerate() {
        let user = format!("{number}");
        let call = || as_user(Call::post(path, body), &dealer(&user));
        let done = call().send(server.port).await;
        assert!([200, 201].contains(&done.status), "{path}: {}", done.text());
        let begun = call().begin(server.port).await;
        sign_out(&server, &user).await;
        let refused = begun.finish().await;
        assert_eq!(refused.status, 401, "{path}: {}", refused.text());
    }
}

#[tokio::test]
async fn who_sends_a_file_is_asked_for_again_when_it_is_there() {
    let server = Server::start_with(&Store::sqlite(), &TOKEN_MODE).await;
    let room = json!({"roomType": "support", "otherGalleryId": "gb"});
    let room = as_user(Call::post("/chats", &room), &dealer("0"));
    let room = room.send(server.port).await.json()["data"]["id"].take();
    let room = format!("/chats/{}", room.as_str().unwrap());
    let of_room = format!("{room}/upload");
    for (number, path) in ["/api/upload", "/api/v1/uploads", &of_room]
        .into_iter()
        .enumerate()
    {
        let user = format!("{}", number + 1);
        let call = || as_user(upload("image/png", PNG).to(path), &dealer(&user));
        let done = call().send(server.port).await;
        assert!([200, 201].contains(&done.status), "{path}: {}", done.text());
        let begun = call().begin(server.port).await;
        sign_out(&server, &user).await;
        let refused = begun.finish().await;
        assert_eq!(refused.status, 401, "{path}: {}", refused.text());
    }
    let messages = as_user(Call::get(&format!("{room}/messages")), &dealer("0"));
    let messages = messages.send(server.port).await.json();
    let n_messages = messages["data"].as_array().map(Vec::len);
    assert_eq!(n_messages, Some(1), "{messages}");
}

fn as_user(call: Call, token: &str) -> Call {
    call.header("Authorization", &format!("Bearer {token}"))
}

/// A login of somebody who acts for a gallery.
fn dealer(user: &str) -> String {
    let token = NewToken {
        user: user.to_owned(),
        name: None,
        role: None,
        gallery: Some("ga".to_owned()),
        ttl: Duration::from_secs(3_600),
    };
    mint(SECRET, &TokenRules::default(), token).unwrap()
}

async fn sign_out(server: &Server, user: &str) {
    let call = Call::new("POST", &format!("/api/v1/admin/users/{user}/sign-out"));
    let admin = token_with_role("root", "ADMIN", SECRET);
    let done = as_user(call, &admin).send(server.port).await;
    assert_eq!(done.status, 200, "{}", done.text());
}
