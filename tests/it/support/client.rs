//! A Socket.IO client over WebSocket that reads all the time and answers pings.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::soon;
use super::wire::Wire;

/// Most frames in one write.
const MAX_RUN: usize = 64;

/// One thing that came from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// An event with its one argument.
    Event(String, Value),
    /// The answer to an event of ours.
    Ack(u64, Value),
    /// The server threw the socket out of the namespace: the stock client would not come back.
    Disconnect,
    /// The connection ended: the stock client would come back.
    Closed,
}

/// A connected client. Dropping it cuts the connection.
pub struct Client {
    /// The `socket.id`.
    pub id: String,
    n_asked: u64,
    /// Bounded by what a test sends.
    outgoing: mpsc::UnboundedSender<Message>,
    frames: mpsc::UnboundedReceiver<String>,
    /// What came and was not asked for yet.
    kept: VecDeque<Arrival>,
    _tasks: JoinSet<()>,
}

impl Client {
    /// Connects, with this `auth` object.
    pub async fn connect(port: u16, auth: Option<&Value>) -> Self {
        match Self::try_connect(port, auth).await {
            Ok(client) => client,
            Err(refusal) => panic!("refused: {refusal}"),
        }
    }

    /// Connects, or returns the `connect_error`.
    pub async fn try_connect(port: u16, auth: Option<&Value>) -> Result<Self, Value> {
        let mut wire = Wire::open(port).await;
        let id = wire.join(auth).await?;
        Ok(Self::over(wire, id))
    }

    /// Goes on with a connection that has joined.
    pub fn over(wire: Wire, id: String) -> Self {
        let (sink, stream) = wire.frames.split();
        let (outgoing, to_send) = mpsc::unbounded_channel();
        let (heard, frames) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(write(sink, to_send));
        tasks.spawn(read(stream, heard, outgoing.clone()));
        Self {
            id,
            n_asked: 0,
            outgoing,
            frames,
            kept: VecDeque::new(),
            _tasks: tasks,
        }
    }

    /// Says who it is and listens for that user.
    pub async fn join_user(&mut self, id: u64) {
        self.ask_ok("join_user_room", json!(id)).await;
        // The three events that confirm it are of no interest.
        self.kept.clear();
    }

    /// Listens to a conversation.
    pub async fn join_conversation(&mut self, id: u64) {
        self.ask_ok("join_conversation", json!(id)).await;
    }

    /// Sends a frame as it is.
    pub fn say(&self, text: String) {
        // A connection that has ended takes nothing; `next` tells.
        let _ = self.outgoing.send(Message::text(text));
    }

    /// Sends an event that asks for an ack, and does not wait. Returns the ack's number.
    pub fn ask(&mut self, event: &str, body: &Value) -> u64 {
        let id = self.n_asked;
        self.n_asked += 1;
        self.say(event_frame(id, event, body));
        id
    }

    /// Sends an event and waits for its ack.
    pub async fn call(&mut self, event: &str, body: Value) -> Value {
        let id = self.ask(event, &body);
        self.ack(id).await
    }

    /// As [`Self::call`], for what must succeed.
    pub async fn ask_ok(&mut self, event: &str, body: Value) -> Value {
        let answer = self.call(event, body).await;
        assert_eq!(answer["ok"], true, "{event} was answered {answer}");
        answer
    }

    /// The ack with that number.
    pub async fn ack(&mut self, id: u64) -> Value {
        let is_it = |arrival: &Arrival| matches!(arrival, Arrival::Ack(other, _) if *other == id);
        match self.find(&format!("ack {id}"), is_it).await {
            Arrival::Ack(_, body) => body,
            other => panic!("no ack: {other:?}"),
        }
    }

    /// The next event of that name.
    pub async fn event(&mut self, name: &str) -> Value {
        let is_it =
            |arrival: &Arrival| matches!(arrival, Arrival::Event(other, _) if other == name);
        match self.find(name, is_it).await {
            Arrival::Event(_, body) => body,
            other => panic!("no event: {other:?}"),
        }
    }

    /// The next arrival, whatever it is.
    pub async fn next(&mut self) -> Arrival {
        match self.kept.pop_front() {
            Some(arrival) => arrival,
            None => soon("anything from the server", self.arrival()).await,
        }
    }

    /// As [`Self::next`], for what may take longer than other things.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Arrival> {
        match self.kept.pop_front() {
            Some(arrival) => Some(arrival),
            None => tokio::time::timeout(limit, self.arrival()).await.ok(),
        }
    }

    /// Everything up to the end of the connection, which must come from the server.
    pub async fn until_closed(&mut self) -> Vec<Arrival> {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Arrival::Closed => return all,
                arrival => all.push(arrival),
            }
        }
    }

    /// Everything that has come and was not asked for.
    pub fn take_kept(&mut self) -> Vec<Arrival> {
        while let Ok(frame) = self.frames.try_recv() {
            self.kept.push_back(arrival(&frame));
        }
        self.kept.drain(..).collect()
    }

    async fn find(&mut self, what: &str, is_it: impl Fn(&Arrival) -> bool) -> Arrival {
        if let Some(position) = self.kept.iter().position(&is_it) {
            return self.kept.remove(position).expect("it is there");
        }
        soon(what, async {
            loop {
                match self.arrival().await {
                    arrival if is_it(&arrival) => return arrival,
                    Arrival::Closed => panic!("the connection ended before {what}"),
                    arrival => self.kept.push_back(arrival),
                }
            }
        })
        .await
    }

    async fn arrival(&mut self) -> Arrival {
        let frame = self.frames.recv().await;
        frame.map_or(Arrival::Closed, |frame| arrival(&frame))
    }
}

/// An event with an ack, as it goes over the wire.
pub fn event_frame(ack: u64, event: &str, body: &Value) -> String {
    format!("42{ack}{}", json!([event, body]))
}

async fn write(
    mut sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    mut to_send: mpsc::UnboundedReceiver<Message>,
) {
    let mut run = Vec::with_capacity(MAX_RUN);
    while to_send.recv_many(&mut run, MAX_RUN).await > 0 {
        for message in run.drain(..) {
            if sink.feed(message).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

async fn read(
    mut stream: SplitStream<WebSocketStream<TcpStream>>,
    heard: mpsc::UnboundedSender<String>,
    outgoing: mpsc::UnboundedSender<Message>,
) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        // Whoever does not listen any more has dropped the client, and this task with it.
        match text.as_str() {
            "2" => drop(outgoing.send(Message::text("3"))),
            // Like the stock client, it waits for the end of the connection that follows.
            "1" => {}
            frame => drop(heard.send(frame.to_owned())),
        }
    }
}

/// What a frame says.
fn arrival(frame: &str) -> Arrival {
    if frame == "41" {
        return Arrival::Disconnect;
    }
    let (kind, rest) = frame.split_at_checked(2).unwrap_or((frame, ""));
    let (number, body) = rest.split_at(rest.find('[').unwrap_or(0));
    let body: Option<Vec<Value>> = serde_json::from_str(body).ok();
    let mut body = body.unwrap_or_else(|| panic!("unexpected packet: {frame}"));
    match kind {
        "42" => {
            assert_eq!(body.len(), 2, "an event has one argument: {frame}");
            let name = body[0].as_str().expect("an event has a name").to_owned();
            Arrival::Event(name, body.swap_remove(1))
        }
        "43" => {
            assert_eq!(body.len(), 1, "an ack has one argument: {frame}");
            Arrival::Ack(number.parse().unwrap(), body.swap_remove(0))
        }
        _ => panic!("unexpected packet: {frame}"),
    }
}
