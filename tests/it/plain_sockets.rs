//! Plain WebSockets that stop reading are cut, and cost little until then.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::http::Call;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;

const N_STUCK: usize = 50;
const OUTBOUND_BYTES: &str = "262144";
const TEXT_BYTES: usize = 60_000;
/// Far more than a kernel and the queue take for somebody who does not read.
const N_TEXTS: usize = 150;
/// For each of them: the queue, the longest frame, and what the connection has for writing.
const MAX_GROWN_KB: u64 = 1_000 * N_STUCK as u64;

#[tokio::test]
async fn who_does_not_read_a_plain_socket_is_cut_and_the_others_hear_everything() {
    let server = Server::start_with(&Store::sqlite(), &[("OUTBOUND_BYTES", OUTBOUND_BYTES)]).await;
    let place = Place::make(&server).await;
    let mut stuck = Vec::new();
    for _ in 0..N_STUCK {
        stuck.push(place.join(4_096).await);
    }
    let mut talker = place.join(1_000_000).await;
    let before_kb = server.peak_memory_kb();
    for number in 0..N_TEXTS {
        let text = format!("{number} {}", "x".repeat(TEXT_BYTES));
        let said = json!({
            "type": "message", "userId": place.user, "roomId": place.room, "content": text,
        });
        talker.send(Message::text(said.to_string())).await.unwrap();
        let heard = hear(&mut talker, "new_message").await.expect("it is cut");
        assert_eq!(heard["message"]["content"], text);
    }
    let grown_kb = server.peak_memory_kb().saturating_sub(before_kb);
    assert!(grown_kb < MAX_GROWN_KB, "{grown_kb} KB");
    for mut stuck in stuck {
        let mut n_heard = 0;
        while hear(&mut stuck, "new_message").await.is_some() {
            n_heard += 1;
        }
        assert!(n_heard < N_TEXTS, "it was told everything");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// A room and a user in it.
struct Place {
    port: u16,
    user: Value,
    room: Value,
}

impl Place {
    async fn make(server: &Server) -> Self {
        let port = server.port;
        let made = Call::post("/api/users", &json!({"username": "ali"}));
        let made = made.send(port).await.json();
        let (user, bearer) = (&made["user"]["id"], &made["token"]);
        let bearer = format!("Bearer {}", bearer.as_str().expect("a token"));
        let room = Call::post("/api/rooms", &json!({"name": "The room", "userId": user}))
            .header("Authorization", &bearer);
        let room = room.send(port).await.json();
        Self {
            port,
            user: user.clone(),
            room: room["id"].clone(),
        }
    }

    /// A socket in the room, whose kernel takes so many bytes that it does not read.
    async fn join(&self, n_bytes: u32) -> WebSocketStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(n_bytes).unwrap();
        let stream = socket.connect(([127, 0, 0, 1], self.port).into());
        let url = format!("ws://127.0.0.1:{}/ws", self.port);
        let opened = tokio_tungstenite::client_async(url, stream.await.unwrap()).await;
        let (mut frames, _) = opened.unwrap();
        let join = json!({"type": "join", "userId": self.user, "roomId": self.room});
        frames.send(Message::text(join.to_string())).await.unwrap();
        hear(&mut frames, "previous_messages").await.unwrap();
        frames
    }
}

/// The next frame of that type; `None` at the end of the connection.
async fn hear(frames: &mut WebSocketStream<TcpStream>, kind: &str) -> Option<Value> {
    soon(kind, async {
        loop {
            let Message::Text(text) = frames.next().await?.ok()? else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] == kind {
                return Some(frame);
            }
        }
    })
    .await
}
