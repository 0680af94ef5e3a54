//! Who moves a polling session to a WebSocket in every wrong way at once: two WebSockets, polls and
//! packets meanwhile, no probe, resets at each step. One transport wins, and where none does the session
//! goes on polling: what it hears never has a gap and nothing comes twice.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::http::Call;
use crate::support::messages::{content, draft};
use crate::support::polling::{Polling, get, post};
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::{PATIENCE, any_below, soon};

const N_ROUNDS: u64 = 200;
const N_AT_ONCE: usize = 100;
/// Messages that the session is told while it moves.
const N_TOLD: u64 = 6;
/// Steps of an upgrade: the request, the probe, its answer, and the move.
const N_STEPS: usize = 4;
const LAST_STEP: usize = N_STEPS - 1;
/// Packets that it sends meanwhile.
const N_SENT: u64 = 3;
/// Said when everybody has done what they do.
const LAST: &str = "the last word";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_moved_in_every_wrong_way_has_no_gap() {
    let settings = [("PING_INTERVAL_MS", "500"), ("PING_TIMEOUT_MS", "4000")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let mut watcher = server.user(1).await;
    let seed = any_below(u64::MAX);
    println!("seed {seed}");
    let room = Arc::new(Semaphore::new(N_AT_ONCE));
    let mut rounds = JoinSet::new();
    for number in 0..N_ROUNDS {
        let (port, room) = (server.port, Arc::clone(&room));
        rounds.spawn(async move {
            let _place = room.acquire_owned().await.unwrap();
            Round::begin(port, number, Dice(seed ^ number << 32))
                .await
                .run()
                .await
        });
    }
    let mut n_complete = 0;
    while let Some(is_complete) = rounds.join_next().await {
        n_complete += u64::from(is_complete.unwrap());
    }
    println!(
        "{n_complete} of {N_ROUNDS} sessions heard everything, the others were reset after they had moved"
    );
    assert!(
        n_complete > N_ROUNDS / 2,
        "seed {seed}: only {n_complete} heard everything"
    );
    watcher
        .ask_ok("send_message", draft(json!({"content": "still here"})))
        .await;
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Numbers that depend on nothing but the seed (splitmix64).
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What one WebSocket does.
#[derive(Debug, Clone, Copy)]
struct Plan {
    probes: bool,
    /// It says that it moves before it has heard the answer to its probe.
    is_hasty: bool,
    /// After that step its connection is reset.
    reset_after: Option<usize>,
    /// Each step waits until the session was told so many messages.
    steps_at: [u64; N_STEPS],
}

impl Plan {
    fn any(dice: &mut Dice) -> Self {
        let mut steps_at = [(); N_STEPS].map(|()| dice.below(N_TOLD + 1));
        steps_at.sort_unstable();
        Self {
            probes: dice.below(5) > 0,
            is_hasty: dice.below(3) == 0,
            reset_after: (dice.below(4) == 0).then(|| dice.below(N_STEPS as u64) as usize),
            steps_at,
        }
    }
}

/// What was heard over all transports of a session.
type Heard = mpsc::UnboundedSender<String>;

/// How a session is reached.
#[derive(Clone)]
struct Session {
    port: u16,
    secret: Arc<str>,
}

/// One session and all who use it.
struct Round {
    session: Session,
    conversation: u64,
    dice: Dice,
}

impl Round {
    async fn begin(port: u16, number: u64, dice: Dice) -> Self {
        let session = Polling::open(port).await;
        let conversation = 1_000 + number;
        session
            .say(&format!(r#"420["join_conversation",{conversation}]"#))
            .await;
        assert!(session.hear().await.concat().starts_with("430["));
        let secret = session.secret.into();
        Self {
            session: Session { port, secret },
            conversation,
            dice,
        }
    }

    /// Returns whether the session lived on and had everything.
    async fn run(mut self) -> bool {
        let (heard, mut all_heard) = mpsc::unbounded_channel();
        let (n_told, told) = watch::channel(0);
        let mut hearing = JoinSet::new();
        let mut plans = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let plan = Plan::any(&mut self.dice);
            let session = self.session.clone();
            hearing.spawn(upgrade(session, plan, told.clone(), heard.clone()));
            plans.push(plan);
        }
        hearing.spawn(poll(self.session.clone(), heard));
        let ((), n_taken) = tokio::join!(self.tell(&n_told), self.send(told));
        self.say(LAST).await;
        let mut frames = Vec::new();
        // Somebody who resets a connection to which the session has moved has thrown away what had come.
        let was_reset = plans.iter().any(|plan| plan.reset_after == Some(LAST_STEP));
        let n_expected = if was_reset { 0 } else { N_TOLD + 1 + n_taken };
        let listen = async {
            while let Some(frame) = all_heard.recv().await {
                frames.push(frame);
                let counts = counts(&frames);
                if counts.contains_key(LAST) && counts.len() as u64 >= n_expected {
                    return true;
                }
            }
            false
        };
        let lived = tokio::time::timeout(PATIENCE, listen).await;
        let shown = format!("{plans:?}, {n_taken} packets taken: {frames:#?}");
        let lived = lived.unwrap_or_else(|_| panic!("a gap, or nobody is there: {shown}"));
        let is_once = counts(&frames).values().all(|n| *n == 1);
        assert!(is_once, "something came twice: {shown}");
        assert!(lived || was_reset, "the session has ended: {shown}");
        lived && !was_reset
    }

    async fn tell(&self, n_told: &watch::Sender<u64>) {
        for number in 0..N_TOLD {
            self.say(&format!("told {number}")).await;
            n_told.send_modify(|n| *n += 1);
        }
    }

    /// A busy machine may not store it in time, so it is said until it is, under the same client id.
    async fn say(&self, text: &str) {
        // A pair of users has one conversation, so each conversation has its own pair.
        let draft = draft(json!({
            "conversationId": self.conversation, "senderId": self.conversation,
            "receiverId": 100_000 + self.conversation, "content": text, "tempId": text,
        }));
        let said = async {
            loop {
                let call = Call::post("/api/messages", &draft);
                let answer = call.send(self.session.port).await;
                if answer.status < 300 {
                    return;
                }
                assert_eq!(answer.status, 503, "{}", answer.text());
            }
        };
        soon("a message that is stored", said).await;
    }

    /// Returns how many packets were taken.
    async fn send(&self, mut told: watch::Receiver<u64>) -> u64 {
        let mut n_taken = 0;
        for number in 1..=N_SENT {
            // One after every other message.
            let _ = told.wait_for(|n| *n >= 2 * number - 1).await;
            let packet = format!(r#"42{number}["leave_conversation",7]"#);
            let answer = post(self.session.port, &self.session.secret, &packet).await;
            n_taken += u64::from(answer.status == 200);
        }
        n_taken
    }
}

/// How often each message and each answer came.
fn counts(frames: &[String]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for frame in frames {
        let what = match frame.strip_prefix(r#"42["new_message","#) {
            Some(message) => {
                let message: Value = serde_json::from_str(&message[..message.len() - 1]).unwrap();
                content(&message).to_owned()
            }
            None if frame.starts_with("43") => frame[..3].to_owned(),
            None => continue,
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

/// Polls until the session is gone or has moved.
async fn poll(session: Session, heard: Heard) {
    loop {
        let answer = get(session.port, &session.secret).await;
        if answer.status != 200 {
            return;
        }
        for packet in answer.text().split('\u{1e}') {
            if packet == "2" {
                post(session.port, &session.secret, "3").await;
            } else if packet != "6" && heard.send(packet.to_owned()).is_err() {
                return;
            }
        }
    }
}

/// Moves the session as planned, and then listens.
async fn upgrade(session: Session, plan: Plan, mut told: watch::Receiver<u64>, heard: Heard) {
    let mut frames = None;
    for (step, at) in plan.steps_at.into_iter().enumerate() {
        // The sender of the messages is there until the end of the round.
        let _ = told.wait_for(|n| *n >= at).await;
        let Some(frames) = (match step {
            0 => {
                frames = open(&session).await;
                frames.as_mut()
            }
            _ => frames.as_mut(),
        }) else {
            return;
        };
        let goes_on = match step {
            1 if plan.probes => frames.send(Message::text("2probe")).await.is_ok(),
            2 if plan.probes && !plan.is_hasty => {
                matches!(frames.next().await, Some(Ok(answer)) if answer == Message::text("3probe"))
            }
            3 => frames.send(Message::text("5")).await.is_ok(),
            _ => true,
        };
        if plan.reset_after == Some(step) {
            frames.get_ref().set_zero_linger().unwrap();
            return;
        }
        if !goes_on {
            return;
        }
    }
    let Some(mut frames) = frames else { return };
    while let Some(Ok(frame)) = frames.next().await {
        let Message::Text(text) = frame else { continue };
        if text == "2" {
            let _ = frames.send(Message::text("3")).await;
        } else if heard.send(text.to_string()).is_err() {
            return;
        }
    }
}

/// A WebSocket for that session, unless the server refuses.
async fn open(session: &Session) -> Option<WebSocketStream<TcpStream>> {
    let Session { port, secret } = session;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await;
    let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket&sid={secret}");
    let opened = tokio_tungstenite::client_async(url, stream.unwrap()).await;
    opened.ok().map(|(frames, _)| frames)
}
