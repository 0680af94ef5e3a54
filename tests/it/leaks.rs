//! What must not come out: of the log, more lines than there were events; of an answer, how we are made.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::postgres::connect;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::wire::Wire;

/// A line break, a line of ours, colours, and the end of a JSON text.
const FORGED: &str = "x\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[31m\"}\u{7}";

/// More than any line of the log may have.
const MAX_LINE_BYTES: usize = 4_096;

on_both_stores!(
    nobody_writes_lines_into_the_log,
    an_answer_says_nothing_of_the_store_that_fails,
);

async fn nobody_writes_lines_into_the_log(store: Store) {
    for format in ["json", "pretty"] {
        let settings = [("RUST_LOG", "trace"), ("LOG_FORMAT", format)];
        let mut server = Server::start_with(&store, &settings).await;
        let auth = json!({"userId": FORGED, "name": FORGED, "dialect": "native"});
        // Admitted or refused: either is fine.
        let _ = Client::try_connect(server.port, Some(&auth)).await;
        for dialect in [FORGED, "messaging"] {
            let auth = json!({"userId": "7", "name": FORGED, "dialect": dialect});
            let _ = Client::try_connect(server.port, Some(&auth)).await;
        }
        let mut client = Client::connect(server.port, Some(&json!({"userId": "7"}))).await;
        client
            .call(
                "send_message",
                draft(json!({"senderId": FORGED, "content": FORGED})),
            )
            .await;
        client.call("join_user_room", json!(FORGED)).await;
        send_long_values(&server, &mut client).await;
        let mut wire = Wire::open_with_query(server.port, "userId=x%0d%0a%7b%7d%1b%5b31m").await;
        let _ = wire.join(None).await;
        for path in [
            "/x%0d%0aforged%1b[31m",
            "/api/messages?userId=%0d%0aforged%1b",
            "/uploads/%0aforged",
        ] {
            let call = Call::get(path).header("User-Agent", "x\u{1b}[31m forged");
            call.header("x-user-id", "7\u{1b}[31m")
                .send(server.port)
                .await;
        }
        server.stop().await;
        assert_clean(&server.log(), format);
    }
}

/// Everything that may be logged of what a client sends, longer than it may be.
async fn send_long_values(server: &Server, client: &mut Client) {
    let long = "y".repeat(2 * MAX_LINE_BYTES);
    client.call(&long, json!({})).await;
    client.call("join_user_room", json!(long)).await;
    let said = json!({"senderId": long, "conversationId": long, "tempId": long});
    client.call("send_message", draft(said)).await;
    for auth in [
        json!({"userId": long, "name": long, "dialect": "native"}),
        json!({"userId": "7", "dialect": long}),
        json!({"token": long}),
    ] {
        let _ = Client::try_connect(server.port, Some(&auth)).await;
    }
    for path in [format!("/{long}"), format!("/api/messages?userId={long}")] {
        let call = Call::get(&path).header("User-Agent", &long);
        call.header("x-user-id", &long).send(server.port).await;
    }
}

/// One event is one line, and nothing in it commands a terminal.
fn assert_clean(log: &str, format: &str) {
    assert!(
        !log.contains('\u{1b}') && !log.contains('\u{7}'),
        "{format}: {log:?}"
    );
    let is_banner =
        |line: &&str| line.starts_with("Socket.IO server") || line.starts_with("Sohbet ");
    for line in log.lines().filter(|line| !is_banner(line)) {
        assert!(line.len() <= MAX_LINE_BYTES, "{format}: {line}");
        match format {
            "json" => {
                let event: Value =
                    serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
                assert_ne!(event["message"], "forged");
            }
            _ => assert!(
                !line.starts_with('{') && !line.starts_with("forged"),
                "{line:?}"
            ),
        }
    }
}

async fn an_answer_says_nothing_of_the_store_that_fails(store: Store) {
    let server = Server::start(&store).await;
    let mut client = server.user(1).await;
    let db = connect(&store.database_url().parse().unwrap()).await;
    for table in ["message", "participant", "room"] {
        let sql = format!("ALTER TABLE {table} RENAME TO hidden_{table}");
        db.execute_unprepared(&sql).await.unwrap();
    }
    db.close().await.unwrap();
    let message = json!({"senderId": 1, "receiverId": 2, "content": "hi"});
    let ack = client.call("send_message", draft(json!({}))).await;
    assert_eq!(ack["ok"], false, "{ack}");
    assert_says_nothing(&ack.to_string());
    let mut n_failed = 0;
    for call in [
        Call::post("/api/messages", &message),
        Call::get("/api/messages?conversationId=1"),
        Call::get("/api/messages/conversations?userId=1"),
        Call::get("/api/v1/conversations").header("x-user-id", "1"),
        Call::get("/api/v1/admin/rooms").header("x-user-id", "1"),
        Call::get("/chats")
            .header("x-user-id", "1")
            .header("x-gallery-id", "g"),
        Call::get("/api/messages/teacher")
            .header("x-user-id", "1")
            .header("x-user-role", "teacher"),
        Call::get("/api/rooms"),
        Call::get("/health"),
    ] {
        let answer: Answer = call.send(server.port).await;
        n_failed += u32::from(answer.status >= 500);
        assert_says_nothing(answer.text());
    }
    assert!(n_failed >= 3, "only {n_failed} calls met the failing store");
}

fn assert_says_nothing(answer: &str) {
    let answer = answer.to_lowercase();
    for word in [
        "sqlx",
        "sea_orm",
        "sqlite",
        "postgres",
        "relation",
        "no such table",
        "select ",
        "insert ",
        "hidden_",
        "panicked",
        "/src/",
        ".rs:",
        "backtrace",
    ] {
        assert!(!answer.contains(word), "{word}: {answer}");
    }
}
