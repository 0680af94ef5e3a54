//! Whatever is logged, message texts, tokens and secrets are not in it.

use serde_json::json;
use url::Url;

use crate::support::client::Client;
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::token;
use crate::support::wire::Wire;

/// Part of everything that must not be logged.
const CANARY: &str = "canary";
const SECRET: &str = "canary-secret-of-at-least-thirty-two-bytes";
const OTHER_SECRET: &str = "canary-other-secret-of-at-least-32-bytes";
/// How every token begins: a JSON object in base64.
const TOKEN_START: &str = "eyJ";

on_both_stores!(no_log_level_shows_what_people_write_or_who_they_prove_to_be);

async fn no_log_level_shows_what_people_write_or_who_they_prove_to_be(store: Store) {
    let database = with_password(store.database_url());
    for level in [("RUST_LOG", "trace"), ("DEBUG", "*")] {
        for format in ["pretty", "json"] {
            for query_token in ["true", "false"] {
                let settings = [
                    level,
                    ("LOG_FORMAT", format),
                    ("JWT_SECRET", SECRET),
                    ("DATABASE_URL", database.as_str()),
                    ("ALLOW_QUERY_TOKEN", query_token),
                    ("FILE_URL_HOSTS", "canary.example.com"),
                ];
                let mut server = Server::start_with(&store, &settings).await;
                talk(&server).await;
                server.stop().await;
                assert_discreet(&server.log());
            }
        }
    }
}

/// A password that the test cluster does not ask for, unless the address has one already.
fn with_password(url: &str) -> String {
    let mut url: Url = url.parse().unwrap();
    if url.scheme() == "postgres" && url.password().is_none() {
        url.set_password(Some("canary-database-password")).unwrap();
    }
    url.into()
}

/// Uses every way in, with good and bad credentials and payloads.
async fn talk(server: &Server) {
    let good = token("1", Some("canary name"), SECRET);
    let bad = token("1", Some("canary name"), OTHER_SECRET);
    for token in [good.clone(), format!("Bearer {good}")] {
        let auth = json!({"token": token, "name": "canary name", "other": "canary"});
        let mut client = Client::connect(server.port, Some(&auth)).await;
        say_good_and_bad_things(&mut client).await;
    }
    for token in [
        json!(bad),
        json!("canary"),
        json!({"canary": 1}),
        json!("Bearer canary"),
    ] {
        let refused = Client::try_connect(server.port, Some(&json!({"token": token}))).await;
        assert_eq!(
            refused.err(),
            Some(json!({"message": "Authentication error"}))
        );
    }
    let dialect = json!({"token": good, "dialect": "canary"});
    assert!(
        Client::try_connect(server.port, Some(&dialect))
            .await
            .is_err()
    );
    say_malformed_things(server, &good).await;
    for (token, is_good) in [(good.as_str(), true), (&bad, false), ("canary", false)] {
        call_everything(server, token, is_good).await;
    }
}

async fn say_good_and_bad_things(client: &mut Client) {
    let message = draft(json!({
        "content": "canary text", "tempId": "canary-temp", "clientMessageId": "canary-client",
        "fileUrl": "https://canary.example.com/canary", "fileName": "canary.png",
    }));
    client.ask_ok("send_message", message.clone()).await;
    let repeat = client.ask_ok("send_message", message).await;
    assert_eq!(repeat["duplicate"], true);
    for (event, body) in [
        (
            "send_message",
            draft(json!({"senderId": 2, "content": "canary"})),
        ),
        ("send_message", draft(json!({"content": "canary\u{0}"}))),
        (
            "send_message",
            draft(json!({"content": "canary".repeat(20_000)})),
        ),
        ("send_message", json!("canary")),
        ("canary_event", json!({"canary": "canary"})),
        (
            "join_conversation",
            json!({"conversationId": {"canary": 1}}),
        ),
        (
            "broadcast_new_message",
            json!({"conversationId": 42, "message": {"content": "canary"}}),
        ),
    ] {
        let answer = client.call(event, body).await;
        assert_eq!(answer["ok"], false, "{answer}");
    }
}

async fn say_malformed_things(server: &Server, good: &str) {
    let frames = [
        r#"42["canary""#,
        r#"420["send_message",{"content":"canary}]"#,
        r#"451-["canary",{"_placeholder":true,"num":0}]"#,
        "canary",
        "49canary",
        r#"40/canary,{"token":"canary"}"#,
    ];
    for frame in frames {
        let mut wire = Wire::open(server.port).await;
        wire.join(Some(&json!({"token": good}))).await.unwrap();
        wire.say(frame).await;
        wire.say_bytes(b"canary").await;
        // An answer, or the end of the connection: either way the frames before were looked at.
        wire.say(r#"427["canary_event"]"#).await;
        wire.hear().await;
    }
}

async fn call_everything(server: &Server, token: &str, is_good: bool) {
    let text = json!({"senderId": 1, "receiverId": 2, "content": "canary over REST"});
    // What works with a good token.
    for call in [
        Call::post("/api/messages", &text),
        upload(b"\x89PNG\r\n\x1a\n canary"),
        Call::get("/api/messages?conversationId=42&token=canary"),
        Call::get("/api/messages/conversations?userId=1"),
        Call::get("/api/user/me"),
    ] {
        let answer = call_as(call, token, server).await;
        assert_eq!(answer.status == 200, is_good, "{}", answer.text());
    }
    // What never does.
    for call in [
        Call::post(
            "/api/messages",
            &json!({"senderId": 2, "receiverId": 1, "content": "canary"}),
        ),
        Call::post(
            "/api/messages",
            &json!({"senderId": "canary", "content": ["canary"]}),
        ),
        Call::new("POST", "/api/messages").body("{\"canary"),
        Call::new("POST", "/api/messages").body("canary".repeat(200_000)),
        Call::new("PUT", "/api/messages").body(r#"{"conversationId":"canary","userId":2}"#),
        upload(b"canary"),
        Call::get("/canary?canary=canary").header("Origin", "https://canary.example.com"),
        Call::new("CANARY", "/canary"),
        Call::get("/socket.io/?EIO=4&transport=polling&sid=canary"),
        Call::get("/socket.io/?EIO=canary&transport=canary"),
    ] {
        let answer = call_as(call, token, server).await;
        assert!(answer.status >= 400, "{}", answer.text());
    }
    let query = format!("token={}", token.replace(' ', "+"));
    let mut wire = Wire::open_with_query(server.port, &query).await;
    // Admitted or refused: that depends on the token and on the setting.
    let _ = wire.join(None).await;
}

async fn call_as(call: Call, token: &str, server: &Server) -> Answer {
    call.header("Authorization", &format!("Bearer {token}"))
        .header("Cookie", "session_token=canary; auth-token=canary")
        .header("User-Agent", "canary")
        .send(server.port)
        .await
}

fn upload(file: &[u8]) -> Call {
    let head = "--canary\r\nContent-Disposition: form-data; name=\"file\"; \
        filename=\"canary.png\"\r\nContent-Type: image/png\r\n\r\n";
    Call::new("POST", "/api/upload")
        .header("Content-Type", "multipart/form-data; boundary=canary")
        .body([head.as_bytes(), file, b"\r\n--canary--\r\n"].concat())
}

fn assert_discreet(log: &str) {
    assert!(
        log.contains("DEBUG"),
        "nothing was logged below INFO:\n{log}"
    );
    for secret in [CANARY, TOKEN_START] {
        let line = log
            .lines()
            .find(|line| line.to_ascii_lowercase().contains(&secret.to_lowercase()));
        assert_eq!(line, None, "{secret} was logged");
    }
}
