//! Every event is answered within ten seconds, also while the store cannot be written: then with
//! `UNAVAILABLE`, and the same event with the same client id finds out what became of it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::client::{Arrival, Client};
use crate::support::histories::History;
use crate::support::http::Call;
use crate::support::locks::Lock;
use crate::support::messages::{content, draft, id};
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::within;

/// The promise is ten seconds; the machine may be busy.
const ANSWERED_WITHIN: Duration = Duration::from_secs(13);
const CONVERSATION: u64 = 42;
const N: usize = 20;

#[tokio::test]
async fn what_the_store_does_not_take_in_time_is_answered_and_heard_later() {
    let store = Store::sqlite();
    let server = Server::start(&store).await;
    let mut sender = server.user(1).await;
    let mut receiver = server.user(2).await;
    sender.ask_ok("send_message", draft(json!({}))).await;
    receiver.event("new_message").await;

    let lock = Lock::take(&store).await;
    let began = Instant::now();
    let drafts: Vec<Value> = (0..N).map(numbered).collect();
    let asked: Vec<u64> = drafts
        .iter()
        .map(|draft| sender.ask("send_message", draft))
        .collect();
    // Not a write, but its answer comes after theirs.
    let unknown = sender.ask("no_such_event", &Value::Null);
    let asked: Vec<u64> = asked.into_iter().chain([unknown]).collect();
    let answers = within(
        ANSWERED_WITHIN,
        "all answers",
        answers(&mut sender, asked.len()),
    )
    .await;
    assert!(began.elapsed() < ANSWERED_WITHIN);
    assert!(answers.iter().map(|(id, _)| *id).eq(asked), "in order");
    for (_, answer) in &answers[..N] {
        assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
        assert!(answer["error"]["retryAfterMs"].is_number(), "{answer}");
    }
    lock.release().await;

    for draft in &drafts {
        let heard = receiver.event("new_message").await;
        assert_eq!(
            heard["content"], draft["content"],
            "it is committed late, and heard"
        );
    }
    let stored = History::read(&server, CONVERSATION).await;
    assert_eq!(stored.messages.len(), N + 1);
    for (draft, stored) in drafts.iter().zip(&stored.messages[1..]) {
        let again = sender.ask_ok("send_message", draft.clone()).await;
        assert_eq!(
            (&again["duplicate"], id(&again["message"])),
            (&json!(true), id(stored))
        );
        assert_eq!(content(stored), content(draft));
    }
    assert_eq!(
        History::read(&server, CONVERSATION).await.messages.len(),
        N + 1
    );
    // Nothing that was refused is confirmed later.
    let kept = sender.take_kept();
    let late = |arrival: &&Arrival| matches!(arrival, Arrival::Ack(..));
    assert_eq!(kept.iter().filter(late).count(), 0, "{kept:?}");
}

#[tokio::test]
async fn a_socket_goes_on_after_what_it_was_not_answered() {
    let store = Store::sqlite();
    let server = Server::start(&store).await;
    let mut sender = server.user(1).await;
    sender.ask_ok("send_message", draft(json!({}))).await;
    let lock = Lock::take(&store).await;
    let stuck = sender.ask("send_message", &numbered(1));
    // It waits for the write before it, and is done as soon as that is answered.
    let opened = sender.ask("join_conversation", &json!(CONVERSATION));
    let answer = within(ANSWERED_WITHIN, "the answer", sender.ack(stuck)).await;
    assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
    let answer = sender.ack(opened).await;
    assert!(
        answer["ok"] == true || answer["error"]["code"] == "UNAVAILABLE",
        "{answer}"
    );
    sender.join_conversation(CONVERSATION).await;
    let posted = Call::post("/api/messages", &numbered(2))
        .send(server.port)
        .await;
    assert_eq!(posted.status, 503, "{}", posted.text());
    lock.release().await;
    sender.ask_ok("send_message", numbered(3)).await;
}

/// The next acks, in the order in which they come.
async fn answers(client: &mut Client, n: usize) -> Vec<(u64, Value)> {
    let mut answers = Vec::new();
    while answers.len() < n {
        if let Some(Arrival::Ack(id, answer)) = client.next_within(ANSWERED_WITHIN).await {
            answers.push((id, answer));
        }
    }
    answers
}

fn numbered(number: usize) -> Value {
    draft(json!({
        "content": format!("late {number}"),
        "clientMessageId": format!("late-{number}"),
    }))
}
