//! A Socket.IO socket over either transport: answers pings, and hands on what it hears.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{polling, ws};

/// Packets in either direction that may wait.
const QUEUE_LENGTH: usize = 8_192;
/// How long joining may take.
const JOIN_PATIENCE: Duration = Duration::from_secs(8);

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Frames of a WebSocket.
    WebSocket,
    /// HTTP requests.
    Polling,
}

/// What a socket hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// An event with its first argument.
    Event(String, Value),
    /// The answer to the event with that number.
    Ack(u64, Value),
    /// Something that only shows that the server is there.
    Sign,
    /// The server ended the socket.
    Disconnect,
}

/// A socket that has joined. Dropping it cuts the connection.
pub struct Socket {
    outgoing: mpsc::Sender<String>,
    incoming: mpsc::Receiver<String>,
    _tasks: JoinSet<()>,
}

impl Socket {
    /// Opens a connection and joins.
    pub async fn join(to: SocketAddr, transport: Transport, auth: &Value) -> anyhow::Result<Self> {
        let mut socket = match transport {
            Transport::WebSocket => Self::over_websocket(to).await?,
            Transport::Polling => Self::over_polling(to).await?,
        };
        socket.say(format!("40{auth}"))?;
        let answered = async {
            while let Some(packet) = socket.incoming.recv().await {
                match packet.get(..2) {
                    Some("40") => return Ok(()),
                    Some("44") => bail!("refused: {packet}"),
                    _ => {}
                }
            }
            bail!("the connection ended before the answer")
        };
        timeout(JOIN_PATIENCE, answered)
            .await
            .context("no answer to CONNECT")??;
        Ok(socket)
    }

    async fn over_websocket(to: SocketAddr) -> anyhow::Result<Self> {
        let (mut reader, mut writer) = ws::open(to, false).await?;
        let (socket, mut to_send, heard) = Self::new();
        let mut socket = socket;
        socket._tasks.spawn(async move {
            while let Some(packet) = to_send.recv().await {
                if writer.say(&packet).await.is_err() {
                    return;
                }
            }
        });
        let pong = socket.outgoing.clone();
        socket._tasks.spawn(async move {
            while let Some(packet) = reader.next().await {
                if hand_on(packet, &pong, &heard).await.is_none() {
                    return;
                }
            }
        });
        Ok(socket)
    }

    async fn over_polling(to: SocketAddr) -> anyhow::Result<Self> {
        let sid = polling::open(to).await?;
        let (mut socket, mut to_send, heard) = Self::new();
        let (pong, own) = (socket.outgoing.clone(), sid.clone());
        socket._tasks.spawn(async move {
            while let Ok(packets) = polling::poll(to, &own).await {
                for packet in packets {
                    if hand_on(packet, &pong, &heard).await.is_none() {
                        return;
                    }
                }
            }
        });
        socket._tasks.spawn(async move {
            let mut packets = Vec::new();
            while to_send.recv_many(&mut packets, 64).await > 0 {
                if polling::post(to, &sid, &packets).await.is_err() {
                    return;
                }
                packets.clear();
            }
        });
        Ok(socket)
    }

    fn new() -> (Self, mpsc::Receiver<String>, mpsc::Sender<String>) {
        let (outgoing, to_send) = mpsc::channel(QUEUE_LENGTH);
        let (heard, incoming) = mpsc::channel(QUEUE_LENGTH);
        let socket = Self {
            outgoing,
            incoming,
            _tasks: JoinSet::new(),
        };
        (socket, to_send, heard)
    }

    /// Sends a packet; an error if the connection has ended, or takes no more.
    pub fn say(&self, packet: String) -> anyhow::Result<()> {
        Ok(self.outgoing.try_send(packet)?)
    }

    /// Sends an event that asks for an answer under that number.
    pub fn ask(&self, number: u64, event: &str, body: &Value) -> anyhow::Result<()> {
        self.say(format!("42{number}{}", json!([event, body])))
    }

    /// What comes next; `None` at the end of the connection.
    pub async fn hear(&mut self) -> Option<Heard> {
        let packet = self.incoming.recv().await?;
        Some(parse(&packet))
    }
}

/// Answers a ping, and hands on that something came. `None`: nobody listens any more.
async fn hand_on(
    packet: String,
    pong: &mpsc::Sender<String>,
    heard: &mpsc::Sender<String>,
) -> Option<()> {
    if packet == "2" {
        pong.send("3".to_owned()).await.ok()?;
    }
    heard.send(packet).await.ok()
}

fn parse(packet: &str) -> Heard {
    if packet == "41" || packet == "1" {
        return Heard::Disconnect;
    }
    let (kind, rest) = packet.split_at_checked(2).unwrap_or((packet, ""));
    let (number, body) = rest.split_at(rest.find('[').unwrap_or(0));
    let body: Option<Vec<Value>> = serde_json::from_str(body).ok();
    let Some(mut body) = body.filter(|body| !body.is_empty()) else {
        return Heard::Sign;
    };
    let first = body.remove(0);
    match (kind, number.parse()) {
        ("42", _) => {
            let name = first.as_str().unwrap_or_default().to_owned();
            Heard::Event(name, body.into_iter().next().unwrap_or_default())
        }
        ("43", Ok(number)) => Heard::Ack(number, first),
        _ => Heard::Sign,
    }
}
