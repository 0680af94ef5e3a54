//! Nothing is lost that a client emits the moment it is connected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::client::{Arrival, Client, event_frame};
use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::wire::Wire;
use crate::support::within;

/// Connections that are being opened at a time.
const WAVE: usize = 100;
/// For all connections together, on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

on_both_stores!(
    two_thousand_connections_get_the_ack_of_what_they_emit_at_once,
    several_events_in_the_write_that_follows_connect_are_answered_in_order,
);

async fn two_thousand_connections_get_the_ack_of_what_they_emit_at_once(store: Store) {
    let server = Server::start(&store).await;
    let port = server.port;
    let answers = all_at_once(2_000, move |number| async move {
        let mut client = Client::connect(port, None).await;
        let ack = client.call("send_message", greeting(number)).await;
        (client, ack)
    })
    .await;
    // All connections are open until here.
    let n_acked = answers.iter().filter(|(_, ack)| ack["ok"] == true).count();
    assert_eq!(n_acked, 2_000);
}

async fn several_events_in_the_write_that_follows_connect_are_answered_in_order(store: Store) {
    let server = Server::start(&store).await;
    let port = server.port;
    let answers = all_at_once(200, move |number| async move {
        let mut wire = Wire::open(port).await;
        let id = wire.join(None).await.unwrap();
        let conversation = json!(number / 2 + 1);
        let read = json!({"conversationId": conversation, "userId": number});
        let frames = [
            event_frame(0, "join_conversation", &conversation),
            event_frame(1, "send_message", &greeting(number)),
            event_frame(2, "mark_read", &read),
            event_frame(3, "no_such_event", &Value::Null),
        ];
        wire.say_at_once(frames).await;
        let mut client = Client::over(wire, id);
        let mut acks = Vec::new();
        while acks.len() < 4 {
            if let Arrival::Ack(id, body) = client.next().await {
                acks.push((id, body["ok"] == true));
            }
        }
        (client, acks)
    })
    .await;
    for (_, acks) in answers {
        assert_eq!(acks, [(0, true), (1, true), (2, true), (3, false)]);
    }
}

/// What the client with that number, counted from 1, says to its neighbour.
fn greeting(number: u64) -> Value {
    let neighbour = if number.is_multiple_of(2) {
        number + 1
    } else {
        number - 1
    };
    draft(json!({
        "senderId": number, "receiverId": neighbour, "conversationId": number / 2 + 1,
        "content": format!("from {number}"), "tempId": format!("first of {number}"),
    }))
}

/// What all these clients return, which work at the same time.
async fn all_at_once<T, F>(n_clients: u64, client: impl Fn(u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(WAVE));
    let mut clients = JoinSet::new();
    for number in 2..n_clients + 2 {
        let (places, work) = (Arc::clone(&places), client(number));
        clients.spawn(async move {
            let _place = places.acquire().await.unwrap();
            work.await
        });
    }
    within(LIMIT, "all clients", clients.join_all()).await
}
