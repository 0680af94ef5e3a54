//! What the server refuses to start with, and how several start on one database.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::command::sohbet;
use crate::support::histories::History;
use crate::support::messages::{draft, id};
use crate::support::server::{Failure, Server};
use crate::support::stores::{Store, on_postgres};
use crate::support::tokens::SECRET;

#[tokio::test]
async fn a_second_server_on_one_sqlite_file_is_refused() {
    let store = Store::sqlite();
    let first = Server::start(&store).await;
    let failure = refused(&store, &[]).await;
    assert!(
        failure
            .text
            .contains("another Sohbet is running on this database"),
        "{failure:?}"
    );
    // The first one does not notice.
    first
        .connect()
        .await
        .ask_ok("send_message", draft(json!({})))
        .await;
    drop(first);
}

#[tokio::test]
async fn a_database_is_free_again_when_its_server_has_crashed() {
    let store = Store::sqlite();
    let mut server = Server::start(&store).await;
    server.crash().await;
    server.restart().await;
    server.stop().await;
}

#[tokio::test]
async fn two_servers_that_start_at_once_share_a_new_postgres_database() {
    on_postgres(async |store| {
        let (one, other) = tokio::join!(Server::start(&store), Server::start(&store));
        let (a, b) = (one.connect().await, other.connect().await);
        let (sent_by_one, sent_by_other) = tokio::join!(send(a, "one"), send(b, "other"));
        let sent: Vec<Value> = [sent_by_one, sent_by_other].concat();
        let ids: HashSet<u64> = sent.iter().map(id).collect();
        assert_eq!(ids.len(), sent.len(), "an id was given twice");

        let conversations = by_sender(&sent);
        let distinct: HashSet<u64> = conversations.values().copied().collect();
        assert_eq!(
            distinct.len(),
            1 + N_PAIRS,
            "a conversation id was given twice"
        );
        let shared = conversations[&1];
        let stored = History::read(&one, shared).await;
        assert_eq!(
            stored.messages,
            History::read(&other, shared).await.messages
        );
        assert_eq!(stored.messages.len(), 2 * N_SHARED);
    })
    .await;
}

/// Messages of each server in the conversation of users 1 and 2.
const N_SHARED: usize = 200;
/// Further pairs, to each of which both servers send.
const N_PAIRS: usize = 50;

/// Sends in one conversation and to many pairs that have none yet, without waiting. Everybody asks
/// for the same conversation id.
async fn send(mut client: Client, label: &str) -> Vec<Value> {
    let mut asked = Vec::new();
    for number in 0..N_SHARED.max(N_PAIRS) {
        let content = format!("{label} {number}");
        if number < N_PAIRS {
            let pair = json!({
                "senderId": 1_000 + number, "receiverId": 2_000 + number,
                "conversationId": 42, "content": content,
            });
            asked.push(client.ask("send_message", &draft(pair)));
        }
        asked.push(client.ask("send_message", &draft(json!({"content": content}))));
    }
    let mut sent = Vec::new();
    for number in asked {
        let answer = client.ack(number).await;
        assert_eq!(answer["ok"], true, "{answer}");
        sent.push(answer["message"].clone());
    }
    sent
}

/// The conversation of each sender, which both servers must have called the same.
fn by_sender(sent: &[Value]) -> HashMap<u64, u64> {
    let mut conversations = HashMap::new();
    for message in sent {
        let sender = message["senderId"].as_u64().unwrap();
        let conversation = message["conversationId"].as_u64().unwrap();
        assert_eq!(
            *conversations.entry(sender).or_insert(conversation),
            conversation
        );
    }
    conversations
}

#[tokio::test]
async fn development_mode_does_not_listen_beyond_this_machine_unless_told_to() {
    let store = Store::sqlite();
    let failure = refused(&store, &[("HOST", "0.0.0.0")]).await;
    assert_eq!(failure.code, Some(1));
    for word in ["HOST", "0.0.0.0", "JWT_SECRET", "--insecure-trust-clients"] {
        assert!(failure.text.contains(word), "{word}: {failure:?}");
    }
    let everywhere = [("HOST", "0.0.0.0")];
    let mut trusting = Server::try_start(&store, &everywhere, &["--insecure-trust-clients"])
        .await
        .unwrap();
    assert!(
        trusting
            .log()
            .contains("DEVELOPMENT MODE BEYOND THIS MACHINE"),
        "{}",
        trusting.log()
    );
    trusting
        .connect()
        .await
        .ask_ok("send_message", draft(json!({})))
        .await;
    trusting.stop().await;
    let mut safe = Server::start_with(&store, &[everywhere[0], ("JWT_SECRET", SECRET)]).await;
    assert!(!safe.log().contains("DEVELOPMENT"), "{}", safe.log());
    safe.stop().await;
}

