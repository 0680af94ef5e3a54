//! Clients that keep messages in flight until their connection ends.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::client::{Arrival, Client};
use super::histories::History;
use super::messages::{content, draft, id, seq};
use super::server::Server;
use super::soon;

/// Messages of one client that wait for their ack at a time.
const IN_FLIGHT: usize = 24;
/// Who sends to whom in which conversation; some talk over several sockets.
const SENDERS: [(u64, u64, u64); 6] = [
    (1, 2, 42),
    (1, 2, 42),
    (2, 1, 42),
    (3, 4, 43),
    (4, 3, 43),
    (5, 6, 44),
];
/// The conversations of [`SENDERS`].
pub const CONVERSATIONS: [u64; 3] = [42, 43, 44];

/// Many clients at work.
pub struct Load {
    senders: JoinSet<Vec<Sent>>,
    listeners: JoinSet<Vec<Value>>,
    n_acked: watch::Receiver<usize>,
}

/// What became of a load, after all its connections ended.
pub struct Outcome {
    /// Everything that was sent.
    pub sent: Vec<Sent>,
    /// Messages that listeners heard.
    pub heard: Vec<Value>,
}

/// One message that was sent, and what its sender heard about it.
pub struct Sent {
    /// What was sent.
    pub draft: Value,
    /// `None` when the connection ended before the answer.
    pub answer: Option<Value>,
}

impl Load {
    /// Starts to send. Texts begin with `label`, so that those of several loads differ.
    pub async fn start(server: &Server, label: &str) -> Self {
        let (counter, n_acked) = watch::channel(0);
        let mut load = Self {
            senders: JoinSet::new(),
            listeners: JoinSet::new(),
            n_acked,
        };
        for user in [2, 4, 6] {
            load.listeners.spawn(listen(server.user(user).await));
        }
        for (number, (sender, receiver, conversation)) in SENDERS.into_iter().enumerate() {
            let draft = draft(json!({
                "senderId": sender, "receiverId": receiver, "conversationId": conversation,
            }));
            // Both ways to name a send, each on half of the clients.
            let key = if number % 2 == 0 {
                "tempId"
            } else {
                "clientMessageId"
            };
            let texts = format!("{label} {number}");
            let client = server.connect().await;
            load.senders
                .spawn(send(client, draft, key, texts, counter.clone()));
        }
        load
    }

    /// Waits until so many messages were acknowledged.
    pub async fn acked(&mut self, n: usize) {
        let acked = self.n_acked.wait_for(|n_acked| *n_acked >= n);
        let _ = soon("acks", acked).await.expect("somebody still sends");
    }

    /// Waits until every connection has ended. Fails when one was thrown out of the namespace.
    pub async fn ended(self) -> Outcome {
        soon("the end of all connections", async {
            Outcome {
                sent: self
                    .senders
                    .join_all()
                    .await
                    .into_iter()
                    .flatten()
                    .collect(),
                heard: self
                    .listeners
                    .join_all()
                    .await
                    .into_iter()
                    .flatten()
                    .collect(),
            }
        })
        .await
    }
}

impl Sent {
    /// The stored message, if it was acknowledged.
    pub fn acked(&self) -> Option<&Value> {
        let answer = self.answer.as_ref()?;
        (answer["ok"] == true).then(|| &answer["message"])
    }
}

impl Outcome {
    /// Compares with what is stored: what was acknowledged is there once, where its ack said; what
    /// was refused is not there; nothing else is there, and nobody heard of anything else.
    pub fn assert_stored(&self, histories: &[History]) {
        let stored = by_content(histories);
        for sent in &self.sent {
            let found = stored.get(content(&sent.draft));
            match (sent.acked(), &sent.answer) {
                (Some(acked), _) => {
                    let found = found.unwrap_or_else(|| panic!("acknowledged and lost: {acked}"));
                    assert_eq!((id(found), seq(found)), (id(acked), seq(acked)));
                }
                (None, Some(refusal)) => {
                    // The only reason to refuse a good message.
                    assert_eq!(refusal["error"]["code"], "UNAVAILABLE", "{refusal}");
                    assert_eq!(found, None, "stored in spite of {refusal}");
                }
                (None, None) => {}
            }
        }
        for heard in &self.heard {
            let found = stored.get(content(heard));
            assert_eq!(
                found.map(|found| id(found)),
                Some(id(heard)),
                "heard and lost: {heard}"
            );
        }
        let sent: Vec<&str> = self.sent.iter().map(|sent| content(&sent.draft)).collect();
        let unknown = stored.keys().find(|text| !sent.contains(text));
        assert_eq!(unknown, None, "stored, but never sent");
    }
}

/// Every stored message by its text.
pub fn by_content(histories: &[History]) -> HashMap<&str, &Value> {
    histories.iter().flat_map(History::by_content).collect()
}

/// Reads the histories of all conversations.
pub async fn histories(server: &Server) -> Vec<History> {
    let mut histories = Vec::new();
    for conversation in CONVERSATIONS {
        histories.push(History::read(server, conversation).await);
    }
    histories
}

async fn send(
    mut client: Client,
    mut draft: Value,
    key: &str,
    texts: String,
    n_acked: watch::Sender<usize>,
) -> Vec<Sent> {
    let mut sent: Vec<Sent> = Vec::new();
    let mut n_open = 0;
    loop {
        while n_open < IN_FLIGHT {
            let number = sent.len();
            draft["content"] = json!(format!("{texts} {number}"));
            draft[key] = json!(format!("client-id {texts} {number}"));
            assert_eq!(client.ask("send_message", &draft), number as u64);
            let draft = draft.clone();
            sent.push(Sent {
                draft,
                answer: None,
            });
            n_open += 1;
        }
        match client.next().await {
            Arrival::Ack(number, answer) => {
                let sent = &mut sent[usize::try_from(number).unwrap()];
                assert_eq!(sent.answer, None, "answered twice: {answer}");
                sent.answer = Some(answer);
                n_open -= 1;
                if sent.acked().is_some() {
                    n_acked.send_modify(|n_acked| *n_acked += 1);
                }
            }
            Arrival::Event(..) => {}
            Arrival::Disconnect => panic!("thrown out of the namespace"),
            Arrival::Closed => return sent,
        }
    }
}

async fn listen(mut client: Client) -> Vec<Value> {
    let arrivals = client.until_closed().await;
    assert!(
        !arrivals.contains(&Arrival::Disconnect),
        "thrown out of the namespace"
    );
    let message = |arrival| match arrival {
        Arrival::Event(name, message) if name == "new_message" => Some(message),
        _ => None,
    };
    arrivals.into_iter().filter_map(message).collect()
}
