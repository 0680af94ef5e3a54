//! There are only so many of anything at a time.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{connect, limited, user, wait_seconds};
use crate::support::client::Client;
use crate::support::http::{Answer, Call};
use crate::support::polling;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;

const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[tokio::test]
async fn a_user_has_so_many_sockets_at_a_time() {
    let server = limited(&[("MAX_USER_SOCKETS", "2")]).await;
    let mut sockets = vec![user(&server, 1).await, user(&server, 1).await];
    let third = connect(&server, 1).await.err();
    assert_eq!(third, Some(too_many()));
    user(&server, 2).await;
    sockets.pop();
    soon("a free place", async {
        while connect(&server, 1).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn an_address_has_so_many_sockets() {
    let server = limited(&[("MAX_ADDRESS_SOCKETS", "2")]).await;
    let mut sockets = vec![user(&server, 1).await, user(&server, 2).await];
    assert_eq!(connect(&server, 3).await.err(), Some(too_many()));
    assert_eq!(open_plain(&server).await.status, 503);
    let mut elsewhere = Wire::open_from(server.port, OTHER_ADDRESS).await;
    elsewhere.join(Some(&auth(3))).await.unwrap();
    sockets.pop();
    soon("a free place", async {
        while connect(&server, 3).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn all_together_have_so_many_sockets_also_in_development_mode() {
    let server = Server::start_with(&Store::sqlite(), &[("MAX_SOCKETS", "2")]).await;
    let mut sockets = vec![server.connect().await, server.connect().await];
    let third = Client::try_connect(server.port, None).await.err();
    assert_eq!(third, Some(too_many()));
    assert_eq!(open_plain(&server).await.status, 503);
    sockets.pop();
    soon("a free place", async {
        while Client::try_connect(server.port, None).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn all_together_have_so_many_connections_also_in_development_mode() {
    let server = Server::start_with(&Store::sqlite(), &[("MAX_CONNECTIONS", "2")]).await;
    let sockets = vec![server.connect().await, server.connect().await];
    takes_no_connection_beside(&server, sockets).await;
}

#[tokio::test]
async fn all_together_have_so_many_sockets_that_have_not_joined_also_in_development_mode() {
    let server = Server::start_with(&Store::sqlite(), &[("MAX_PENDING", "2")]).await;
    let (_first, mut second) = (Wire::open(server.port).await, Wire::open(server.port).await);
    let refused = Call::get(polling::PATH).send(server.port).await;
    assert_eq!((refused.status, wait_seconds(&refused)), (503, 1));
    second.join(None).await.unwrap();
    assert_eq!(Call::get(polling::PATH).send(server.port).await.status, 200);
}

#[tokio::test]
async fn sockets_that_do_not_join_are_few_and_short_lived() {
    let settings = [("MAX_ADDRESS_PENDING", "2"), ("CONNECT_TIMEOUT_MS", "500")];
    for transport in ["websocket", "polling"] {
        let server = limited(&settings).await;
        let mut opened = Vec::new();
        for _ in 0..2 {
            match transport {
                "websocket" => opened.push(Wire::open(server.port).await),
                _ => assert_eq!(Call::get(polling::PATH).send(server.port).await.status, 200),
            }
        }
        let refused = Call::get(polling::PATH).send(server.port).await;
        assert_eq!(
            (refused.status, wait_seconds(&refused)),
            (503, 1),
            "{transport}"
        );
        let end = soon("the end of their time", async {
            while Call::get(polling::PATH).send(server.port).await.status != 200 {}
        });
        end.await;
        for mut wire in opened {
            while wire.hear().await.is_some() {}
        }
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = limited(&[("MAX_ADDRESS_CONNECTIONS", "3")]).await;
    let sockets = vec![
        user(&server, 1).await,
        user(&server, 2).await,
        user(&server, 3).await,
    ];
    takes_no_connection_beside(&server, sockets).await;
}

#[tokio::test]
async fn a_socket_listens_to_so_many_conversations() {
    let server = Server::start_with(&Store::sqlite(), &[("MAX_SOCKET_ROOMS", "3")]).await;
    let mut client = server.connect().await;
    for id in 1..=3 {
        client.join_conversation(id).await;
    }
    let fourth = client.call("join_conversation", json!(4)).await;
    assert_eq!(fourth["error"]["code"], "TOO_LARGE", "{fourth}");
    client.ask_ok("leave_conversation", json!(1)).await;
    client.join_conversation(4).await;
}

/// No connection is taken until one of these ends.
async fn takes_no_connection_beside(server: &Server, mut sockets: Vec<Client>) {
    let refused = Call::get("/health").send(server.port).await;
    assert_eq!((refused.status, wait_seconds(&refused)), (503, 1));
    sockets.pop();
    soon("a free place", async {
        while Call::get("/health").send(server.port).await.status != 200 {}
    })
    .await;
}

/// How a plain WebSocket of user 3 is answered.
async fn open_plain(server: &Server) -> Answer {
    let token = token("3", None, SECRET);
    let headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let call = Call::get(&format!("/ws?token={token}"));
    let with = |call: Call, (name, value)| call.header(name, value);
    headers.into_iter().fold(call, with).send(server.port).await
}

fn auth(id: u64) -> Value {
    json!({"token": token(&id.to_string(), None, SECRET)})
}

fn too_many() -> Value {
    json!({"message": "Too many connections"})
}
