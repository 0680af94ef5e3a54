//! Plain WebSockets have the budgets of others, and say so in frames.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{FLOOD, limited};
use crate::support::server::Server;
use crate::support::soon;
use crate::support::tokens::{SECRET, token};

const TOO_MANY: &str = "Too many messages";

#[tokio::test]
async fn every_frame_over_the_budget_is_answered_with_an_error() {
    let server = limited(&[("LIMIT_SOCKET_EVENTS", "1/2")]).await;
    for frame in [
        json!({"type": "leave"}),
        json!({"type": "join", "roomId": "r"}),
        json!({"type": "message", "roomId": "r", "content": "hi"}),
    ] {
        let mut socket = open(&server).await;
        for _ in 0..5 {
            say(&mut socket, &frame).await;
        }
        soon("a refusal", async {
            while hear(&mut socket).await != json!({"type": "error", "message": TOO_MANY}) {}
        })
        .await;
    }
}

#[tokio::test]
async fn a_plain_socket_that_does_not_stop_is_closed() {
    let server = limited(&[("LIMIT_SOCKET_EVENTS", "1/2")]).await;
    let mut socket = open(&server).await;
    for _ in 0..FLOOD {
        say(&mut socket, &json!({"type": "leave"})).await;
    }
    let code = soon("the end of the socket", async {
        loop {
            if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
                return frame.map(|frame| frame.code);
            }
        }
    })
    .await;
    assert_eq!(code, Some(CloseCode::Policy));
}

/// A plain socket of user 1.
async fn open(server: &Server) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port));
    let token = token("1", None, SECRET);
    let url = format!("ws://127.0.0.1:{}/ws?token={token}", server.port);
    let opened = tokio_tungstenite::client_async(url, stream.await.unwrap()).await;
    opened.unwrap().0
}

async fn say(socket: &mut WebSocketStream<TcpStream>, frame: &Value) {
    // One that was closed takes nothing.
    let _ = socket.send(Message::text(frame.to_string())).await;
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}
