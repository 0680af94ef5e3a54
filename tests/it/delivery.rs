//! Delivery that is behind the writer: the parts of the server without their sockets, so that a test
//! decides when delivery runs.

use serde_json::{Value, json};
use sohbet::chat::Dialect;

use crate::support::parts::Parts;
use crate::support::soon;
use crate::support::stores::{self, on_both_stores};

/// The dialect in which messages wait for who is away.
const DIALECT: Dialect = Dialect::Direct;
/// Messages, each in a batch of its own; delivery may be so far behind.
const N_BATCHES: u32 = 8;

on_both_stores!(an_answer_waits_for_the_batches_that_it_holds);

async fn an_answer_waits_for_the_batches_that_it_holds(store: stores::Store) {
    let parts = Parts::start(&store).await;
    let (ali, _) = parts.connect(DIALECT, None).await;
    for number in 0..N_BATCHES {
        let draft = json!({ "recipientId": "9", "messageContent": number });
        parts.ask(&ali, "chat", &draft).await;
        soon("a batch", async {
            while n_stored(&parts).await <= number {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let (late, heard) = parts.connect(DIALECT, None).await;
    parts.ask(&late, "register", &json!(9)).await;
    parts.finish().await;
    let contents: Vec<u64> = heard.lock().unwrap().iter().map(content).collect();
    assert_eq!(contents, (0..N_BATCHES.into()).collect::<Vec<_>>());
}

fn content((event, body): &(String, Value)) -> u64 {
    assert_eq!(event, "chat");
    body["messageContent"].as_u64().unwrap()
}

async fn n_stored(parts: &Parts) -> u32 {
    let waiting = parts.store.list_waiting(&"9".into(), u32::MAX).await;
    u32::try_from(waiting.unwrap().len()).unwrap()
}
