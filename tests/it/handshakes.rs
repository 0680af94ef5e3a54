//! Token mode at the door of a socket: who shows nothing good gets nothing, whatever it sends then.

use std::time::Duration;

use serde_json::{Value, json};
use sohbet::auth::{NewToken, TokenRules, mint};

use crate::support::client::{Arrival, Client};
use crate::support::http::Call;
use crate::support::messages::draft;
use crate::support::polling;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;

const TOKEN_MODE: (&str, &str) = ("JWT_SECRET", SECRET);
const REFUSAL: &str = r#"44{"message":"Authentication error"}"#;

#[tokio::test]
async fn who_shows_no_good_token_gets_nothing() {
    let server = Server::start_with(&Store::sqlite(), &[TOKEN_MODE]).await;
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.";
    let good = token("7", None, SECRET);
    let tokens = [
        json!(null),
        json!(""),
        json!(" "),
        json!("Bearer "),
        json!("Bearer Bearer x"),
        json!(0),
        json!(true),
        json!([]),
        json!({}),
        json!([good]),
        json!({"token": good}),
        json!(unsigned),
        json!(unsigned.replace("none", "nOnE")),
        json!(token("7", None, "another-secret-of-at-least-32-bytes")),
        json!(format!("{good}x")),
        json!(format!("{good}\u{0}")),
        json!("x".repeat(900_000)),
        json!("sbt_0000000000000000000000000000000000000000000000000000000000000000"),
    ];
    let mut packets = vec![
        "40".to_owned(),
        "40{}".to_owned(),
        "40[]".to_owned(),
        r#"40{"userId":7}"#.to_owned(),
    ];
    packets.extend(tokens.map(|token| format!("40{}", json!({ "token": token, "userId": 7 }))));
    let mut witness = connect(&server, &good).await;
    witness.ask_ok("join_user_room", json!(7)).await;
    for packet in packets {
        let shown: String = packet.chars().take(60).collect();
        let mut wire = Wire::open(server.port).await;
        wire.say(&packet).await;
        assert_eq!(wire.hear().await.as_deref(), Some(REFUSAL), "{shown}");
        let message = draft(json!({"senderId": 8, "receiverId": 7, "content": "from nobody"}));
        wire.say(&format!(r#"421["send_message",{message}]"#)).await;
        wire.say(r#"422["join_user_room",7]"#).await;
        // The end of the connection, which its client may be told before, shows that neither is answered.
        while let Some(heard) = wire.hear().await {
            assert_eq!(heard, "1", "{shown}");
        }
    }
    assert_heard_no_message(&mut witness).await;
}

#[tokio::test]
async fn nothing_is_handled_before_connect_and_after_the_end() {
    let server = Server::start_with(&Store::sqlite(), &[TOKEN_MODE]).await;
    let auth = json!({"token": token("7", None, SECRET)});
    let event = r#"421["join_user_room",7]"#;
    // Before: the connection ends, and nothing is answered.
    let mut wire = Wire::open(server.port).await;
    wire.say(event).await;
    while let Some(heard) = wire.hear().await {
        assert_eq!(heard, "1");
    }
    // In a namespace that the client never joined: the next answer is another one's.
    let mut wire = Wire::open(server.port).await;
    wire.join(Some(&auth)).await.unwrap();
    wire.say(r#"42/admin,1["join_user_room",7]"#).await;
    wire.say(r#"422["join_user_room",7]"#).await;
    while let Some(heard) = wire.hear().await {
        assert!(!heard.starts_with("43/admin"), "{heard}");
        if heard.starts_with("432") {
            break;
        }
    }
    // After it has left: nobody hears what it says.
    let mut witness = connect(&server, &token("8", None, SECRET)).await;
    witness.ask_ok("join_user_room", json!(8)).await;
    let message = draft(json!({"senderId": 7, "receiverId": 8, "content": "too late"}));
    for _ in 0..10 {
        let mut wire = Wire::open(server.port).await;
        wire.join(Some(&auth)).await.unwrap();
        wire.say("41").await;
        wire.say(&format!(r#"42["send_message",{message}]"#)).await;
        wire.say("1").await;
        while wire.hear().await.is_some() {}
    }
    assert_heard_no_message(&mut witness).await;
}

/// An answer that comes after everything else shows that no message is on its way.
async fn assert_heard_no_message(witness: &mut Client) {
    witness.call("leave_conversation", json!(1)).await;
    let heard = witness.take_kept();
    let is_message =
        |arrival: &Arrival| matches!(arrival, Arrival::Event(name, _) if name == "new_message");
    assert!(!heard.iter().any(is_message), "{heard:?}");
}

#[tokio::test]
async fn a_connection_has_one_identity() {
    let server = Server::start_with(&Store::sqlite(), &[TOKEN_MODE]).await;
    let mut wire = Wire::open(server.port).await;
    let id = wire
        .join(Some(&json!({"token": token("7", None, SECRET)})))
        .await
        .unwrap();
    let other = json!({"token": token("8", None, SECRET)});
    wire.say(&format!("40{other}")).await;
    wire.say(&format!("40/admin,{other}")).await;
    let heard = wire.hear().await.unwrap();
    assert!(heard.starts_with("44/admin,"), "{heard}");
    let mut client = Client::over(wire, id);
    let answer = client.call("join_user_room", json!(8)).await;
    assert_eq!(answer["error"]["code"], "FORBIDDEN", "{answer}");
    client.ask_ok("join_user_room", json!(7)).await;
}

#[tokio::test]
async fn a_token_in_the_query_counts_only_where_that_is_enabled() {
    let good = token("7", None, SECRET);
    for (allowed, dialect, is_in) in [
        ("false", "auto", false),
        ("false", "messaging", false),
        ("false", "school", false),
        ("false", "gallery", false),
        ("false", "direct", false),
        ("false", "starter", false),
        ("false", "native", false),
        ("false", "chatsphere", true),
        ("true", "messaging", true),
    ] {
        let server = taking_query_tokens(allowed, dialect).await;
        let mut wire = Wire::open_with_query(server.port, &format!("token={good}")).await;
        assert_eq!(wire.join(None).await.is_ok(), is_in, "{allowed} {dialect}");
    }
}

#[tokio::test]
async fn a_client_that_names_a_dialect_does_not_enable_tokens_in_the_query() {
    let query = format!("dialect=chatsphere&token={}", token("7", None, SECRET));
    for (allowed, dialect, is_in) in [
        ("false", "native", false),
        ("false", "messaging", false),
        ("false", "auto", true),
        ("false", "chatsphere", true),
        ("true", "native", true),
    ] {
        let server = taking_query_tokens(allowed, dialect).await;
        let what = format!("{allowed} {dialect}");
        let mut wire = Wire::open_with_query(server.port, &query).await;
        assert_eq!(wire.join(None).await.is_ok(), is_in, "{what}");
        let in_auth = json!({"dialect": "chatsphere"});
        let mut wire = Wire::open_with_query(server.port, &query).await;
        assert_eq!(wire.join(Some(&in_auth)).await.is_ok(), is_in, "{what}");
        let plain = polling::upgrade_of(&format!("/ws?{query}"));
        let status = plain.send(server.port).await.status;
        assert_eq!(status, if is_in { 101 } else { 401 }, "{what}");
        let rest = Call::get(&format!("/api/auth/verify?{query}"));
        let status = rest.send(server.port).await.status;
        assert_eq!(status, if is_in { 200 } else { 401 }, "{what}");
    }
}

async fn taking_query_tokens(allowed: &str, dialect: &str) -> Server {
    let settings = [
        TOKEN_MODE,
        ("ALLOW_QUERY_TOKEN", allowed),
        ("DIALECT", dialect),
    ];
    Server::start_with(&Store::sqlite(), &settings).await
}

#[tokio::test]
async fn a_live_socket_ends_with_its_token_in_every_dialect() {
    let settings = [TOKEN_MODE, ("JWT_LEEWAY_S", "0")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let dialects = [
        "messaging",
        "school",
        "gallery",
        "direct",
        "starter",
        "native",
        "chatsphere",
        "auto",
    ];
    let ends = dialects.map(|dialect| ends_with_its_token(&server, dialect));
    futures_util::future::join_all(ends).await;
}

async fn ends_with_its_token(server: &Server, dialect: &str) {
    let token = short_token(Duration::from_secs(3));
    let auth = json!({"token": token, "dialect": dialect});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    let heard = client.until_closed().await;
    assert!(
        !heard.contains(&Arrival::Disconnect),
        "{dialect}: it may come back: {heard:?}"
    );
    let again = Client::try_connect(server.port, Some(&auth)).await;
    assert_eq!(
        again.err(),
        Some(json!({"message": "Authentication error"})),
        "{dialect}"
    );
    let auth = json!({"token": short_token(Duration::from_secs(60)), "dialect": dialect});
    Client::connect(server.port, Some(&auth)).await;
}

fn short_token(ttl: Duration) -> String {
    let token = NewToken {
        user: "7".to_owned(),
        name: None,
        role: Some("teacher".to_owned()),
        gallery: Some("g".to_owned()),
        ttl,
    };
    mint(SECRET, &TokenRules::default(), token).unwrap()
}

async fn connect(server: &Server, token: &str) -> Client {
    let auth: Value = json!({ "token": token });
    Client::connect(server.port, Some(&auth)).await
}
