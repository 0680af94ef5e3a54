//! A bot on the native dialect, without any Socket.IO library: it answers `!ping`, `!time` and
//! `!echo ...` in every conversation that it takes part in.
//!
//! ```sh
//! cargo run --example bot                                  # development mode: as user "bot"
//! SOHBET_TOKEN=sbt_... cargo run --example bot ws://localhost:3001
//! ```
//!
//! Its answers carry a client id that is made of the message they answer, so a bot that is restarted
//! in the middle of an answer gives it once.

#![allow(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1);
    let url = url.unwrap_or_else(|| "ws://localhost:3001".into());
    let auth = match std::env::var("SOHBET_TOKEN") {
        Ok(token) => json!({"dialect": "native", "token": token}),
        Err(_) => json!({"dialect": "native", "userId": "bot", "name": "Bot"}),
    };
    let mut client = Client::connect(&url, &auth).await?;
    let mut me = String::new();
    while let Some((event, body)) = client.next().await? {
        match event.as_str() {
            "session" => {
                me = body["user"]["id"].as_str().unwrap_or_default().to_owned();
                println!("the bot is {me}");
            }
            "new_message" => {
                let message = &body["message"];
                if let Some(answer) = answer(message, &me) {
                    println!("the bot hears {} and answers", message["content"]);
                    client.emit("send_message", &answer).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The payload of `send_message` that answers a command; `None` for everything else.
fn answer(message: &Value, me: &str) -> Option<Value> {
    let text = message["content"].as_str()?;
    if message["senderId"].as_str()? == me {
        return None;
    }
    let reply = match text.split_once(' ').unwrap_or((text, "")) {
        ("!ping", _) => "pong".to_owned(),
        ("!time", _) => chrono::Utc::now().to_rfc3339(),
        ("!echo", rest) if !rest.is_empty() => rest.to_owned(),
        _ => return None,
    };
    let id = message["id"].as_str()?;
    Some(json!({
        "conversationId": message["conversationId"],
        "content": reply,
        "replyTo": id,
        "clientMessageId": format!("answer-{id}"),
    }))
}

/// As much of Socket.IO as a bot needs: one WebSocket, one namespace, events.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    async fn connect(url: &str, auth: &Value) -> anyhow::Result<Self> {
        let url = format!("{url}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = tokio_tungstenite::connect_async(&url)
            .await
            .context("no server is there")?;
        let mut client = Self { socket };
        client.send(format!("40{auth}")).await?;
        Ok(client)
    }

    async fn emit(&mut self, event: &str, body: &Value) -> anyhow::Result<()> {
        self.send(format!("42{}", json!([event, body]))).await
    }

    /// The next event; `None` when the server has closed the connection.
    async fn next(&mut self) -> anyhow::Result<Option<(String, Value)>> {
        while let Some(frame) = self.socket.next().await {
            let Message::Text(text) = frame? else {
                continue;
            };
            if text.as_str() == "2" {
                self.send("3".into()).await?;
            } else if let Some(error) = text.strip_prefix("44") {
                bail!("the server refused the bot: {error}");
            } else if let Some(event) = text.strip_prefix("42") {
                let (name, body): (String, Value) = serde_json::from_str(event)?;
                return Ok(Some((name, body)));
            }
        }
        Ok(None)
    }

    async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::Text(text.into())).await?)
    }
}
