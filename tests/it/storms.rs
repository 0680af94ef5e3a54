//! Clients that ask for very much at once, each thing by itself allowed or cheaply refused.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::http::Call;
use crate::support::messages::draft;
use crate::support::postgres::connect;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores, on_postgres};
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;

/// What a storm of things that do not exist may cost.
const MAX_GROWN_KB: u64 = 20_000;
/// Requests that are sent before their answers are read.
const RUN: usize = 500;
/// How often that is done with ids that do not exist.
const N_RUNS: usize = 40;
/// Changes of one conversation that an answer may hold.
const MAX_CHANGES: u64 = 300;

on_both_stores!(
    many_who_catch_up_at_once_are_all_answered_and_stop_nobody,
    a_message_takes_so_many_reactions_of_one_user_and_any_number_of_edits,
    searches_stop_nobody_who_sends,
);

#[tokio::test]
async fn namespaces_that_do_not_exist_are_refused_and_take_no_memory() {
    let server = Server::start(&Store::sqlite()).await;
    let mut watcher = server.user(1).await;
    let mut wire = Wire::open(server.port).await;
    wire.join(None).await.unwrap();
    let before_kb = server.peak_memory_kb();
    for run in 0..100 {
        let names = (0..100).map(|number| format!("40/aaaa{run}-{number},"));
        wire.say_at_once(names).await;
        for _ in 0..100 {
            let answer = wire.hear().await.expect("it is closed");
            assert!(answer.starts_with("44/aaaa"), "{answer}");
        }
    }
    let long = "a".repeat(64 * 1_024);
    for name in ["#", "/", "?x=1", "\u{0}", &long] {
        for _ in 0..20 {
            wire.say(&format!("40/{name},")).await;
        }
    }
    wire.say(r#"427["leave_conversation",1]"#).await;
    // It may be answered or closed; what it may not do is cost much.
    while let Some(answer) = wire.hear().await {
        if answer.starts_with("437[") {
            break;
        }
    }
    let grown_kb = server.peak_memory_kb().saturating_sub(before_kb);
    assert!(grown_kb < MAX_GROWN_KB, "{grown_kb} KB");
    watcher.ask_ok("send_message", draft(json!({}))).await;
}

#[tokio::test]
async fn joining_what_does_not_exist_keeps_nothing() {
    let settings = [("JWT_SECRET", SECRET), ("UNLIMITED_ADDRESSES", "127.0.0.1")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let auth = json!({"token": token("a", None, SECRET), "dialect": "native"});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    // The first ones fill what the server keeps ready for everybody.
    join_nothing(&mut client, "first").await;
    let before_kb = server.peak_memory_kb();
    // So many that a kilobyte kept of each would show.
    for run in 0..N_RUNS {
        join_nothing(&mut client, &format!("{run}")).await;
    }
    let grown_kb = server.peak_memory_kb().saturating_sub(before_kb);
    assert!(grown_kb < MAX_GROWN_KB, "{grown_kb} KB");
}

async fn join_nothing(client: &mut Client, label: &str) {
    let place = |number| json!({"conversationId": format!("{label} {number}")});
    let asked: Vec<u64> = (0..RUN)
        .map(|number| client.ask("join_room", &place(number)))
        .collect();
    for id in asked {
        let answer = client.ack(id).await;
        assert_eq!(answer["error"]["code"], "NOT_FOUND", "{answer}");
    }
}

async fn many_who_catch_up_at_once_are_all_answered_and_stop_nobody(store: Store) {
    const N_SOCKETS: usize = 30;
    let server = Server::start_with(&store, &[("SQLITE_READERS", "2")]).await;
    let mut writer = person(&server, "a").await;
    let long = pair(&mut writer, "b").await;
    let other = pair(&mut writer, "c").await;
    say_all(&mut writer, &long, MAX_CHANGES).await;
    let mut sockets = Vec::new();
    for _ in 0..N_SOCKETS {
        sockets.push(person(&server, "b").await);
    }
    let epoch = sockets[0].event("session").await["epoch"].take();
    let from_nothing = json!({"epoch": epoch, "conversations": {&*long: 0}});
    let catch_up = join_all(sockets.iter_mut().map(|client| async {
        let asked = [
            client.ask("sync", &from_nothing),
            client.ask("sync", &from_nothing),
        ];
        let mut n_told = 0;
        for id in asked {
            let answer = client.ack(id).await;
            n_told += u64::from(is_told(&answer, &long));
        }
        n_told
    }));
    let (n_told, ()) = tokio::join!(catch_up, say_all(&mut writer, &other, 200));
    assert!(n_told.iter().sum::<u64>() > 0, "nobody was told anything");
    say_all(&mut writer, &long, 1).await;
    let answer = sockets[0].ask_ok("sync", from_nothing).await;
    assert_eq!(answer["data"]["reset"], json!([long]));
    assert_eq!(answer["data"]["changed"], json!({}), "not a part of it");
}

/// Whether the answer holds every change; otherwise it says when to ask again.
fn is_told(answer: &Value, conversation: &str) -> bool {
    match answer["error"]["code"].as_str() {
        None => {
            let changed = answer["data"]["changed"][conversation].as_array();
            assert_eq!(changed.map_or(0, Vec::len) as u64, MAX_CHANGES, "{answer}");
            true
        }
        Some(code) => {
            assert!(["RATE_LIMITED", "UNAVAILABLE"].contains(&code), "{answer}");
            assert!(answer["error"]["retryAfterMs"].is_u64(), "{answer}");
            false
        }
    }
}

async fn a_message_takes_so_many_reactions_of_one_user_and_any_number_of_edits(store: Store) {
    const MAX_WAYS: usize = 20;
    let server = Server::start(&store).await;
    let mut writer = person(&server, "a").await;
    let mut reader = person(&server, "b").await;
    let place = pair(&mut writer, "b").await;
    let said = json!({"conversationId": place, "content": "hi"});
    let message = writer.ask_ok("send_message", said).await["data"]["message"]["id"].take();
    for client in [&mut writer, &mut reader] {
        let reaction = |number| json!({"messageId": message, "emoji": format!("way {number}")});
        let asked: Vec<u64> = (0..RUN)
            .map(|number| client.ask("add_reaction", &reaction(number)))
            .collect();
        for id in asked {
            client.ack(id).await;
        }
        let answer = client.call("add_reaction", reaction(RUN)).await;
        assert_eq!(answer["error"]["code"], "TOO_LARGE", "{answer}");
    }
    let edits: Vec<u64> = (0..RUN)
        .map(|number| {
            let edit = json!({"messageId": message, "content": format!("edit {number}")});
            writer.ask("edit_message", &edit)
        })
        .collect();
    for id in edits {
        assert_eq!(writer.ack(id).await["ok"], true);
    }
    let history = reader
        .ask_ok("history", json!({"conversationId": place}))
        .await;
    let messages = history["data"]["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["content"], format!("edit {}", RUN - 1));
    assert_eq!(
        messages[0]["reactions"].as_array().map(Vec::len),
        Some(MAX_WAYS)
    );
}

async fn searches_stop_nobody_who_sends(store: Store) {
    const MAX_FOUND: usize = 50;
    let server = Server::start_with(&store, &[("SQLITE_READERS", "2")]).await;
    let mut writer = visitor(&server, "writer").await;
    whisper(&mut writer, 300).await;
    let mut visitors = Vec::new();
    for number in 0..20 {
        visitors.push(visitor(&server, &format!("visitor {number}")).await);
    }
    let search = join_all(visitors.iter_mut().map(|client| async {
        let query = json!({"query": "NEEDLE"});
        let asked = [
            client.ask("search_messages", &query),
            client.ask("search_messages", &query),
        ];
        for id in asked {
            assert_eq!(client.ack(id).await["ok"], true);
            let found = client.event("search_results").await;
            assert_eq!(found["results"].as_array().map(Vec::len), Some(MAX_FOUND));
        }
    }));
    tokio::join!(search, whisper(&mut writer, 200));
}

/// Searches that the database does not answer, each of another user: the limit is on all of them together.
#[tokio::test]
async fn searches_take_half_of_the_connections() {
    const N_READERS: i64 = 4;
    on_postgres(async |store| {
        let server = Server::start_with(&store, &[("SQLITE_READERS", "4")]).await;
        let mut writer = visitor(&server, "writer").await;
        whisper(&mut writer, 1).await;
        let mut visitors = Vec::new();
        for number in 0..10 {
            visitors.push(visitor(&server, &format!("visitor {number}")).await);
        }
        let db = connect(&store.database_url().parse().unwrap()).await;
        let lock = db.begin().await.unwrap();
        let sql = "LOCK TABLE message IN ACCESS EXCLUSIVE MODE";
        lock.execute_unprepared(sql).await.unwrap();
        let query = json!({"query": "NEEDLE"});
        let asked: Vec<u64> = visitors
            .iter_mut()
            .map(|client| client.ask("search_messages", &query))
            .collect();
        soon("the searches", async {
            while n_stuck(&lock).await < N_READERS / 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        for _ in 0..20 {
            let answer = Call::get("/api/users").send(server.port).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        assert_eq!(n_stuck(&lock).await, N_READERS / 2);
        lock.rollback().await.unwrap();
        for (client, id) in visitors.iter_mut().zip(asked) {
            assert_eq!(client.ack(id).await["ok"], true);
        }
        db.close().await.unwrap();
    })
    .await;
}

/// Statements that wait for the messages.
async fn n_stuck(db: &impl ConnectionTrait) -> i64 {
    let sql = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'message'::regclass";
    let sql = Statement::from_string(db.get_database_backend(), sql);
    let counted = db.query_one_raw(sql).await.unwrap();
    counted.unwrap().try_get_by_index(0).unwrap()
}

async fn visitor(server: &Server, name: &str) -> Client {
    let auth = json!({"dialect": "starter"});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    let place = json!({"username": name, "room": "tech"});
    client.ask_ok("user_join", place).await;
    client
}

async fn whisper(writer: &mut Client, n: usize) {
    let said = json!({"message": "a needle in a haystack"});
    let asked: Vec<u64> = (0..n).map(|_| writer.ask("send_message", &said)).collect();
    for id in asked {
        assert_eq!(writer.ack(id).await["ok"], true);
    }
}

async fn person(server: &Server, id: &str) -> Client {
    let auth = json!({"userId": id, "dialect": "native"});
    Client::connect(server.port, Some(&auth)).await
}

/// The id of the direct conversation with that user.
async fn pair(client: &mut Client, user: &str) -> String {
    let made = client
        .ask_ok("create_conversation", json!({"userId": user}))
        .await;
    let id = made["data"]["conversation"]["id"].as_str();
    id.expect("an id").to_owned()
}

async fn say_all(writer: &mut Client, place: &str, n: u64) {
    let said = |number| json!({"conversationId": place, "content": format!("number {number}")});
    let asked: Vec<u64> = (0..n)
        .map(|number| writer.ask("send_message", &said(number)))
        .collect();
    for id in asked {
        let answer = writer.ack(id).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
}
