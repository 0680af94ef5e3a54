//! One WebSocket connection, frame by frame: for what a proper client would never do.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::soon;

const QUERY: &str = "EIO=4&transport=websocket";

/// Further headers of a request.
type Headers<'a> = &'a [(&'static str, &'a str)];

/// A WebSocket connection to the Socket.IO endpoint. Nothing is read that nobody asks for.
pub struct Wire {
    /// The connection, for reading and writing in tasks of their own.
    pub frames: WebSocketStream<TcpStream>,
}

impl Wire {
    /// Opens a connection and takes the open packet.
    pub async fn open(port: u16) -> Self {
        Self::open_on(port, TcpSocket::new_v4().unwrap(), QUERY, &[]).await
    }

    /// As [`Self::open`], with more in the query.
    pub async fn open_with_query(port: u16, query: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        Self::open_on(port, socket, &format!("{QUERY}&{query}"), &[]).await
    }

    /// As [`Self::open`], with more headers in the request.
    pub async fn open_with_headers(port: u16, headers: Headers<'_>) -> Self {
        Self::open_on(port, TcpSocket::new_v4().unwrap(), QUERY, headers).await
    }

    /// As [`Self::open`], from another address of this machine.
    pub async fn open_from(port: u16, address: Ipv4Addr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((address, 0))).unwrap();
        Self::open_on(port, socket, QUERY, &[]).await
    }

    /// Opens a connection whose kernel takes next to nothing that is not read.
    pub async fn open_with_tiny_buffer(port: u16) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        Self::open_on(port, socket, QUERY, &[]).await
    }

    /// Moves a polling session that has joined to a WebSocket. No poll may be under way.
    pub async fn upgrade(port: u16, secret: &str) -> Self {
        let query = format!("{QUERY}&sid={secret}");
        let mut wire = Self::handshake(port, TcpSocket::new_v4().unwrap(), &query, &[]).await;
        wire.say("2probe").await;
        assert_eq!(wire.hear().await.as_deref(), Some("3probe"));
        wire.say("5").await;
        wire
    }

    /// Joins the namespace. Returns the `socket.id`, or the answer of a server that refuses.
    pub async fn join(&mut self, auth: Option<&Value>) -> Result<String, Value> {
        let auth = auth.map(Value::to_string).unwrap_or_default();
        self.say(&format!("40{auth}")).await;
        let answer = self
            .hear()
            .await
            .expect("the connection ended before the answer");
        if let Some(body) = answer.strip_prefix("44") {
            return Err(serde_json::from_str(body).unwrap());
        }
        let body = answer
            .strip_prefix("40")
            .unwrap_or_else(|| panic!("no CONNECT: {answer}"));
        let body: Value = serde_json::from_str(body).unwrap();
        Ok(body["sid"].as_str().unwrap().to_owned())
    }

    /// Sends one text frame. A connection that has ended takes nothing.
    pub async fn say(&mut self, text: &str) {
        let _ = self.frames.send(Message::text(text)).await;
    }

    /// Sends all these text frames in one write.
    pub async fn say_at_once(&mut self, texts: impl IntoIterator<Item = String>) {
        self.try_say_at_once(texts).await.unwrap();
    }

    /// As [`Self::say_at_once`]; an error when the connection has ended.
    pub async fn try_say_at_once(
        &mut self,
        texts: impl IntoIterator<Item = String>,
    ) -> tokio_tungstenite::tungstenite::Result<()> {
        for text in texts {
            self.frames.feed(Message::text(text)).await?;
        }
        self.frames.flush().await
    }

    /// Sends a part of a message. A connection that has ended takes nothing.
    pub async fn say_part(&mut self, text: &str, is_first: bool, is_last: bool) {
        let _ = self.try_say_part(text, is_first, is_last).await;
    }

    /// As [`Self::say_part`]; an error when the connection has ended.
    pub async fn try_say_part(
        &mut self,
        text: &str,
        is_first: bool,
        is_last: bool,
    ) -> tokio_tungstenite::tungstenite::Result<()> {
        let code = if is_first { Data::Text } else { Data::Continue };
        let part = Frame::message(text.to_owned(), OpCode::Data(code), is_last);
        self.frames.send(Message::Frame(part)).await
    }

    /// Sends one binary frame. A connection that has ended takes nothing.
    pub async fn say_bytes(&mut self, bytes: &'static [u8]) {
        let _ = self.frames.send(Message::binary(bytes)).await;
    }

    /// The next text frame that is no ping; `None` at the end of the connection.
    pub async fn hear(&mut self) -> Option<String> {
        soon("a frame", async {
            loop {
                match self.frames.next().await {
                    Some(Ok(Message::Text(text))) if text == "2" => self.say("3").await,
                    Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                }
            }
        })
        .await
    }

    async fn open_on(port: u16, socket: TcpSocket, query: &str, headers: Headers<'_>) -> Self {
        let mut wire = Self::handshake(port, socket, query, headers).await;
        let open = wire
            .hear()
            .await
            .expect("the connection ended before the open packet");
        assert!(open.starts_with("0{"), "no open packet: {open}");
        wire
    }

    async fn handshake(port: u16, socket: TcpSocket, query: &str, headers: Headers<'_>) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let opened = async {
            let stream = socket.connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let url = format!("ws://{address}/socket.io/?{query}");
            let mut request = url.into_client_request().unwrap();
            for (name, value) in headers {
                let value = HeaderValue::from_str(value).unwrap();
                request.headers_mut().insert(*name, value);
            }
            let (frames, _) = tokio_tungstenite::client_async(request, stream)
                .await
                .unwrap();
            frames
        };
        Self {
            frames: soon("a connection", opened).await,
        }
    }
}
