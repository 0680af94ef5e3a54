//! No statement that the server sends reads all of `message`, on either database, and none that reads messages
//! reads all of another large table. Pages of messages come in the order of an index.
//!
//! The statements are not listed here: PostgreSQL itself reports each one with its plan while a
//! server works (<https://www.postgresql.org/docs/current/auto-explain.html>), as a warning to the
//! server, which logs it. Their texts are almost the same on SQLite, which is asked for its plans then.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value, json};
use url::Url;

use crate::support::client::Client;
use crate::support::http::Call;
use crate::support::postgres;
use crate::support::server::Server;
use crate::support::stores::{Store, on_postgres};

/// What is set for the database, so that every plan is reported.
const SETTINGS: [(&str, &str); 5] = [
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_level", "warning"),
    ("auto_explain.log_format", "json"),
    ("client_min_messages", "warning"),
];
/// Long conversations, so that reading all of one is never the fastest way. No more rows than a
/// sample of `ANALYZE` has, so that the plans are the same each time.
const ROWS: [&str; 9] = [
    r#"INSERT INTO "user" (id, role, disabled, created_at, updated_at)
       SELECT 'u' || i, 'MEMBER', false, now(), now() FROM generate_series(1, 12) AS i"#,
    "INSERT INTO conversation
     (id, kind, user1_id, user2_id, last_seq, last_rev, created_at, updated_at)
     SELECT 'c' || i, 'direct', 'u' || i, 'u' || i + 6, 3500, 3500, now(), now()
     FROM generate_series(1, 6) AS i",
    "INSERT INTO participant
     (conversation_id, party, role, joined_seq, last_read_seq, last_delivered_seq, muted, archived, created_at)
     SELECT 'c' || (i - 1) % 6 + 1, 'u' || i, 'MEMBER', 0, 3490, 0, false, false, now()
     FROM generate_series(1, 12) AS i",
    "INSERT INTO message
     (id, conversation_id, seq, rev, is_changed, sender_id, client_id, kind, content, created_at)
     SELECT 'm' || i || '-' || n, 'c' || i, n, n, n % 10 = 0, 'u' || i + 6 * (n % 2), 'k' || n, 'text', 'hi', now()
     FROM generate_series(1, 6) AS i, generate_series(1, 3500) AS n",
    "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at)
     SELECT 'r' || i, 'room', 3500, 3500, now(), now() FROM generate_series(1, 2) AS i",
    "INSERT INTO room (conversation_id, name, room_type, gallery_a_id, gallery_b_id, is_active, is_open, created_at, updated_at)
     SELECT 'r' || i, '', 'support', 'ga', 'gb', true, false, now(), now() FROM generate_series(1, 2) AS i",
    "INSERT INTO participant
     (conversation_id, party, role, joined_seq, last_read_seq, last_delivered_seq, muted, archived, created_at)
     SELECT 'r' || i, party, 'MEMBER', 0, 3490, 0, false, false, now()
     FROM generate_series(1, 2) AS i, unnest(ARRAY['gallery:ga', 'gallery:gb']) AS party",
    "INSERT INTO message
     (id, conversation_id, seq, rev, sender_id, sender_party, kind, content, created_at)
     SELECT 'r' || i || '-' || n, 'r' || i, n, n, 'u1', 'gallery:ga', 'text', 'hi', now()
     FROM generate_series(1, 2) AS i, generate_series(1, 3500) AS n",
    "ANALYZE",
];
/// Marks of the statements that the test must have seen; a mark that is not found means that the
/// test does not get there any more.
const MARKS: [&str; 15] = [
    "INSERT INTO message",
    "UPDATE message",
    "ORDER BY seq ASC",
    "ORDER BY seq DESC",
    "unread",
    "json_agg",
    "client_id = ",
    "FROM conversation JOIN message",
    "sender_party, u.sender_id",
    "SELECT MIN(m.seq)",
    "SUM(s.unread)",
    "message.rev > ",
    "message.seq = ",
    "SET rev",
    "SET metadata",
];
/// What SQLite calls by another name.
const ON_SQLITE: [(&str, &str); 2] = [
    (
        "CAST(json_agg(json_build_array(",
        "json_group_array(json_array(",
    ),
    (")) AS text)", "))"),
];
/// Tables that grow with what is said and with who says it.
const LARGE_TABLES: [&str; 4] = ["message", "conversation", "participant", "\"user\""];

