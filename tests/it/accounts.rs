//! Users who are shut out or signed out everywhere: refused at every door, and cut off where they are.

use std::time::Duration;

use serde_json::{Value, json};
use sohbet::auth::{NewToken, TokenRules, mint};

use crate::support::api_tokens::create;
use crate::support::client::{Arrival, Client};
use crate::support::command::sohbet;
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::{SECRET, token, token_with_role};
use crate::support::wire::Wire;
use crate::support::{soon, within};

const API_SECRET: &str = "a-secret-of-api-tokens-of-at-least-32-bytes";
/// The promise is a second; a busy machine gets more.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Size and number of messages that no kernel takes for a connection that is not read.
const TEXT_BYTES: usize = 4_000;
const N_TO_FILL_BUFFERS: usize = 2_500;
const RUN: usize = 100;

on_both_stores!(
    whoever_is_disabled_is_cut_off_and_comes_back_only_when_enabled,
    whoever_is_signed_out_needs_a_newer_login,
    administrators_do_it_over_rest_and_nobody_else,
    a_full_buffer_keeps_nobody_connected,
    where_people_are_an_id_and_a_role_the_id_alone_is_enough,
);

async fn whoever_is_disabled_is_cut_off_and_comes_back_only_when_enabled(store: Store) {
    let server = in_token_mode(&store).await;
    let (jwt, api) = (token("7", None, SECRET), create(&store, "7", &[]).await);
    let front_end = front_end_token("7");
    let mut clients = [
        connect(&server, &jwt).await,
        connect(&server, &api.secret).await,
        connect(&server, &front_end).await,
    ];
    let mut spared = connect(&server, &token("8", None, SECRET)).await;
    assert_eq!(who_am_i(&server, &jwt).await.status, 200);

    run(&store, "disable", "7").await;
    for client in &mut clients {
        let heard = within(AT_ONCE, "the end of the socket", client.until_closed()).await;
        assert!(
            heard.contains(&Arrival::Disconnect),
            "it must not come back: {heard:?}"
        );
    }
    for secret in [&jwt, &api.secret, &front_end] {
        assert_eq!(try_connect(&server, secret).await.err(), Some(refusal()));
        assert_eq!(who_am_i(&server, secret).await.status, 401);
    }
    spared.ask_ok("join_user_room", json!(8)).await;

    run(&store, "enable", "7").await;
    soon("a socket", async {
        while try_connect(&server, &jwt).await.is_err() {}
    })
    .await;
    assert_eq!(who_am_i(&server, &jwt).await.status, 200);
}

async fn whoever_is_signed_out_needs_a_newer_login(store: Store) {
    let server = in_token_mode(&store).await;
    let (old, api) = (token("7", None, SECRET), create(&store, "7", &[]).await);
    let mut client = connect(&server, &old).await;
    run(&store, "sign-out", "7").await;
    within(AT_ONCE, "the end of the socket", client.until_closed()).await;
    for secret in [&old, &api.secret] {
        assert_eq!(try_connect(&server, secret).await.err(), Some(refusal()));
        assert_eq!(who_am_i(&server, secret).await.status, 401);
    }
    // A token says in whole seconds when it was made.
    soon("a newer token that opens", async {
        while try_connect(&server, &token("7", None, SECRET))
            .await
            .is_err()
        {}
    })
    .await;
    let new = token("7", None, SECRET);
    assert_eq!(who_am_i(&server, &new).await.status, 200);
    let mut client = connect(&server, &new).await;
    client.ask_ok("join_user_room", json!(7)).await;
}

