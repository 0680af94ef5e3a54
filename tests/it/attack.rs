//! Five hundred clients that take nothing, and one that sends ten thousand events a second: the others
//! get everything all the same. How long that takes is measured and shown; `make attack` judges it as well.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::support::client::{Arrival, Client};
use crate::support::messages::{content, draft};
use crate::support::server::Server;
use crate::support::sockets::live_sockets;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;
use crate::support::{soon, within};

const N_STUCK: usize = 500;
/// Pairs of users who talk.
const N_PAIRS: u64 = 10;
const TALK_TIME: Duration = Duration::from_secs(8);
/// Each user of a pair says so much.
const PAUSE: Duration = Duration::from_millis(50);
/// Events that the attacker sends at once, a hundred times a second; more than enough for ten thousand, because
/// it is thrown out and comes back.
const BURST: usize = 110;
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const VICTIM: u64 = 7;
/// The longest text there may be, so that few fill what a client has for them.
const TEXT_BYTES: usize = 65_000;
/// What the ratio of the 99th percentiles may be, beside the attack and in quiet. Without it nothing is
/// judged: a busy machine is slow for other reasons.
const MAX_RATIO: &str = "ATTACK_MAX_RATIO";
/// The promise is half a minute after they stop to read, which is not long ago.
const GONE_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn honest_clients_get_everything_beside_stuck_and_hostile_ones() {
    let settings = [
        ("JWT_SECRET", SECRET),
        ("DIALECT", "messaging"),
        ("MAX_USER_SOCKETS", "1000"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let mut pairs = Vec::new();
    for number in 0..N_PAIRS {
        let users = (100 + 2 * number, 101 + 2 * number);
        pairs.push(Pair::meet(&server, users).await);
    }
    // The feeder is honest too.
    let n_honest = 2 * pairs.len() + 1;
    let (pairs, quiet) = talk(pairs, "quiet").await;
    let stuck = stop_reading(&server).await;
    let end = CancellationToken::new();
    let attack = tokio::spawn(attack(server.port, end.clone()));
    let mut feeder = connect(&server, 1).await;
    let feed = feed(&mut feeder);
    let began = Instant::now();
    let ((pairs, attacked), ()) = tokio::join!(talk(pairs, "attacked"), feed);
    let attacked_for = began.elapsed();
    end.cancel();
    let n_events = soon("the end of the attack", attack).await.unwrap();
    let n_stuck = live_sockets(&server).await.saturating_sub(n_honest);
    let per_second = n_events as f64 / attacked_for.as_secs_f64();
    assert!(n_events > 10_000, "that was no attack: {n_events} events");
    let ratio = at(&attacked, 0.99) / at(&quiet, 0.99);
    println!(
        "latency of messages in ms: quiet p50 {:.2} p99 {:.2}, attacked p50 {:.2} p99 {:.2}, ratio of p99 {:.2}; {n_events} hostile events, {per_second:.0} a second, {n_stuck} clients stuck to the end, peak memory {} MB",
        at(&quiet, 0.5),
        at(&quiet, 0.99),
        at(&attacked, 0.5),
        at(&attacked, 0.99),
        ratio,
        server.peak_memory_kb() / 1_024,
    );
    if let Ok(limit) = std::env::var(MAX_RATIO) {
        let limit: f64 = limit.parse().unwrap();
        assert!(ratio <= limit, "{ratio:.2} times the quiet figure");
    }
    within(GONE_WITHIN, "the end of those who do not read", async {
        while live_sockets(&server).await > n_honest {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    drop(stuck);
    let (_, calm) = talk(pairs, "afterwards").await;
    println!("afterwards p99 {:.2}", at(&calm, 0.99));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Two users who talk to each other.
struct Pair {
    users: (u64, u64),
    clients: (Client, Client),
}

impl Pair {
    async fn meet(server: &Server, users: (u64, u64)) -> Self {
        let clients = (
            connect(server, users.0).await,
            connect(server, users.1).await,
        );
        Self { users, clients }
    }
}

/// Lets all pairs talk for a while. Returns how long each message took, in milliseconds, shortest first.
async fn talk(pairs: Vec<Pair>, label: &'static str) -> (Vec<Pair>, Vec<f64>) {
    let (mut talking, mut back) = (JoinSet::new(), Vec::new());
    for pair in pairs {
        talking.spawn(talk_as(pair, label));
    }
    let mut took = Vec::new();
    while let Some(ended) = talking.join_next().await {
        let (pair, of_pair) = ended.unwrap();
        back.push(pair);
        took.extend(of_pair);
    }
    took.sort_by(f64::total_cmp);
    (back, took)
}

/// The first speaks and the second listens; every message must come, once, in order.
async fn talk_as(mut pair: Pair, label: &str) -> (Pair, Vec<f64>) {
    let n = usize::try_from(TALK_TIME.as_millis() / PAUSE.as_millis()).unwrap();
    let began = Instant::now();
    let (speaker, listener) = (&mut pair.clients.0, &mut pair.clients.1);
    let speak = async {
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0..n {
            // It counts from when it was to be said: whoever waits for a slow server says less.
            let due = ticks.tick().await;
            let at = due.saturating_duration_since(began).as_nanos();
            let message = json!({
                "senderId": pair.users.0, "receiverId": pair.users.1, "conversationId": pair.users.0,
                "content": format!("{label} {number} {at}"),
            });
            speaker.ask("send_message", &draft(message));
        }
        let mut n_acked = 0;
        while n_acked < n {
            if let Arrival::Ack(_, answer) = speaker.next().await {
                assert_eq!(answer["ok"], true, "{answer}");
                n_acked += 1;
            }
        }
    };
    let listen = async {
        let mut took = Vec::new();
        for number in 0..n {
            let heard = listener.event("new_message").await;
            let text = content(&heard);
            let said = text.strip_prefix(&format!("{label} {number} "));
            let said_after: u64 = said.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
            let took_for = began.elapsed() - Duration::from_nanos(said_after);
            took.push(took_for.as_secs_f64() * 1_000.0);
        }
        took
    };
    let ((), took) = tokio::join!(speak, listen);
    (pair, took)
}

/// Clients that listen and then take nothing any more.
async fn stop_reading(server: &Server) -> Vec<Wire> {
    let mut stuck = Vec::new();
    for _ in 0..N_STUCK {
        let mut wire = Wire::open_with_tiny_buffer(server.port).await;
        let auth = json!({"token": token(&VICTIM.to_string(), None, SECRET)});
        wire.join(Some(&auth)).await.unwrap();
        wire.say(&format!("42[\"join_user_room\",{VICTIM}]")).await;
        stuck.push(wire);
    }
    stuck
}

/// Sends what the stuck clients do not take, as fast as an honest client may.
async fn feed(sender: &mut Client) {
    let began = Instant::now();
    let text = "x".repeat(TEXT_BYTES);
    while began.elapsed() < TALK_TIME {
        let message = json!({"receiverId": VICTIM, "conversationId": 17, "content": text});
        let answer = sender.call("send_message", draft(message)).await;
        if let Some(wait_ms) = answer["error"]["retryAfterMs"].as_u64() {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }
}

/// Sends without end, and comes back whenever it is thrown out. Returns how much it sent.
async fn attack(port: u16, end: CancellationToken) -> usize {
    let auth = json!({"token": token("3", None, SECRET)});
    let event = json!(["send_message", hostile()]);
    let mut n_sent = 0;
    while !end.is_cancelled() {
        let mut wire = Wire::open_from(port, ATTACKER).await;
        if wire.join(Some(&auth)).await.is_err() {
            continue;
        }
        let mut ticks = interval(Duration::from_millis(10));
        while !end.is_cancelled() {
            ticks.tick().await;
            let burst = (0..BURST).map(|number| format!("42{number}{event}"));
            if wire.try_say_at_once(burst).await.is_err() {
                break;
            }
            n_sent += BURST;
        }
    }
    n_sent
}

fn hostile() -> Value {
    draft(json!({"senderId": 3, "receiverId": 4, "conversationId": 34, "content": "spam"}))
}

async fn connect(server: &Server, id: u64) -> Client {
    let auth = json!({"token": token(&id.to_string(), None, SECRET)});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    client.join_user(id).await;
    client
}

/// The value below which that share of the sorted values is.
fn at(sorted: &[f64], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted[index.min(sorted.len() - 1)]
}