#[tokio::test]
async fn every_statement_finds_its_messages_by_an_index() {
    on_postgres(async |store| {
        let url: Url = store.database_url().parse().unwrap();
        let name = url.path().trim_start_matches('/');
        for (setting, value) in SETTINGS {
            postgres::run_on_cluster(&format!("ALTER DATABASE {name} SET {setting} = '{value}'"))
                .await;
        }
        // What changes the schema may read everything, and is not said by the server.
        drop(store.open().await);
        let mut server = Server::start_with(&store, &[("LOG_FORMAT", "json")]).await;
        fill(&url).await;
        work(&server).await;
        work_in_a_room(&server).await;
        server.stop().await;
        let plans = plans(&server.log());
        for (statement, plan) in &plans {
            assert_indexed(statement, plan);
        }
        let statements: BTreeSet<&str> = plans
            .iter()
            .map(|(statement, _)| statement.as_str())
            .collect();
        for mark in MARKS {
            assert!(
                statements.iter().any(|statement| statement.contains(mark)),
                "never saw {mark}"
            );
        }
        assert_indexed_on_sqlite(&statements).await;
    })
    .await;
}

async fn fill(url: &Url) {
    let db = postgres::connect(url).await;
    // In one transaction: the server looks at what others have stored as soon as it is there.
    db.execute_unprepared(&ROWS.join(";")).await.unwrap();
    db.close().await.unwrap();
}

/// Makes the server send every statement that it has for messages, in one of the conversations that
/// PostgreSQL has statistics of.
async fn work(server: &Server) {
    let mut client = server.connect().await;
    let text = |text: &str, temporary: &str| {
        json!({
            "conversationId": "c1", "senderId": "u1", "receiverId": "u7",
            "content": text, "tempId": temporary,
        })
    };
    for number in 0..40 {
        client.ask("send_message", &text("hi", &format!("temp-{number}")));
    }
    // A repeat with a long and one with a short id: each is looked up in its own way.
    for temporary in ["temp-number-1", "7"] {
        let text = text("again", temporary);
        client.ask_ok("send_message", text.clone()).await;
        assert_eq!(client.ask_ok("send_message", text).await["duplicate"], true);
    }
    client
        .ask_ok("mark_read", json!({"conversationId": "c1", "userId": "u7"}))
        .await;
    for query in [
        "",
        "&limit=5",
        "&afterSeq=3",
        "&beforeSeq=9",
        "&afterSeq=3&beforeSeq=9",
    ] {
        assert!(
            !server
                .messages(&format!("conversationId=c1{query}"))
                .await
                .is_empty()
        );
    }
    for user in ["u1", "u7"] {
        let path = format!("/api/messages/conversations?userId={user}");
        assert_eq!(Call::get(&path).send(server.port).await.status, 200);
    }
    let read = json!({"conversationId": "c1", "userId": "u1"}).to_string();
    let marked = Call::new("PUT", "/api/messages")
        .body(read)
        .send(server.port)
        .await;
    assert_eq!(marked.status, 200, "{}", marked.text());
    work_as_dealers(server).await;
    work_natively(server).await;
}

/// What only Sohbet's own dialect asks.
async fn work_natively(server: &Server) {
    let since = "/sync?epoch=e&since=%7B%22c1%22:3499%7D";
    let answer = call_natively(server, "GET", since).await;
    let epoch = answer["epoch"].as_str().unwrap();
    let since = format!("/sync?epoch={epoch}&since=%7B%22c1%22:3499%7D");
    for (method, path) in [
        ("GET", since.as_str()),
        ("GET", "/conversations"),
        ("GET", "/conversations/c1"),
        ("GET", "/conversations/c1/messages?around=2500"),
        ("POST", "/conversations/c1/read"),
    ] {
        call_natively(server, method, path).await;
    }
}

async fn call_natively(server: &Server, method: &str, path: &str) -> Value {
    let call = Call::new(method, &format!("/api/v1{path}")).header("x-user-id", "u1");
    let answer = call.send(server.port).await;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    answer.json()
}

/// The same for two galleries, whose room is one of the conversations that there are statistics of.
async fn work_as_dealers(server: &Server) {
    let call = async |user: &str, gallery: &str, method: &str, path: &str, body: Value| {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let call = Call::new(method, &format!("/chats{path}")).body(body);
        let call = call
            .header("x-user-id", user)
            .header("x-gallery-id", gallery);
        let answer = call.send(server.port).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        answer.json()
    };
    let text = json!({"content": "hi", "clientMessageId": "once"});
    for _ in 0..2 {
        call("u1", "ga", "POST", "/r1/messages", text.clone()).await;
    }
    for path in ["", "/r1", "/r1/messages?page=3"] {
        call("u2", "gb", "GET", path, Value::Null).await;
    }
    call("u2", "gb", "PUT", "/r1/messages/r1-3495/read", Value::Null).await;
    call("u2", "gb", "POST", "/r1/read", Value::Null).await;
}

