//! The TCP connections under a session, and how they are counted, stopped and ended.

mod peer;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

pub use peer::Peer;

use super::moving::Release;
use super::read_gate::ReadGate;
use crate::chat::{AddressPlace, Backlog, Client, Traffic};

/// How long polls are held back when a session begins to move to a WebSocket. Afterwards the engine
/// answers them itself.
const UPGRADE_HOLD: Duration = Duration::from_secs(1);
/// Between two looks at how much a slow client has read.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What a session runs over. A WebSocket has a connection of its own, which can be paused and
/// reset. The connections of a polling session may carry other requests too, behind a proxy even of
/// other people; there the session's own requests are held up or refused.
#[derive(Debug)]
pub struct Links {
    /// Where the first request came from.
    pub address: Option<SocketAddr>,
    /// Whose session it is.
    pub client: Client,
    /// Nobody gave the connection along: another program serves it, and it cannot be reset.
    pub is_borrowed: bool,
    /// What carries it, once that is a WebSocket; it never is another one.
    websocket: OnceLock<Peer>,
    /// Closed while the session has enough to do.
    gate: ReadGate,
    /// Whether it is: whoever opens it looks here first.
    is_paused: AtomicBool,
    /// Nothing more is sent.
    is_given_up: AtomicBool,
    /// As `killed`, without its lock.
    is_killed: AtomicBool,
    killed: CancellationToken,
    /// When the session began to move to a WebSocket. Held while a poll begins: see
    /// [`Links::begin_poll`].
    upgrade_began: Mutex<Option<Instant>>,
    /// Ends polls when the session is about to move.
    pub release: Release,
    /// Held until the session joins the namespace.
    pending: Mutex<Option<AddressPlace>>,
    polls: Mutex<Polls>,
    /// Bytes that went out in answers to polls.
    n_polled: AtomicU64,
    backlog: Backlog,
    /// What a polling client may still send, if that is limited.
    traffic: Mutex<Option<Traffic>>,
}

/// Polls of a session.
#[derive(Debug)]
struct Polls {
    n_open: usize,
    /// When the last one was answered, or the session began.
    last_ended: Instant,
}

/// A poll that is open.
pub struct OpenPoll<'a>(&'a Links);

impl Drop for OpenPoll<'_> {
    fn drop(&mut self) {
        let mut polls = self.0.polls();
        polls.n_open -= 1;
        polls.last_ended = Instant::now();
    }
}

impl Links {
    /// The links of a session that `client` begins, and whose first request came from `peer`.
    pub fn new(
        peer: Option<Peer>,
        client: Client,
        pending: Option<AddressPlace>,
        is_websocket: bool,
        backlog: Backlog,
    ) -> Self {
        Self {
            client,
            pending: Mutex::new(pending),
            polls: Mutex::new(Polls {
                n_open: 0,
                last_ended: Instant::now(),
            }),
            n_polled: AtomicU64::new(0),
            backlog,
            traffic: Mutex::default(),
            address: peer.as_ref().map(|peer| peer.address),
            is_borrowed: peer.is_none(),
            websocket: peer
                .filter(|_| is_websocket)
                .map_or_else(OnceLock::new, OnceLock::from),
            gate: ReadGate::default(),
            is_paused: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
            killed: CancellationToken::new(),
            upgrade_began: Mutex::new(None),
            release: Release::default(),
        }
    }

    /// The session has joined the namespace.
    pub fn joined(&self) {
        if let Ok(mut pending) = self.pending.lock() {
            *pending = None;
        }
    }

    /// What it may send, if it polls and that is limited.
    pub fn with_traffic(self, traffic: Option<Traffic>) -> Self {
        Self {
            traffic: Mutex::new(traffic),
            ..self
        }
    }

    /// Counts requests of a polling client and further packets in them; each is what a frame is on a
    /// WebSocket. One that brings too much all the time is cut.
    pub fn note_packets(&self, n_packets: usize) {
        let mut traffic = self.traffic();
        if let Some(traffic) = &mut *traffic {
            traffic.note(0, n_packets);
            if traffic.is_flooding() && !self.is_killed() {
                tracing::info!("a polling client does not stop to send too much, its session ends");
                self.kill();
            }
        }
    }

