//! Who is there is told to those who may know it, also when the database cannot say for a while who they are.

use std::time::Duration;

use serde_json::json;

use crate::support::client::Client;
use crate::support::locks::TableLock;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_postgres};

/// More often than that it is not tried to tell.
const TRIED_AGAIN: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn who_goes_while_the_database_does_not_say_whom_to_tell_is_told_later() {
    on_postgres(async |store: Store| {
        let mut server = Server::start(&store).await;
        let mut ada = connect(&server, "ada").await;
        let mut ben = connect(&server, "ben").await;
        ada.ask_ok("create_conversation", json!({ "userId": "ben" }))
            .await;
        ben.event("conversation_updated").await;
        let lock = TableLock::take(&store, "participant").await;
        drop(ada);
        soon("somebody who asks whom to tell", lock.end_who_wait()).await;
        lock.release().await;

        let told = ben.event("presence").await;
        assert_eq!(
            (&told["userId"], &told["online"]),
            (&json!("ada"), &json!(false))
        );
        let more = ben.next_within(TRIED_AGAIN).await;
        assert_eq!(more, None, "once");
        server.stop().await;
    })
    .await;
}

async fn connect(server: &Server, id: &str) -> Client {
    let who = json!({ "dialect": "native", "userId": id });
    let mut client = Client::connect(server.port, Some(&who)).await;
    client.event("session").await;
    client
}
