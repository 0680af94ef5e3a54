//! `sohbet bench` against a real server: every load runs, counts right and finds nothing wrong. How long things
//! take is not asked here.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::command::{Ended, sohbet};
use crate::support::http::Call;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::SECRET;

on_both_stores!(a_seeded_database_has_what_was_asked_for);

/// Fills a database.
async fn seed(store: &Store, options: &str) -> Ended {
    let arguments = ["bench", "seed"].into_iter().chain(options.split(' '));
    sohbet(store, &arguments.collect::<Vec<_>>(), &[]).await
}

/// Puts that load on a server, as a JSON report.
async fn bench(server: &Server, load: &str, settings: &[(&str, &str)]) -> Ended {
    let url = format!("http://127.0.0.1:{}", server.port);
    let mut arguments: Vec<&str> = ["bench"].into_iter().chain(load.split(' ')).collect();
    arguments.extend(["--json", "--url", &url, "--warm-up", "200ms"]);
    sohbet(&Store::sqlite(), &arguments, settings).await
}

/// The report of a load with which nothing went wrong.
async fn good(server: &Server, load: &str, settings: &[(&str, &str)]) -> Value {
    let ended = bench(server, load, settings).await;
    assert_eq!(ended.code, 0, "{load}: {ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let faults = report["faults"].as_object().unwrap();
    assert!(faults.values().all(|n| *n == 0), "{load}: {faults:?}");
    report
}

#[tokio::test]
async fn talk_in_pairs_and_rooms_is_counted() {
    let server = Server::start_with(&Store::sqlite(), &[("DIALECT", "messaging")]).await;
    for (load, n_others) in [
        ("pairs --connections 20 --duration 1s --polling 0.3", 1),
        (
            "rooms --connections 20 --size 10 --senders 4 --rate 40 --duration 1s",
            9,
        ),
        (
            "big-room --connections 20 --senders 2 --in-flight 4 --duration 1s",
            19,
        ),
    ] {
        let report = good(&server, load, &[]).await;
        let (n_messages, heard) = (&report["messages"], &report["sendToReceive"]["count"]);
        let acked = report["sendToAck"]["count"].as_u64().unwrap();
        assert!(n_messages.as_u64().unwrap() > 10, "{load}: {report}");
        // Of what was due while it was measured, each message was acknowledged once and heard by all others.
        assert_eq!(heard.as_u64().unwrap(), acked * n_others, "{load}");
        assert!(
            report["server"]["cpuSeconds"].as_f64().unwrap() > 0.0,
            "{load}"
        );
    }
}

#[tokio::test]
async fn connections_with_logins_come_stay_and_come_back() {
    let settings = [
        ("DIALECT", "messaging"),
        ("JWT_SECRET", SECRET),
        ("UNLIMITED_ADDRESSES", "127.0.0.1"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let login = [("JWT_SECRET", SECRET)];
    for load in [
        "storm --connections 12 --pause 0ms --polling 0.5",
        "idle --connections 12 --pause 0ms --duration 1s",
        "reconnect --connections 12 --senders 4 --rate 40 --duration 1s",
    ] {
        let report = good(&server, load, &login).await;
        assert_eq!(report["connections"], 12, "{load}");
    }
    let ended = bench(&server, "pairs --connections 2 --duration 1s", &[]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("Authentication error"), "{ended:?}");
}

#[tokio::test]
async fn pages_and_lists_are_read_and_checked() {
    let server = Server::start_with(&Store::sqlite(), &[("DIALECT", "messaging")]).await;
    for load in [
        "history --messages 300 --connections 3 --duration 1s",
        "list --conversations 20 --connections 3 --duration 1s",
    ] {
        let report = good(&server, load, &[]).await;
        assert!(report["reads"].as_u64().unwrap() > 3, "{load}");
        assert!(report["read"]["count"].as_u64().unwrap() > 3, "{load}");
    }
}

#[tokio::test]
async fn options_that_do_not_fit_are_refused_before_anything_is_sent() {
    let server = Server::start(&Store::sqlite()).await;
    for (load, reason) in [
        ("pairs --connections 0", "connection"),
        ("pairs --polling 1.5", "share that polls"),
        ("pairs --rate 0", "rate"),
        ("nonsense", "pairs"),
    ] {
        let ended = bench(&server, load, &[]).await;
        assert_eq!(ended.code, 2, "{load}");
        assert!(ended.stderr.contains(reason), "{load}: {ended:?}");
    }
}

async fn a_seeded_database_has_what_was_asked_for(store: Store) {
    let options = "--messages 2000 --conversations 40 --longest 700 --users 20";
    let ended = seed(&store, options).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let found = "user 1000000 takes part in 19 conversations and has not read 55";
    assert!(ended.stdout.contains(found), "{ended:?}");
    let server = Server::start_with(&store, &[("DIALECT", "messaging")]).await;
    let lengths = lengths(&server, 1_000_000, 19).await;
    assert_eq!(lengths.len(), 19);
    assert!(lengths.values().all(|n| [33, 34, 700].contains(n)));
    let longest = lengths.values().filter(|n| **n == 700).count();
    assert_eq!(longest, 1);
    // It finds what it would have sent, and what is unread of each.
    let report = good(&server, "list --conversations 19 --duration 1s", &[]).await;
    assert!(report["reads"].as_u64().unwrap() > 0);
    let others = list_of(&server, 1_000_001).await;
    assert!(others.iter().all(|it| it["unreadCount"] == 0), "{others:?}");
}

/// How many messages each conversation of somebody has.
async fn lengths(server: &Server, user: u64, n_conversations: usize) -> BTreeMap<u64, u64> {
    let list = list_of(server, user).await;
    assert_eq!(list.len(), n_conversations);
    let mut lengths = BTreeMap::new();
    for conversation in &list {
        let id = conversation["id"].as_u64().unwrap();
        let newest = server
            .messages(&format!("conversationId={id}&limit=1"))
            .await;
        assert_eq!(newest[0]["content"], conversation["lastMessage"]["content"]);
        lengths.insert(id, newest[0]["seq"].as_u64().unwrap());
    }
    lengths
}

async fn list_of(server: &Server, user: u64) -> Vec<Value> {
    let path = format!("/api/messages/conversations?userId={user}");
    let answer = Call::get(&path).send(server.port).await;
    let list = answer.json()["conversations"].as_array().cloned();
    list.unwrap_or_else(|| panic!("{}", answer.text()))
}

#[tokio::test]
async fn a_second_seeding_adds_to_the_first_and_none_touches_the_file_of_a_server() {
    let store = Store::sqlite();
    for _ in 0..2 {
        let ended = seed(&store, "--messages 60 --conversations 3").await;
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let server = Server::start_with(&store, &[("DIALECT", "messaging")]).await;
    let lengths = lengths(&server, 1_000_000, 3).await;
    assert!(lengths.values().all(|n| *n == 40), "{lengths:?}");
    let refused = seed(&store, "--messages 60 --conversations 3").await;
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("another Sohbet"), "{refused:?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_is_not_begun() {
    let store = Store::sqlite();
    for (options, reason) in [
        ("--messages 0", "there must be a message"),
        ("--conversations 7 --users 4", "6 conversations at most"),
        (
            "--conversations 5 --messages 4",
            "each conversation has a message",
        ),
    ] {
        let ended = seed(&store, options).await;
        assert_eq!(ended.code, 2, "{options}");
        assert!(ended.stderr.contains(reason), "{options}: {ended:?}");
    }
    assert!(!store.folder().join("chat.db").exists());
}