    /// How long what a polling client sent has to wait; zero when it is paid for.
    pub fn pause(&self) -> Duration {
        let mut traffic = self.traffic();
        traffic.as_mut().map_or(Duration::ZERO, Traffic::pause)
    }

    fn traffic(&self) -> MutexGuard<'_, Option<Traffic>> {
        self.traffic
            .lock()
            .expect("no code panics with this lock held")
    }

    /// Notes a poll, which is open until that is dropped.
    pub fn open_poll(&self) -> OpenPoll<'_> {
        self.polls().n_open += 1;
        OpenPoll(self)
    }

    /// Notes what went out in the answer to a poll.
    pub fn note_polled(&self, n_bytes: Option<u64>) {
        // The engine always knows; if it did not, nothing would count as waiting.
        let n_bytes = n_bytes.unwrap_or(u64::MAX >> 16);
        self.n_polled.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// Notes a packet of so many bytes for the client; `false` when more waits for it than may. What a
    /// connection of somebody else's has taken, nobody knows.
    ///
    /// What carries it counts too, where that is known. Less would wait than is believed if too much
    /// were counted, and that would add up: so it is rather too little.
    pub fn note_sent(&self, n_bytes: usize) -> bool {
        if self.is_borrowed {
            return true;
        }
        let (n_taken, is_framed) = self.taken();
        let n_header = match n_bytes {
            _ if !is_framed => 0,
            0..=125 => 2,
            126..=65_535 => 4,
            _ => 10,
        };
        self.backlog.send(n_header + n_bytes, n_taken)
    }

    /// Whether more than half of what may wait for the client does.
    pub fn is_slow(&self) -> bool {
        !self.is_borrowed && self.backlog.is_long(self.taken().0)
    }

    /// Waits until the client has read most of what was sent to it, before it is answered more.
    pub async fn wait_for_reader(&self) {
        while !self.is_killed() && self.is_slow() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Bytes that the client has taken so far, or its kernel, and whether they go over a WebSocket.
    fn taken(&self) -> (u64, bool) {
        let websocket = self.websocket.get();
        let n_written = |peer: &Peer| peer.n_written.load(Ordering::Relaxed);
        let n_taken = self.n_polled.load(Ordering::Relaxed) + websocket.map_or(0, n_written);
        (n_taken, websocket.is_some())
    }

    /// Waits until a polling client has not polled for so long that it is as good as gone.
    pub async fn abandoned(&self, limit: Duration) {
        loop {
            let Some(left) = self.time_to_poll(limit) else {
                return;
            };
            tokio::time::sleep(left).await;
        }
    }

    /// How long the client may still go without a poll; `None` when that is over.
    fn time_to_poll(&self, limit: Duration) -> Option<Duration> {
        if self.websocket.get().is_some() || self.is_borrowed {
            return Some(limit);
        }
        let polls = self.polls();
        match limit.saturating_sub(polls.last_ended.elapsed()) {
            _ if polls.n_open > 0 => Some(limit),
            left if left.is_zero() => None,
            left => Some(left),
        }
    }

    fn polls(&self) -> MutexGuard<'_, Polls> {
        self.polls
            .lock()
            .expect("no code panics with this lock held")
    }

    /// From now on polls are held back, until the engine knows that the session moves.
    pub fn begin_upgrade(&self) {
        *self.upgrade_began() = Some(Instant::now());
    }

    /// Begins a poll, unless the session is about to move; `None` then. The engine takes a poll
    /// that falls between its own look and its own lock for a second poll, and closes the session:
    /// so no poll begins while an upgrade does.
    pub fn begin_poll<T>(&self, begin: impl FnOnce() -> T) -> Option<T> {
        let upgrade_began = self.upgrade_began();
        let is_moving = upgrade_began.is_some_and(|began| began.elapsed() < UPGRADE_HOLD);
        (!is_moving).then(begin)
    }

    fn upgrade_began(&self) -> MutexGuard<'_, Option<Instant>> {
        self.upgrade_began
            .lock()
            .expect("no code panics with this lock held")
    }

    /// The session moves to a WebSocket. It does so once: the engine closes a session whose move fails on the last
    /// step, and drops a further WebSocket of one that has moved.
    pub fn upgrade(&self, peer: Peer) {
        let _ = self.websocket.set(peer);
        // By somebody who did not see its WebSocket yet.
        if self.is_killed() {
            self.kill();
        }
    }

    /// Ends the session: its WebSocket is reset, its further requests are refused.
    pub fn kill(&self) {
        self.is_killed.store(true, Ordering::Release);
        self.killed.cancel();
        if let Some(peer) = self.websocket.get() {
            peer.kill.cancel();
        }
    }

    /// Lets its WebSocket end as if the client had closed it; `false` when it has none.
    pub fn hang_up(&self) -> bool {
        let websocket = self.websocket.get();
        if let Some(peer) = websocket {
            peer.gate.end();
        }
        websocket.is_some()
    }

    /// Whether its WebSocket takes nothing at the moment.
    pub fn is_stuck(&self) -> bool {
        let is_stuck = |peer: &Peer| peer.is_stuck.load(Ordering::Relaxed);
        self.websocket.get().is_some_and(is_stuck)
    }

    /// Has nothing more sent to the session, which is to be killed soon; `false` if that is known.
    pub fn give_up(&self) -> bool {
        !self.is_given_up.swap(true, Ordering::AcqRel)
    }

    /// Whether anything may still be sent. Asked for everybody who is told anything, so it locks nothing.
    pub fn takes_more(&self) -> bool {
        !self.is_given_up.load(Ordering::Acquire) && !self.is_killed()
    }

    /// Whether the session was killed.
    pub fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Acquire)
    }

    /// Waits until the session is killed.
    pub async fn killed(&self) {
        self.killed.cancelled().await;
    }

    /// Stops reading. What comes in after this call is handled after it, and then [`Links::resume`] is called.
    pub fn pause_reading(&self) {
        self.each_gate(ReadGate::close);
        self.is_paused.store(true, Ordering::Release);
    }

    /// Resumes reading, if it was stopped.
    pub fn resume(&self) {
        if self.is_paused.load(Ordering::Acquire) && self.is_paused.swap(false, Ordering::AcqRel) {
            self.each_gate(ReadGate::open);
        }
    }

    fn each_gate(&self, turn: impl Fn(&ReadGate)) {
        turn(&self.gate);
        if let Some(peer) = self.websocket.get() {
            turn(&peer.gate);
        }
    }

    /// Waits until a polling session may bring more.
    pub async fn wait_for_room(&self) {
        std::future::poll_fn(|context| self.gate.poll_open(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn links(peer: Option<Peer>, is_websocket: bool) -> Links {
        let backlog = Backlog::new(10, 1_000);
        Links::new(peer, Client::unlimited(), None, is_websocket, backlog)
    }

    #[test]
    fn a_session_is_stuck_when_its_websocket_is() {
        let peer = |is_stuck| Peer {
            is_stuck: Arc::new(AtomicBool::new(is_stuck)),
            ..Peer::new(([127, 0, 0, 1], 1).into())
        };
        assert!(!links(Some(peer(true)), false).is_stuck(), "it polls");
        assert!(!links(Some(peer(false)), true).is_stuck());
        let links = links(Some(peer(false)), false);
        links.upgrade(peer(true));
        assert!(links.is_stuck());
    }

    #[test]
    fn a_session_that_is_killed_takes_its_websocket_along_and_gets_nothing_more() {
        let links = links(None, false);
        assert!(links.takes_more());
        links.kill();
        assert!(!links.takes_more());
        let peer = Peer::new(([127, 0, 0, 1], 1).into());
        links.upgrade(peer.clone());
        assert!(peer.kill.is_cancelled());
    }

    #[test]
    fn a_session_that_has_moved_is_killed_where_it_is() {
        let links = links(None, false);
        let peers = [1, 2].map(|port| Peer::new(([127, 0, 0, 1], port).into()));
        links.upgrade(peers[0].clone());
        links.upgrade(peers[1].clone());
        links.kill();
        assert!(
            peers[0].kill.is_cancelled(),
            "the other one carries nothing"
        );
    }

    #[test]
    fn no_poll_begins_while_an_upgrade_does() {
        let links = links(None, false);
        assert_eq!(links.begin_poll(|| 1), Some(1));
        links.begin_upgrade();
        assert_eq!(links.begin_poll(|| 1), None);
        *links.upgrade_began() = Instant::now().checked_sub(UPGRADE_HOLD);
        assert_eq!(links.begin_poll(|| 1), Some(1));
    }
}
