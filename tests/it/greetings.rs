//! What a socket hears first is there in time, or the socket is closed and comes back: nothing live is told
//! to a client that was not told what it has missed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Arrival, Client};
use crate::support::locks::Lock;
use crate::support::server::Server;
use crate::support::stores::Store;

/// A greeting is due after ten seconds; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(13);

#[tokio::test]
async fn a_socket_that_cannot_be_greeted_in_time_is_closed() {
    let store = Store::sqlite();
    let mut server = Server::start(&store).await;
    let mut sender = Client::connect(server.port, Some(&native("a", None))).await;
    let epoch = sender.event("session").await["epoch"].clone();
    let mut receiver = Client::connect(server.port, Some(&native("b", None))).await;
    receiver.event("session").await;
    let with = json!({"userId": "b"});
    let opened = sender.ask_ok("create_conversation", with).await;
    let conversation = opened["data"]["conversation"]["id"].as_str().unwrap();
    let text = json!({"conversationId": conversation, "content": "missed"});
    sender.ask_ok("send_message", text.clone()).await;

    // What is being written when the greeting is read is told before it.
    let lock = Lock::take(&store).await;
    sender.ask("send_message", &text);
    let since = json!({"epoch": epoch, "conversations": {conversation: 0}});
    let mut late = Client::connect(server.port, Some(&native("b", Some(&since)))).await;
    let first = late.next_within(PATIENCE).await;
    assert!(matches!(first, Some(Arrival::Closed)), "{first:?}");

    lock.release().await;
    receiver.event("new_message").await;
    receiver.event("new_message").await;
    let mut again = Client::connect(server.port, Some(&native("b", Some(&since)))).await;
    again.event("session").await;
    let caught_up = again.event("sync").await;
    let changed = caught_up["changed"][conversation].as_array();
    assert_eq!(changed.map(Vec::len), Some(2), "{caught_up}");
    server.stop().await;
}

fn native(user: &str, since: Option<&Value>) -> Value {
    json!({"dialect": "native", "userId": user, "since": since})
}
