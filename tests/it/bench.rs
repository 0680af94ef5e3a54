//! `sohbet bench` against a real server: every load runs, counts right and finds nothing wrong. How long things
//! take is not asked here.

use serde_json::Value;

use crate::support::command::{Ended, sohbet};
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::tokens::SECRET;

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
