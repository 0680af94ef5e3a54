//! `sohbet token create`, `list` and `revoke`, with and without a running server.

use sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::support::api_tokens::{create, listed, revoke};
use crate::support::command::sohbet;
use crate::support::load::{Load, histories};
use crate::support::postgres::connect;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores};

/// Where the cells of a list stand.
const PREFIX: usize = 1;
const STATE: usize = 9;
/// Tokens that are made while a server is busy.
const N_TOKENS: usize = 8;

on_both_stores!(
    a_token_is_shown_once_and_listed_by_its_prefix,
    the_commands_work_beside_a_busy_server,
    what_cannot_be_made_is_refused_and_makes_nothing,
    a_token_of_a_removed_user_is_gone,
);

async fn a_token_is_shown_once_and_listed_by_its_prefix(store: Store) {
    let args = [
        "--type",
        "client",
        "--name",
        "importer",
        "--permissions",
        "read,directory",
    ];
    let token = create(&store, "7", &args).await;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert!(token.secret.starts_with("sbt_") && token.secret.chars().all(is_plain));

    let cells = listed(&store, &token).await;
    assert_eq!(cells[PREFIX], token.secret[..12]);
    assert_eq!(cells[2..6], ["CLIENT", "7", "importer", "read,directory"]);
    assert_eq!(cells[8..], ["-", "valid"], "it was not used yet");
    revoke(&store, &token).await;
    assert_eq!(listed(&store, &token).await[STATE], "revoked");

    let short = create(&store, "8", &["--ttl", "1s"]).await;
    soon("the end of a token", async {
        while listed(&store, &short).await[STATE] != "expired" {}
    })
    .await;
    let of_user = sohbet(&store, &["token", "list", "--user", "8"], &[])
        .await
        .stdout;
    assert!(
        of_user.contains(&short.id) && !of_user.contains(&token.id),
        "{of_user}"
    );
    assert!(!of_user.contains(&short.secret));
}

async fn the_commands_work_beside_a_busy_server(store: Store) {
    let mut server = Server::start(&store).await;
    let mut load = Load::start(&server, "busy").await;
    load.acked(100).await;
    for number in 0..N_TOKENS {
        let token = create(&store, &number.to_string(), &[]).await;
        revoke(&store, &token).await;
        assert_eq!(listed(&store, &token).await[STATE], "revoked");
    }
    load.acked(200).await;
    server.crash().await;
    let outcome = load.ended().await;
    server.restart().await;
    outcome.assert_stored(&histories(&server).await);
    let answers = outcome.sent.iter().filter_map(|sent| sent.answer.as_ref());
    let refused: Vec<&Value> = answers.filter(|answer| answer["ok"] != true).collect();
    assert!(refused.is_empty(), "messages had to wait: {refused:?}");
}

async fn what_cannot_be_made_is_refused_and_makes_nothing(store: Store) {
    for (args, complaint) in [
        (&["--permissions", "root"][..], "Unknown permission"),
        (&["--permissions", "admin"], "Only client tokens"),
        (&["--ttl", "11000d"], "write a time"),
        (&["--type", "bot"], "write user or client"),
        (&["--name", &"x".repeat(121)], "Invalid name"),
    ] {
        let args = [&["token", "create", "--user", "7"], args].concat();
        let ended = sohbet(&store, &args, &[]).await;
        assert_ne!(ended.code, 0, "{args:?}");
        assert!(
            ended.stderr.contains(complaint),
            "{args:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "");
    }
    let args = ["token", "create", "--user", "gallery:ga"];
    let ended = sohbet(&store, &args, &[]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("names a gallery"), "{}", ended.stderr);
    let revoked = sohbet(&store, &["token", "revoke", "nothing"], &[]).await;
    assert_eq!(
        (revoked.code, revoked.stderr.as_str()),
        (1, "error: Token not found\n")
    );
    let list = sohbet(&store, &["token", "list"], &[]).await.stdout;
    assert_eq!(list.lines().count(), 1, "only the heads: {list}");
}

async fn a_token_of_a_removed_user_is_gone(store: Store) {
    let token = create(&store, "7", &[]).await;
    let db = connect(&store.database_url().parse().unwrap()).await;
    db.execute_unprepared(r#"DELETE FROM "user" WHERE id = '7'"#)
        .await
        .unwrap();
    db.close().await.unwrap();
    let list = sohbet(&store, &["token", "list"], &[]).await.stdout;
    assert!(!list.contains(&token.id), "{list}");
}

#[tokio::test]
async fn the_schema_is_not_touched_under_a_running_server() {
    let store = Store::sqlite();
    let server = Server::start(&store).await;
    // What a server of an earlier version would have left.
    let db = connect(&store.database_url().parse().unwrap()).await;
    db.execute_unprepared(
        "DELETE FROM seaql_migrations WHERE version = (SELECT max(version) FROM seaql_migrations)",
    )
    .await
    .unwrap();
    db.close().await.unwrap();
    let ended = sohbet(&store, &["token", "list"], &[]).await;
    assert_eq!(ended.code, 1);
    let complaint = "the schema is not up to date: another Sohbet is running";
    assert!(ended.stderr.contains(complaint), "{}", ended.stderr);
    drop(server);
}

#[tokio::test]
async fn the_schema_is_brought_up_to_date_unless_that_is_forbidden() {
    let store = Store::sqlite();
    let forbidden = sohbet(&store, &["token", "list"], &[("NO_MIGRATE", "true")]).await;
    assert_eq!(forbidden.code, 1);
    assert!(
        forbidden.stderr.contains("run: sohbet migrate"),
        "{}",
        forbidden.stderr
    );
    let token = create(&store, "7", &[]).await;
    assert_eq!(listed(&store, &token).await[STATE], "valid");
}