#[tokio::test]
async fn development_mode_and_switches_without_effect_are_said_aloud() {
    let server = Server::start_with(&Store::sqlite(), &[("BYPASS_AUTH", "true")]).await;
    let log = server.log();
    for words in [
        "DEVELOPMENT MODE: no JWT_SECRET is set",
        "BYPASS_AUTH has no effect",
    ] {
        assert!(log.contains(words), "{log}");
    }
}

#[tokio::test]
async fn a_secret_that_protects_nothing_is_refused() {
    let store = Store::sqlite();
    for secret in ["", " ", "short", "thirty-one-bytes-are-not-enough"] {
        let failure = refused(&store, &[("JWT_SECRET", secret)]).await;
        assert_eq!(failure.code, Some(1));
        assert!(failure.text.contains("JWT_SECRET"), "{failure:?}");
        assert!(
            secret.trim().is_empty() || !failure.text.contains(secret),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn each_proof_of_logins_ends_development_mode_and_nothing_else_does() {
    let store = Store::sqlite();
    let everywhere = ("HOST", "0.0.0.0");
    let public_key = include_str!("../keys/p256.pub.pem");
    // Nobody answers there: a start does not depend on it.
    let nowhere = "http://127.0.0.1:9/answer";
    for proof in [
        ("JWT_SECRET", SECRET),
        ("JWT_PUBLIC_KEY", public_key),
        ("JWKS_URL", nowhere),
        ("AUTH_SESSION_URL", nowhere),
    ] {
        let mut server = Server::start_with(&store, &[everywhere, proof]).await;
        assert!(!server.log().contains("DEVELOPMENT"), "{}", server.log());
        let nobody = Client::try_connect(server.port, Some(&json!({"userId": 7}))).await;
        assert!(nobody.is_err(), "{proof:?}");
        server.stop().await;
    }
    for other in [
        ("JWT_API_SECRET", SECRET),
        ("JWT_ISSUER", "https://login.example.com/"),
        ("JWT_AUDIENCE", "chat"),
        ("ALLOW_QUERY_TOKEN", "true"),
        ("FRONTEND_URL", "https://app.example.com"),
        ("NODE_ENV", "production"),
    ] {
        let failure = refused(&store, &[everywhere, other]).await;
        assert!(
            failure.text.contains("JWT_SECRET"),
            "{other:?}: {failure:?}"
        );
    }
    for name in ["JWT_PUBLIC_KEY", "JWKS_URL", "AUTH_SESSION_URL"] {
        let failure = refused(&store, &[(name, "")]).await;
        assert!(failure.text.contains(name), "{failure:?}");
    }
}

#[tokio::test]
async fn every_wrong_setting_is_named_in_one_go() {
    let wrong = [
        ("SOCKET_PORT", "x"),
        ("PING_TIMEOUT_MS", "-1"),
        ("DIALECT", "klingon"),
    ];
    let ended = sohbet(&Store::sqlite(), &["serve"], &wrong).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    for (name, value) in wrong {
        let named = |line: &str| line.contains(name) && line.contains(value);
        assert!(ended.stderr.lines().any(named), "{name}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_minted_token_opens_the_server() {
    let store = Store::sqlite();
    let settings = [("JWT_SECRET", SECRET)];
    let args = ["token", "mint", "--user", "7", "--name", "Ada"];
    let minted = sohbet(&store, &args, &settings).await;
    assert_eq!((minted.code, minted.stderr.as_str()), (0, ""));
    let token = minted.stdout.trim();
    assert_eq!(minted.stdout.lines().count(), 1);

    let server = Server::start_with(&store, &settings).await;
    for token in [token.to_owned(), format!("Bearer {token}")] {
        let auth = json!({ "token": token });
        let mut client = Client::connect(server.port, Some(&auth)).await;
        let own = draft(json!({"senderId": 7, "receiverId": 8, "content": token}));
        let answer = client.ask_ok("send_message", own).await;
        assert_eq!(answer["message"]["sender"]["fullName"], "Ada");
        let forged = client
            .call("send_message", draft(json!({"senderId": 8})))
            .await;
        assert_eq!(forged["error"]["code"], "FORBIDDEN");
    }
    let unsigned = sohbet(&store, &args, &[]).await;
    assert_eq!((unsigned.code, unsigned.stdout.as_str()), (1, ""));
    assert!(
        unsigned.stderr.contains("JWT_SECRET"),
        "{}",
        unsigned.stderr
    );
}

async fn refused(store: &Store, settings: &[(&str, &str)]) -> Failure {
    match Server::try_start(store, settings, &[]).await {
        Ok(_) => panic!("the server started with {settings:?}"),
        Err(failure) => failure,
    }
}