/// The same for what only rooms of people without accounts have.
async fn work_in_a_room(server: &Server) {
    let starter = json!({"dialect": "starter"});
    let mut author = Client::connect(server.port, Some(&starter)).await;
    let mut reader = Client::connect(server.port, Some(&starter)).await;
    for (client, name) in [(&mut author, "ali"), (&mut reader, "veli")] {
        let join = json!({"username": name, "room": "tech"});
        client.ask_ok("user_join", join).await;
    }
    let sent = author
        .ask_ok("send_message", json!({"message": "hi"}))
        .await;
    let id = &sent["message"]["id"];
    reader.ask_ok("mark_read", json!({"messageId": id})).await;
    // To somebody who is gone: only what was said before is answered.
    let to = json!({"to": "nobody", "message": "psst", "client_offset": "once"});
    author.ask_ok("private_message", to).await;
    for word in ["add_reaction", "remove_reaction"] {
        let reaction = json!({"messageId": id, "reaction": "x"});
        reader.ask_ok(word, reaction).await;
    }
    reader.ask_ok("load_messages", json!({"page": 0})).await;
    reader
        .ask_ok("search_messages", json!({"query": "h"}))
        .await;
}

/// The plan of every statement that names `message`, from the log of a server.
fn plans(log: &str) -> Vec<(String, Value)> {
    let mut plans = Vec::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let report = line["message"].as_str().unwrap_or_default();
        let Some((_, report)) = report.split_once("plan:\n") else {
            continue;
        };
        let mut report: Value = serde_json::from_str(report).unwrap();
        let statement = report["Query Text"].as_str().unwrap().trim().to_owned();
        let is_about_messages = statement.split(|c: char| !c.is_alphanumeric() && c != '_');
        // Schema statements of the start are not meant.
        let is_hot = ["SELECT", "INSERT", "UPDATE", "WITH"]
            .iter()
            .any(|word| statement.starts_with(word));
        if is_hot && is_about_messages.into_iter().any(|word| word == "message") {
            plans.push((statement, report["Plan"].take()));
        }
    }
    plans
}

/// Every step of a PostgreSQL plan that reads `message` does so by values of an index.
fn assert_indexed(statement: &str, plan: &Value) {
    let reads_messages = plan["Relation Name"] == "message" && plan["Node Type"] != "ModifyTable";
    let mut conditions = ["Index Cond", "Recheck Cond"].iter().map(|key| &plan[key]);
    let is_indexed = conditions.any(|condition| condition.as_str().is_some_and(is_narrow));
    assert!(!reads_messages || is_indexed, "{statement}\n{plan:#}");
    for step in plan["Plans"].as_array().into_iter().flatten() {
        assert_indexed(statement, step);
    }
}

/// A conversation can have any number of messages, so its id alone is not enough.
fn is_narrow(condition: &str) -> bool {
    !condition.contains("conversation_id")
        || condition.contains("seq")
        || condition.contains("rev")
        || condition.contains("client_id")
}

async fn assert_indexed_on_sqlite(statements: &BTreeSet<&str>) {
    let store = Store::sqlite();
    Server::start(&store).await.stop().await;
    let db = postgres::connect(&store.database_url().parse().unwrap()).await;
    let mut faults = Vec::new();
    for statement in statements {
        let mut statement = (*statement).to_owned();
        for (there, here) in ON_SQLITE {
            statement = statement.replace(there, here);
        }
        for step in steps_on_sqlite(&db, &statement).await {
            if !is_good(&statement, &step) {
                faults.push(format!("{step}: {statement}"));
            }
        }
    }
    db.close().await.unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a step of a plan of SQLite reads as much as it must.
fn is_good(statement: &str, step: &str) -> bool {
    let mut words = step.split(' ');
    let (verb, name) = (words.next(), words.next().unwrap_or_default());
    let is_about = |table: &&str| names_of(table, statement).contains(&name);
    if is_about(&"message") && !is_narrow(step) {
        return false;
    }
    // Positions are in an index, in their order.
    let is_page = statement.starts_with("SELECT * FROM message WHERE");
    if is_page && step == "USE TEMP B-TREE FOR ORDER BY" {
        return false;
    }
    verb == Some("SEARCH") || !LARGE_TABLES.iter().any(is_about)
}

/// A table, and the other names that a statement gives it.
fn names_of<'a>(table: &'a str, statement: &'a str) -> Vec<&'a str> {
    let mut names = vec![table.trim_matches('"')];
    let begin = format!("{table} AS ");
    for (start, found) in statement.match_indices(&begin) {
        let rest = &statement[start + found.len()..];
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        names.push(&rest[..end]);
    }
    names
}

async fn steps_on_sqlite(db: &DatabaseConnection, statement: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let explain = Statement::from_string(db.get_database_backend(), explain);
    let rows = db.query_all_raw(explain).await.unwrap();
    rows.iter()
        .map(|row| row.try_get("", "detail").unwrap())
        .collect()
}
