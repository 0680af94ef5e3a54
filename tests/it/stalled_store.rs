//! A store that cannot be written for a while: nothing is lost, nothing is stored twice, and
//! everybody gets an answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::{Arrival, Client};
use crate::support::histories::History;
use crate::support::http::Call;
use crate::support::load::{Outcome, Sent};
use crate::support::locks::Lock;
use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;

const N_SOCKETS: u64 = 20;
/// Together more than the 8,192 writes that may wait.
const N_EACH: u64 = 520;
/// Each has four sockets.
const CONVERSATIONS: [u64; 5] = [41, 42, 43, 44, 45];

/// An answer that takes longer is one that waits for the store.
const AT_ONCE: Duration = Duration::from_millis(300);
/// Sockets that try, one after the other, until the queue is full.
const MAX_ONLOOKERS: u64 = 60;

#[tokio::test]
async fn what_a_stalled_store_cannot_take_is_refused_at_once_and_can_be_sent_again() {
    let store = Store::sqlite();
    let mut server = Server::start(&store).await;
    let mut outcome = Outcome {
        sent: open_conversations(&server).await,
        heard: Vec::new(),
    };
    let clients = connect(&server).await;
    let lock = Lock::take(&store).await;
    let flood = tokio::spawn(send_all(clients));
    assert_readable(&server, outcome.sent.len()).await;
    let onlookers = look_on_until_refused(&server).await;
    assert_readable(&server, outcome.sent.len()).await;
    lock.release().await;
    let (mut clients, sent) = flood.await.unwrap();
    outcome.sent.extend(sent);
    for mut onlooker in onlookers {
        if onlooker.sent.answer.is_none() {
            onlooker.sent.answer = Some(onlooker.client.ack(onlooker.number).await);
        }
        outcome.sent.push(onlooker.sent);
    }

    outcome.assert_stored(&histories(&server).await);
    send_refused_again(&mut clients[0], &mut outcome.sent).await;
    outcome.assert_stored(&histories(&server).await);
    assert!(outcome.sent.iter().all(|sent| sent.acked().is_some()));
    server.stop().await;
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

async fn connect(server: &Server) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..N_SOCKETS {
        clients.push(server.connect().await);
    }
    clients
}

/// A socket that had nothing on its way and sent one message.
struct Onlooker {
    client: Client,
    number: u64,
    sent: Sent,
}

/// Sends one message from one new socket after the other, until one is refused at once.
async fn look_on_until_refused(server: &Server) -> Vec<Onlooker> {
    let mut onlookers = Vec::new();
    for number in 0..MAX_ONLOOKERS {
        let mut client = server.connect().await;
        let draft = numbered(usize::try_from(N_SOCKETS).unwrap(), number);
        let number = client.ask("send_message", &draft);
        let answer = tokio::time::timeout(AT_ONCE, client.ack(number)).await.ok();
        let is_refused = answer.is_some();
        if let Some(answer) = &answer {
            assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
        }
        onlookers.push(Onlooker {
            client,
            number,
            sent: Sent { draft, answer },
        });
        if is_refused {
            return onlookers;
        }
    }
    panic!("nobody was refused at once");
}

/// Every socket sends everything without waiting, and takes its answers.
async fn send_all(clients: Vec<Client>) -> (Vec<Client>, Vec<Sent>) {
    let mut senders = JoinSet::new();
    for (socket, client) in clients.into_iter().enumerate() {
        senders.spawn(send(client, socket));
    }
    let ended = soon("all answers", senders.join_all()).await;
    let (clients, sent): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
    (clients, sent.into_iter().flatten().collect())
}

async fn send(mut client: Client, socket: usize) -> (Client, Vec<Sent>) {
    let mut sent = Vec::new();
    for number in 0..N_EACH {
        let draft = numbered(socket, number);
        assert_eq!(client.ask("send_message", &draft), number);
        sent.push(Sent {
            draft,
            answer: None,
        });
    }
    while sent.iter().any(|sent| sent.answer.is_none()) {
        take_answer(client.next().await, &mut sent);
    }
    // An answer that comes after everything else shows that no second answer is on its way.
    client.call("leave_conversation", json!(1)).await;
    for arrival in client.take_kept() {
        take_answer(arrival, &mut sent);
    }
    (client, sent)
}

fn take_answer(arrival: Arrival, sent: &mut [Sent]) {
    match arrival {
        Arrival::Ack(number, answer) => {
            let sent = &mut sent[usize::try_from(number).unwrap()];
            assert_eq!(sent.answer, None, "answered twice: {answer}");
            sent.answer = Some(answer);
        }
        Arrival::Event(..) => {}
        end => panic!("the connection ended: {end:?}"),
    }
}

/// Message `number` of a socket, in the conversation of that socket.
fn numbered(socket: usize, number: u64) -> Value {
    let conversation = CONVERSATIONS[socket % CONVERSATIONS.len()];
    let mut message = first_of(conversation);
    message["content"] = json!(format!("socket {socket} {number}"));
    message["clientMessageId"] = json!(format!("client-id {socket} {number}"));
    message
}

/// The first message of a conversation.
fn first_of(conversation: u64) -> Value {
    draft(json!({
        "conversationId": conversation, "content": format!("first of {conversation}"),
        "senderId": 100 + conversation, "receiverId": 200 + conversation,
    }))
}

/// Sends one message in each conversation, so that all of them exist.
async fn open_conversations(server: &Server) -> Vec<Sent> {
    let mut client = server.connect().await;
    let mut sent = Vec::new();
    for conversation in CONVERSATIONS {
        let draft = first_of(conversation);
        let answer = client.ask_ok("send_message", draft.clone()).await;
        assert_eq!(answer["message"]["conversationId"], json!(conversation));
        sent.push(Sent {
            draft,
            answer: Some(answer),
        });
    }
    sent
}

/// Whoever only reads does not notice anything.
async fn assert_readable(server: &Server, n_stored: usize) {
    for path in ["/health", "/readyz"] {
        assert_eq!(Call::get(path).send(server.port).await.status, 200);
    }
    let histories = histories(server).await;
    let n_read: usize = histories.iter().map(|history| history.messages.len()).sum();
    assert_eq!(n_read, n_stored);
}

async fn histories(server: &Server) -> Vec<History> {
    let mut histories = Vec::new();
    for conversation in CONVERSATIONS {
        histories.push(History::read(server, conversation).await);
    }
    histories
}

/// Sends everything that was refused once more, with the same client ids. None was stored before.
async fn send_refused_again(client: &mut Client, sent: &mut [Sent]) {
    let refused: Vec<&mut Sent> = sent
        .iter_mut()
        .filter(|sent| sent.acked().is_none())
        .collect();
    let asked: Vec<u64> = refused
        .iter()
        .map(|sent| client.ask("send_message", &sent.draft))
        .collect();
    for (sent, number) in refused.into_iter().zip(asked) {
        let answer = client.ack(number).await;
        assert_eq!(answer["ok"], true, "{answer}");
        assert_ne!(answer["duplicate"], true, "{answer}");
        sent.answer = Some(answer);
    }
}