async fn administrators_do_it_over_rest_and_nobody_else(store: Store) {
    let server = in_token_mode(&store).await;
    let admin = admin_token();
    let mut client = connect(&server, &token("7", None, SECRET)).await;
    let disable =
        || Call::new("PATCH", "/api/v1/admin/users/7").header("Content-Type", "application/json");
    let refused = as_user(
        disable().body(r#"{"disabled":true}"#),
        &token("8", None, SECRET),
    );
    assert_eq!(refused.send(server.port).await.status, 403);
    for body in ["{}", r#"{"disabled":"yes"}"#, "[]"] {
        let answer = as_user(disable().body(body), &admin)
            .send(server.port)
            .await;
        assert_eq!(answer.status, 400, "{body}");
    }
    client.ask_ok("join_user_room", json!(7)).await;

    let answer = as_user(disable().body(r#"{"disabled":true}"#), &admin)
        .send(server.port)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected = json!({"userId": "7", "disabled": true, "tokensValidAfter": null});
    assert_eq!(answer.json(), expected);
    within(AT_ONCE, "the end of the socket", client.until_closed()).await;
    // On this node it holds at once.
    assert_eq!(
        who_am_i(&server, &token("7", None, SECRET)).await.status,
        401
    );
    assert_eq!(
        try_connect(&server, &token("7", None, SECRET)).await.err(),
        Some(refusal())
    );

    let sign_out = Call::new("POST", "/api/v1/admin/users/8/sign-out");
    let answer = as_user(sign_out, &admin).send(server.port).await;
    assert!(
        answer.json()["tokensValidAfter"].is_string(),
        "{}",
        answer.text()
    );
    assert_eq!(who_am_i(&server, &old_token("8")).await.status, 401);
}

async fn a_full_buffer_keeps_nobody_connected(store: Store) {
    // Only the account can end the stalled socket, neither a full queue nor a stuck write.
    let settings = [
        ("JWT_SECRET", SECRET),
        ("WRITE_TIMEOUT_MS", "600000"),
        ("OUTBOUND_PACKETS", "65536"),
        ("OUTBOUND_BYTES", "1000000000"),
        ("UNLIMITED_ADDRESSES", "127.0.0.1"),
        ("PING_TIMEOUT_MS", "600000"),
    ];
    let server = Server::start_with(&store, &settings).await;
    let mut wire = Wire::open_with_tiny_buffer(server.port).await;
    let auth = json!({"token": token("9", None, SECRET)});
    wire.join(Some(&auth)).await.unwrap();
    wire.say(r#"42["join_user_room",9]"#).await;
    let mut sender = connect(&server, &token("8", None, SECRET)).await;
    let text = draft(json!({"senderId": 8, "receiverId": 9, "content": "x".repeat(TEXT_BYTES)}));
    for _ in 0..N_TO_FILL_BUFFERS / RUN {
        let asked: Vec<u64> = (0..RUN)
            .map(|_| sender.ask("send_message", &text))
            .collect();
        for number in asked {
            assert_eq!(sender.ack(number).await["ok"], true);
        }
    }
    assert_eq!(sockets_of(&server, "9").await, 1);
    run(&store, "disable", "9").await;
    within(AT_ONCE, "the end of the stalled socket", async {
        while sockets_of(&server, "9").await > 0 {}
    })
    .await;
}

async fn in_token_mode(store: &Store) -> Server {
    let settings = [
        ("JWT_SECRET", SECRET),
        ("JWT_API_SECRET", API_SECRET),
        // The tests ask until they are refused.
        ("UNLIMITED_ADDRESSES", "127.0.0.1"),
    ];
    Server::start_with(store, &settings).await
}

async fn run(store: &Store, command: &str, user: &str) {
    let ended = sohbet(store, &["user", command, user], &[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains(user), "{}", ended.stdout);
}

fn as_user(call: Call, token: &str) -> Call {
    call.header("Authorization", &format!("Bearer {token}"))
}

async fn who_am_i(server: &Server, token: &str) -> Answer {
    as_user(Call::get("/api/user/me"), token)
        .send(server.port)
        .await
}

async fn where_people_are_an_id_and_a_role_the_id_alone_is_enough(store: Store) {
    let server = in_token_mode(&store).await;
    let token = token_with_role("7", "teacher", SECRET);
    for shut_out in ["7", "teacher:7"] {
        let auth = json!({ "dialect": "school", "token": token });
        let mut client = Client::connect(server.port, Some(&auth)).await;
        run(&store, "disable", shut_out).await;
        within(AT_ONCE, "the end of the socket", client.until_closed()).await;
        let refused = Client::try_connect(server.port, Some(&auth)).await.err();
        assert_eq!(refused, Some(refusal()));
        run(&store, "enable", shut_out).await;
        soon("a handshake", async {
            while Client::try_connect(server.port, Some(&auth)).await.is_err() {}
        })
        .await;
    }
}

async fn try_connect(server: &Server, token: &str) -> Result<Client, Value> {
    Client::try_connect(server.port, Some(&json!({ "token": token }))).await
}

async fn connect(server: &Server, token: &str) -> Client {
    try_connect(server, token).await.unwrap()
}

fn refusal() -> Value {
    json!({"message": "Authentication error"})
}

fn admin_token() -> String {
    let token = NewToken {
        user: "root".to_owned(),
        name: None,
        role: Some("ADMIN".to_owned()),
        gallery: None,
        ttl: Duration::from_secs(3_600),
    };
    mint(SECRET, &TokenRules::default(), token).unwrap()
}

/// An API token that a front end signed itself; the store has no row of it.
fn front_end_token(user: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(API_SECRET.as_bytes());
    let now = chrono::Utc::now().timestamp();
    let claims =
        json!({"userId": user, "username": "ada", "type": 1, "iat": now, "exp": now + 3_600});
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// A token that does not say when it was made: nobody can tell that it is a new one.
fn old_token(user: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let claims = json!({"sub": user, "exp": chrono::Utc::now().timestamp() + 3_600});
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// How many sockets a user has, as administrators see it.
async fn sockets_of(server: &Server, user: &str) -> usize {
    let list = as_user(Call::get("/api/v1/admin/sessions"), &admin_token());
    let list = list.send(server.port).await.json();
    let sessions = list["sessions"].as_array().unwrap();
    sessions
        .iter()
        .filter(|session| session["userId"] == user)
        .count()
}
