//! What a socket hears first is there in time, also while nothing can be written.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::locks::Lock;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::within;

/// What is shown waits two seconds for being told; the machine may be busy. What is not answered for ten seconds
/// is given up.
const PATIENCE: Duration = Duration::from_secs(7);

#[tokio::test]
async fn what_is_shown_waits_a_moment_only_for_a_store_that_cannot_be_written() {
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

    // What is being written while something is read is told before it, if it does not take too long.
    let lock = Lock::take(&store).await;
    sender.ask("send_message", &text);
    let since = json!({"epoch": epoch, "conversations": {conversation: 0}});
    let mut late = Client::connect(server.port, Some(&native("b", Some(&since)))).await;
    within(PATIENCE, "the greeting", late.event("session")).await;
    let caught_up = late.event("sync").await;
    assert_eq!(n_changed(&caught_up, conversation), 1, "{caught_up}");
    let asked = late.ask_ok("sync", since.clone());
    let caught_up = within(PATIENCE, "the answer", asked).await;
    assert_eq!(
        n_changed(&caught_up["data"], conversation),
        1,
        "{caught_up}"
    );

    lock.release().await;
    for client in [&mut receiver, &mut late] {
        let heard = client.event("new_message").await;
        assert_eq!(heard["message"]["content"], "missed", "{heard}");
    }
    let caught_up = late.ask_ok("sync", since).await;
    assert_eq!(
        n_changed(&caught_up["data"], conversation),
        2,
        "{caught_up}"
    );
    server.stop().await;
}

fn native(user: &str, since: Option<&Value>) -> Value {
    json!({"dialect": "native", "userId": user, "since": since})
}

fn n_changed(caught_up: &Value, conversation: &str) -> usize {
    let changed = caught_up["changed"][conversation].as_array();
    changed.map_or(0, Vec::len)
}
