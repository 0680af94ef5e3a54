//! A network that swallows what goes between the server and PostgreSQL, without telling either: the
//! server gives such connections up, and works on with others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use crate::support::client::{Arrival, Client};
use crate::support::http::Call;
use crate::support::messages::draft;
use crate::support::postgres;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::within;

/// After this time it must work again: a statement, a look at what it says, and a new connection.
const RECOVERY: Duration = Duration::from_secs(40);
/// A greeting is due after ten seconds; the machine may be busy.
const GREETED_WITHIN: Duration = Duration::from_secs(13);
/// Less than anything waits for the database.
const GONE_WITHIN: Duration = Duration::from_secs(4);

#[tokio::test]
async fn connections_that_say_nothing_are_given_up() {
    let url = postgres::create_database().await;
    let relay = Relay::start(&url).await;
    let mut server = Server::start(&Store::postgres(&relay.url)).await;
    assert_eq!(send(&server).await, 200);
    relay.swallow();
    let begun = Instant::now();
    while send(&server).await != 200 {
        assert!(begun.elapsed() < RECOVERY, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    server.stop().await;
    postgres::drop_database(&url).await;
}

#[tokio::test]
async fn a_socket_that_cannot_be_greeted_in_time_is_closed_and_one_that_leaves_is_gone_at_once() {
    let url = postgres::create_database().await;
    let relay = Relay::start(&url).await;
    // More connections than everybody here asks on, all of them open.
    let settings = [("SQLITE_READERS", "16"), ("RUST_LOG", "sohbet=debug")];
    let mut server = Server::start_with(&Store::postgres(&relay.url), &settings).await;
    let users: Vec<Value> = (0..40)
        .map(|number| native(&format!("u{number}")))
        .collect();
    let connected = users
        .iter()
        .map(|user| Client::connect(server.port, Some(user)));
    let mut others = join_all(connected).await;
    for client in &mut others {
        client.event("session").await;
    }
    relay.swallow();

    let mut waiting = Client::connect(server.port, Some(&native("a"))).await;
    let leaving = Client::connect(server.port, Some(&native("b"))).await;
    drop(leaving);
    within(GONE_WITHIN, "the end of who left", async {
        while !server.log().contains("socket gone") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let asked = waiting.ask("list_conversations", &json!({}));
    let first = waiting.next_within(GREETED_WITHIN).await;
    assert_eq!(
        first,
        Some(Arrival::Closed),
        "not even an answer to {asked}"
    );
    server.crash().await;
    postgres::drop_database(&url).await;
}

fn native(user: &str) -> Value {
    json!({"dialect": "native", "userId": user})
}

async fn send(server: &Server) -> u16 {
    let call = Call::post("/api/messages", &draft(json!({})));
    call.send(server.port).await.status
}

/// Stands between the server and PostgreSQL.
struct Relay {
    url: Url,
    /// Tells the connections that there are.
    swallowing: Arc<watch::Sender<()>>,
}

impl Relay {
    async fn start(to: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url = to.clone();
        url.set_port(Some(listener.local_addr().unwrap().port()))
            .unwrap();
        let address = format!("{}:{}", to.host_str().unwrap(), to.port().unwrap_or(5432));
        let swallowing = Arc::new(watch::Sender::new(()));
        let events = Arc::clone(&swallowing);
        tokio::spawn(async move {
            loop {
                let (server, _) = listener.accept().await.unwrap();
                let database = TcpStream::connect(&address).await.unwrap();
                let begins = events.subscribe();
                tokio::spawn(relay(server, database, begins));
            }
        });
        Self { url, swallowing }
    }

    /// From now on nothing gets through on the connections that there are.
    fn swallow(&self) {
        self.swallowing.send_replace(());
    }
}

/// Carries both ways until swallowing begins; then it takes everything and says nothing.
async fn relay(mut server: TcpStream, mut database: TcpStream, mut begins: watch::Receiver<()>) {
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut server, &mut database) => return,
        _ = begins.changed() => {}
    }
    let mut taken = [0; 4_096];
    while server
        .read(&mut taken)
        .await
        .is_ok_and(|n_bytes| n_bytes > 0)
    {}
    let _ = database.shutdown().await;
}
