//! `sohbet check` and `--print-config`: what is there, where it comes from, what to change.

use std::net::TcpListener;

use url::Url;

use crate::support::bucket::Bucket;
use crate::support::command::{Ended, sohbet};
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores, on_postgres};
use crate::support::tokens::SECRET;

on_both_stores!(check_is_content_with_a_running_server);

async fn check_is_content_with_a_running_server(store: Store) {
    let server = Server::start(&store).await;
    let port = server.port.to_string();
    let ended = sohbet(
        &store,
        &["check"],
        &[("SOCKET_PORT", &port), ("JWT_SECRET", SECRET)],
    )
    .await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    finds(
        &ended,
        "ok",
        "port",
        &format!("{port} is served by Sohbet already"),
    );
    finds(&ended, "ok", "database", "answers and is up to date");
    finds(&ended, "ok", "secret", "JWT_SECRET has 39 bytes");
    assert!(!ended.stdout.contains(SECRET));
}

#[tokio::test]
async fn check_finds_a_port_that_another_program_has() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let ended = sohbet(&Store::sqlite(), &["check"], &[("SOCKET_PORT", &port)]).await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    finds(
        &ended,
        "FAIL",
        "port",
        &format!("{port} is taken by another program"),
    );
    assert!(
        ended.stdout.contains("change: SOCKET_PORT"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn check_looks_at_a_missing_sqlite_file_and_does_not_make_it() {
    let store = Store::sqlite();
    let ended = sohbet(&store, &["check", "--port", "0"], &[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    finds(
        &ended,
        "ok",
        "database",
        "does not exist yet; the server makes it",
    );
    let strict = sohbet(&store, &["check", "--port", "0", "--no-migrate"], &[]).await;
    assert_eq!(strict.code, 1, "{}", strict.stdout);
    finds(&strict, "FAIL", "database", "does not exist");
    assert!(
        strict.stdout.contains("run: sohbet migrate"),
        "{}",
        strict.stdout
    );
    assert_eq!(store.folder().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn check_finds_pending_migrations_until_they_are_done() {
    on_postgres(async |store| {
        let pending = sohbet(&store, &["check", "--port", "0"], &[]).await;
        assert_eq!(pending.code, 0, "{}", pending.stdout);
        finds(&pending, "warn", "database", "migrations are pending");
        let args = ["check", "--port", "0", "--no-migrate"];
        let strict = sohbet(&store, &args, &[]).await;
        assert_eq!(strict.code, 1, "{}", strict.stdout);
        finds(&strict, "FAIL", "database", "is not up to date");
        let migrated = sohbet(&store, &["migrate"], &[]).await;
        assert_eq!(migrated.code, 0, "{}", migrated.stderr);
        assert!(
            migrated.stdout.contains("is up to date"),
            "{}",
            migrated.stdout
        );
        let done = sohbet(&store, &args, &[]).await;
        assert_eq!(done.code, 0, "{}", done.stdout);
        finds(&done, "ok", "database", "answers and is up to date");
    })
    .await;
}

#[tokio::test]
async fn check_finds_a_database_that_does_not_answer() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://someone:canary@{free}/chat");
    let ended = sohbet(
        &Store::sqlite(),
        &["check", "--port", "0"],
        &[("DATABASE_URL", &url)],
    )
    .await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    finds(&ended, "FAIL", "database", "does not answer");
    assert!(
        ended
            .stdout
            .contains("change: DATABASE_URL (now: environment DATABASE_URL)")
    );
    assert!(!format!("{ended:?}").contains("canary"));
}

#[tokio::test]
async fn check_looks_at_the_store_of_files() {
    let bucket = Bucket::start().await;
    let mut settings = bucket.settings();
    let args = ["check", "--port", "0"];
    let ended = sohbet(&Store::sqlite(), &args, &settings).await;
    finds(
        &ended,
        "ok",
        "uploads",
        "the bucket files at http://127.0.0.1:",
    );
    settings[3].1 = "canary-another-secret";
    let ended = sohbet(&Store::sqlite(), &args, &settings).await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    finds(&ended, "FAIL", "uploads", "cannot be used");
    assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    assert_eq!(bucket.files().len(), 0);
    let in_folder = sohbet(&Store::sqlite(), &args, &[("JWT_SECRET", SECRET)]).await;
    finds(&in_folder, "ok", "uploads", "data/uploads");
    finds(&in_folder, "warn", "uploads", "PUBLIC_URL is not set");
}

#[tokio::test]
async fn check_names_wrong_settings() {
    let ended = sohbet(&Store::sqlite(), &["check"], &[("SOCKET_PORT", "many")]).await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    finds(&ended, "FAIL", "settings", "SOCKET_PORT");
}

#[tokio::test]
async fn the_printed_configuration_shows_origins_and_masks_secrets() {
    let store = Store::sqlite();
    let file = "SOCKET_PORT=4001\nFRONTEND_URL=https://chat.example.com\nDIALECT=auto\n";
    std::fs::write(store.folder().join(".env"), file).unwrap();
    let settings = [
        (
            "DATABASE_URL",
            "postgres://someone:canary-password@db.example.com/chat?sslpassword=x",
        ),
        ("JWT_SECRET", "canary-secret-of-at-least-thirty-two-bytes"),
        ("DIALECT", "messaging"),
    ];
    let args = ["serve", "--print-config", "--max-text-bytes", "1000"];
    let ended = sohbet(&store, &args, &settings).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let masked = Url::parse("postgres://someone:***@db.example.com/chat").unwrap();
    for (name, value, origin) in [
        ("port", "4001", ".env SOCKET_PORT"),
        (
            "frontend-url",
            "https://chat.example.com",
            ".env FRONTEND_URL",
        ),
        ("dialect", "messaging", "environment DIALECT"),
        ("max-text-bytes", "1000", "flag --max-text-bytes"),
        ("write-timeout-ms", "25000", "default"),
        ("jwt-secret", "***", "environment JWT_SECRET"),
        ("database-url", masked.as_str(), "environment DATABASE_URL"),
    ] {
        let is_it = |line: &&str| line.split_whitespace().next() == Some(name);
        let line = ended
            .stdout
            .lines()
            .find(is_it)
            .unwrap_or_else(|| panic!("no {name}"));
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[1], words[2..].join(" ").as_str()), (value, origin));
    }
    assert!(!ended.stdout.contains("canary"), "{}", ended.stdout);
}

/// Whether there is a finding of that level.
fn finds(ended: &Ended, level: &str, subject: &str, cause: &str) {
    let is_it = |line: &str| {
        let mut words = line.split_whitespace();
        words.next() == Some(level) && words.next() == Some(subject) && line.contains(cause)
    };
    assert!(
        ended.stdout.lines().any(is_it),
        "{level} {subject} {cause}\n{}",
        ended.stdout
    );
}
