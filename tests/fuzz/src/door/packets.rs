//! WebSockets of both kinds.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{SEPARATOR, has_left, probe};
use crate::answers::Acks;
use crate::server::connect;

/// Sends packets over a WebSocket, and waits until what they ask is answered, or the connection ends.
pub async fn send(port: u16, dialect: &str, script: &[u8]) {
    let query = format!("EIO=4&transport=websocket&dialect={dialect}&userId=1&galleryId=g");
    let mut client = Client::open(port, &format!("/socket.io/?{query}")).await;
    let opened = client.hear().await.expect("an opening");
    assert!(opened.starts_with("0{"), "{opened}");
    let mut acks = Acks::default();
    let mut has_joined = false;
    for packet in script.split(|byte| *byte == SEPARATOR) {
        let text = std::str::from_utf8(packet);
        if let Ok(text) = text.map(|text| has_joined.then_some(text)) {
            acks.ask(text.unwrap_or_default());
        }
        client.say(packet).await;
        // What is said before the answer to this ends the connection.
        if !has_joined && packet.starts_with(b"40") {
            let Some(answer) = client.hear().await else {
                return;
            };
            has_joined = answer.starts_with("40");
        }
    }
    if has_left(script) {
        return acks.assert_settled(false);
    }
    let (id, probe) = probe();
    acks.ask(&probe);
    client.say(probe.as_bytes()).await;
    let mut is_answered = false;
    while let Some(packet) = client.hear().await {
        is_answered |= acks.hear(&packet) == Some(id);
        if is_answered {
            break;
        }
    }
    acks.assert_settled(is_answered);
}

/// Sends frames over a plain WebSocket, and waits until the server has read them.
pub async fn send_frames(port: u16, script: &[u8]) {
    let mut client = Client::open(port, "/?dialect=chatsphere&userId=1").await;
    for frame in script.split(|byte| *byte == SEPARATOR) {
        client.say(frame).await;
    }
    // Frames are handled one after the other, so what is heard before the answer to this is all.
    client.stream.send(Message::Ping("last".into())).await.ok();
    while let Some(frame) = client.hear().await {
        let frame: Value = serde_json::from_str(&frame).unwrap();
        assert!(frame["type"].is_string(), "{frame}");
    }
}

/// A WebSocket.
struct Client {
    stream: WebSocketStream<TcpStream>,
}

impl Client {
    async fn open(port: u16, path: &str) -> Self {
        let url = format!("ws://localhost:{port}{path}");
        let opened = client_async(url, connect(port).await).await;
        let (stream, _) = opened.expect("an upgrade");
        Self { stream }
    }

    /// Sends one frame: a text where it is one. The server may have closed.
    async fn say(&mut self, packet: &[u8]) {
        let frame = match std::str::from_utf8(packet) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(packet.to_vec()),
        };
        let _ = self.stream.send(frame).await;
    }

    /// The next text that is no ping of Engine.IO; `None` when the connection ends, and when the server
    /// answers a ping of ours.
    async fn hear(&mut self) -> Option<String> {
        loop {
            match self.stream.next().await?.ok()? {
                Message::Text(text) if text.as_str() != "2" => {
                    return Some(text.as_str().to_owned());
                }
                Message::Close(_) | Message::Pong(_) => return None,
                _ => {}
            }
        }
    }
}
