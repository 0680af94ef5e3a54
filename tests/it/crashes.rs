//! `kill -9` under load: what was acknowledged is there, once.

use crate::support::any_below;
use crate::support::client::Client;
use crate::support::histories::History;
use crate::support::load::{Load, Outcome, by_content, histories};
use crate::support::messages::{content, id};
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};

const N_ROUNDS: usize = 3;
/// Acks before the crash: at least so many, and some more by chance.
const MIN_ACKED: usize = 100;
const MAX_MORE: u64 = 500;

on_both_stores!(every_acknowledged_message_survives_a_crash_exactly_once);

async fn every_acknowledged_message_survives_a_crash_exactly_once(store: Store) {
    let mut server = Server::start(&store).await;
    let mut all = Outcome {
        sent: Vec::new(),
        heard: Vec::new(),
    };
    for round in 0..N_ROUNDS {
        let mut load = Load::start(&server, &format!("round {round} client")).await;
        load.acked(MIN_ACKED + usize::try_from(any_below(MAX_MORE)).unwrap())
            .await;
        server.crash().await;
        let outcome = load.ended().await;
        server.restart().await;

        let before = histories(&server).await;
        all.sent.extend(outcome.sent);
        all.heard.extend(outcome.heard);
        all.assert_stored(&before);
        send_again(&server, &mut all, &before).await;
        all.assert_stored(&histories(&server).await);
    }
    server.stop().await;
}

/// Sends everything once more, as clients do that heard no answer: whatever is stored keeps its id,
/// and everything is acknowledged now.
async fn send_again(server: &Server, all: &mut Outcome, before: &[History]) {
    let stored = by_content(before);
    let mut client: Client = server.connect().await;
    for sent in &mut all.sent {
        let number = client.ask("send_message", &sent.draft);
        let answer = client.ack(number).await;
        assert_eq!(answer["ok"], true, "{answer}");
        let first = stored.get(content(&sent.draft));
        assert_eq!(answer["duplicate"] == true, first.is_some(), "{answer}");
        if let Some(first) = first {
            assert_eq!(id(&answer["message"]), id(first));
        }
        sent.answer = Some(answer);
    }
}
