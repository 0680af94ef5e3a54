//! One Socket.IO connection of a client.

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

pub use tokio_tungstenite::tungstenite::Utf8Bytes as Text;

use super::polling::Polling;
use super::target::Target;

/// What a connection reads at a time, in bytes. There are thousands of them.
const READ_BYTES: usize = 16 * 1024;

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Frames of a WebSocket, from the start.
    WebSocket,
    /// HTTP requests, to the end.
    Polling,
}

/// A connection that has joined. Dropping it cuts it.
pub enum Link {
    /// Over a WebSocket.
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    /// Over long-polling.
    Polling(Polling),
}

impl Link {
    /// Opens the connection with that number and joins, with that token if there is one.
    pub async fn join(
        target: &Target,
        number: usize,
        transport: Transport,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut link = match transport {
            Transport::WebSocket => Self::over_websocket(target, number).await?,
            Transport::Polling => Self::Polling(Polling::open(target).await?),
        };
        let auth = token.map(|token| json!({ "token": token }).to_string());
        let mut packets = vec![format!("40{}", auth.unwrap_or_default())];
        link.send(&mut packets).await?;
        loop {
            let text = link.next().await.context("closed while joining")??;
            match text.as_str().get(..2) {
                Some("40") => return Ok(link),
                Some("44") => bail!("refused: {text}"),
                _ if text.as_str() == "2" => link.send(&mut vec!["3".to_owned()]).await?,
                _ => {}
            }
        }
    }

    async fn over_websocket(target: &Target, number: usize) -> anyhow::Result<Self> {
        let stream = target.connect(number).await?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(None)
            .max_frame_size(None);
        let opened =
            client_async_tls_with_config(target.websocket(), stream, Some(config), None).await;
        let (stream, _answer) = opened.context("the WebSocket was refused")?;
        Ok(Self::WebSocket(Box::new(stream)))
    }

    /// Sends packets and leaves the list empty.
    pub async fn send(&mut self, packets: &mut Vec<String>) -> anyhow::Result<()> {
        match self {
            Self::WebSocket(stream) => {
                for packet in packets.drain(..) {
                    stream.feed(Message::text(packet)).await?;
                }
                Ok(stream.flush().await?)
            }
            Self::Polling(polling) => polling.send(packets).await,
        }
    }

    /// The next packet; `None` at the end of the connection. Nothing is lost when it is not awaited to its end.
    pub async fn next(&mut self) -> Option<anyhow::Result<Text>> {
        match self {
            Self::WebSocket(stream) => loop {
                match stream.next().await? {
                    Ok(Message::Text(text)) => return Some(Ok(text)),
                    Ok(Message::Close(_)) => return None,
                    Ok(_) => {}
                    Err(error) => return Some(Err(error.into())),
                }
            },
            Self::Polling(polling) => polling.next().await,
        }
    }
}
