//! What a socket hears first is there in time, or the socket is closed and comes back: nothing live is told
//! to a client that was not told what it has missed.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::client::{Arrival, Client};
use crate::support::postgres;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::within;

/// Longer than an answer may take, shorter than the server waits for its database.
const TOO_LONG: Duration = Duration::from_millis(10_500);
const MANY: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_socket_that_cannot_be_greeted_in_time_is_closed() {
    let url = postgres::create_database().await;
    let mut server = Server::start(&Store::postgres(&url)).await;
    let mut sender = Client::connect(server.port, Some(&native("a", None))).await;
    sender.event("session").await;
    let opened = json!({"userId": "b"});
    let opened = sender.ask_ok("create_conversation", opened).await;
    let conversation = opened["data"]["conversation"]["id"].clone();
    let mut receiver = Client::connect(server.port, Some(&native("b", None))).await;
    let epoch = receiver.event("session").await["epoch"].clone();
    let text = json!({"conversationId": conversation, "content": "missed"});
    sender.ask_ok("send_message", text).await;

    let known = json!({ conversation.as_str().unwrap(): 0 });
    let since = json!({"epoch": epoch, "conversations": known});
    let lock = postgres::connect(&url).await;
    let locking = "BEGIN; LOCK TABLE message IN ACCESS EXCLUSIVE MODE";
    lock.execute_unprepared(locking).await.unwrap();
    let mut late = Client::connect(server.port, Some(&native("b", Some(&since)))).await;
    tokio::time::sleep(TOO_LONG).await;
    lock.execute_unprepared("ROLLBACK").await.unwrap();

    let first = within(MANY, "a greeting or the end", late.next_within(MANY)).await;
    match first {
        Some(Arrival::Closed) => {}
        Some(Arrival::Event(name, _)) if name == "session" => {
            let caught_up = late.event("sync").await;
            let changed = &caught_up["changed"][conversation.as_str().unwrap()];
            assert_eq!(changed.as_array().map(Vec::len), Some(1), "{caught_up}");
        }
        other => panic!("neither greeted nor closed: {other:?}"),
    }
    server.stop().await;
    postgres::drop_database(&url).await;
}

fn native(user: &str, since: Option<&Value>) -> Value {
    json!({"dialect": "native", "userId": user, "since": since})
}
