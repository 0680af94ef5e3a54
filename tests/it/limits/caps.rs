//! There are only so many of anything at a time.

use serde_json::json;

use super::{connect, limited, user, wait_seconds};
use crate::support::http::Call;
use crate::support::polling;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;
use crate::support::wire::Wire;

#[tokio::test]
async fn a_user_has_so_many_sockets_at_a_time() {
    let server = limited(&[("MAX_USER_SOCKETS", "2")]).await;
    let mut sockets = vec![user(&server, 1).await, user(&server, 1).await];
    let third = connect(&server, 1).await.err();
    assert_eq!(third, Some(json!({"message": "Too many connections"})));
    user(&server, 2).await;
    sockets.pop();
    soon("a free place", async {
        while connect(&server, 1).await.is_err() {}
    })
    .await;
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
    let mut sockets = vec![
        user(&server, 1).await,
        user(&server, 2).await,
        user(&server, 3).await,
    ];
    let refused = Call::get("/health").send(server.port).await;
    assert_eq!((refused.status, wait_seconds(&refused)), (503, 1));
    sockets.pop();
    soon("a free place", async {
        while Call::get("/health").send(server.port).await.status != 200 {}
    })
    .await;
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
