//! Messages keep the order in which they were sent, however many are under way.

use serde_json::{Value, json};

use crate::support::client::{Arrival, Client};
use crate::support::histories::History;
use crate::support::messages::{content, draft, seq};
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};

const CONVERSATION: u64 = 42;

on_both_stores!(
    a_thousand_messages_sent_without_waiting_are_stored_and_heard_in_order,
    ten_sockets_that_send_at_once_all_hear_one_order,
);

async fn a_thousand_messages_sent_without_waiting_are_stored_and_heard_in_order(store: Store) {
    const N: usize = 1_000;
    let server = Server::start(&store).await;
    let mut receiver = server.user(2).await;
    let mut sender = server.user(1).await;
    let drafts: Vec<Value> = (1..=N).map(|number| numbered(1, 0, number)).collect();
    let acks: Vec<u64> = drafts
        .iter()
        .map(|draft| sender.ask("send_message", draft))
        .collect();
    let texts: Vec<&str> = drafts.iter().map(content).collect();

    let mut told = Vec::new();
    let mut acked = Vec::new();
    while acked.len() < acks.len() {
        match sender.next().await {
            Arrival::Event(name, message) if name == "message_sent" => told.push(message),
            Arrival::Ack(id, answer) => {
                assert_eq!(answer["ok"], true, "{answer}");
                assert_eq!(
                    told.len(),
                    acked.len() + 1,
                    "the confirmation comes before the ack"
                );
                acked.push((id, answer["message"].clone()));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    let heard = new_messages(&mut receiver, drafts.len()).await;
    let stored = History::read(&server, CONVERSATION).await;

    assert!(acked.iter().map(|(id, _)| *id).eq(acks));
    let acked: Vec<Value> = acked.into_iter().map(|(_, message)| message).collect();
    for messages in [&told, &acked, &heard, &stored.messages] {
        assert_eq!(messages.iter().map(content).collect::<Vec<_>>(), texts);
        assert!(messages.iter().map(seq).eq(1..=N as u64));
    }
    assert_eq!(
        heard, stored.messages,
        "live and read later, a message looks the same"
    );
    assert_nothing_more(&mut receiver).await;
}

async fn ten_sockets_that_send_at_once_all_hear_one_order(store: Store) {
    const N_SENDERS: usize = 10;
    const N_EACH: usize = 200;
    let server = Server::start(&store).await;
    let mut listeners = Vec::new();
    for user in [1, 2] {
        let mut listener = server.user(user).await;
        listener.join_conversation(CONVERSATION).await;
        listeners.push(listener);
    }
    let mut senders = Vec::new();
    for _ in 0..N_SENDERS {
        let mut sender = server.connect().await;
        sender.join_conversation(CONVERSATION).await;
        senders.push(sender);
    }
    for number in 1..=N_EACH {
        for (sender, client) in senders.iter_mut().enumerate() {
            // Users 1 and 2 talk over five sockets each.
            client.ask("send_message", &numbered(1 + sender % 2, sender, number));
        }
    }
    let mut heard = Vec::new();
    for listener in &mut listeners {
        heard.push(new_messages(listener, N_SENDERS * N_EACH).await);
        assert_nothing_more(listener).await;
    }
    let stored = History::read(&server, CONVERSATION).await;
    assert!(heard.iter().all(|heard| *heard == stored.messages));
    let texts = stored.contents();
    for (sender, client) in senders.iter_mut().enumerate() {
        let own = format!("socket {sender} ");
        let mine = texts.iter().filter(|text| text.starts_with(&own));
        let numbers = mine.map(|text| text[own.len()..].parse::<usize>().unwrap());
        assert!(
            numbers.eq(1..=N_EACH),
            "the order of socket {sender} is lost"
        );
        // Its own messages it hears as confirmations, all others as events, in one order.
        let heard = told(client, texts.len()).await;
        assert_eq!(heard, stored.messages.iter().map(seq).collect::<Vec<_>>());
    }
}

/// Message `number` of a socket, sent as user 1 or 2 to the other one.
fn numbered(user: usize, socket: usize, number: usize) -> Value {
    draft(json!({
        "senderId": user, "receiverId": 3 - user,
        "content": format!("socket {socket} {number}"),
        "tempId": format!("temp-{socket}-{number}"),
    }))
}

/// The next `n` messages, which must be the only events but acks.
async fn new_messages(client: &mut Client, n: usize) -> Vec<Value> {
    let mut messages = Vec::with_capacity(n);
    while messages.len() < n {
        messages.push(client.event("new_message").await);
    }
    messages
}

/// `seq` of the next `n` messages, own and foreign ones, in the order in which they came.
async fn told(client: &mut Client, n: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.len() < n {
        match client.next().await {
            Arrival::Event(_, message) => seqs.push(seq(&message)),
            Arrival::Ack(_, answer) => assert_eq!(answer["ok"], true, "{answer}"),
            other => panic!("unexpected {other:?}"),
        }
    }
    seqs
}

/// An answer that comes after everything else shows that nothing else is on its way.
async fn assert_nothing_more(client: &mut Client) {
    client.call("leave_conversation", json!(1)).await;
    let more = client.take_kept();
    let is_message =
        |arrival: &Arrival| matches!(arrival, Arrival::Event(name, _) if name == "new_message");
    assert!(!more.iter().any(is_message), "heard twice: {more:?}");
}
