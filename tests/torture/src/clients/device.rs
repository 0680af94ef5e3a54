//! A well-behaved client of dialect `native`: it sends under ids of its own, asks again when it got no
//! answer, and catches up when it comes back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::calls::{Calls, Pending, Sending, Sendings};
use super::rest::Caller;
use super::{Phase, World};
use crate::history::{Ask, Told, What};
use crate::rng::Rng;
use crate::wire::socket::{Heard, Socket, Transport};

/// Requests that may be under way.
const MAX_WAITING: usize = 64;
/// A server that says nothing for so long is gone: it pings every two seconds.
const SILENCE: Duration = Duration::from_secs(8);
/// How long the last changes may take to arrive when all faults are over (I9).
const LAST_CHANGES: Duration = Duration::from_secs(10);
/// How often a device looks whether it has something to do while it may not begin anything.
const IDLE: Duration = Duration::from_millis(50);

/// One device of one user.
pub struct Device {
    pub(super) world: Arc<World>,
    pub(super) who: String,
    pub(super) user: String,
    pub(super) conn: u32,
    /// Last `rev` of each conversation that it holds.
    pub(super) positions: BTreeMap<String, i64>,
    pub(super) node: SocketAddr,
    pub(super) rng: Rng,
    transport: Transport,
    /// Keeps its connection to the end, if it can, instead of coming back to catch up.
    stays: bool,
    pub(super) conversations: Vec<String>,
    pub(super) sendings: Sendings,
    pub(super) n_sent: u64,
    calls: Calls,
    is_settled: bool,
}

/// Why a connection is over.
enum End {
    /// The device comes back.
    Lost,
    /// It has everything, and goes.
    Complete,
}

impl Device {
    /// The device of that number.
    pub fn new(world: &Arc<World>, user: &str, number: u64, mut rng: Rng) -> Self {
        let of = |members: &Vec<String>| members.iter().any(|member| member == user);
        let own = world
            .conversations
            .iter()
            .filter(|(_, members)| of(members));
        let conversations: Vec<String> = own.map(|(id, _)| id.clone()).collect();
        Self {
            world: Arc::clone(world),
            who: format!("{user}/d{number}"),
            user: user.to_owned(),
            conn: 0,
            positions: conversations.iter().map(|id| (id.clone(), 0)).collect(),
            node: world.nodes[rng.index(world.nodes.len())],
            transport: match number % 4 {
                3 => Transport::Polling,
                _ => Transport::WebSocket,
            },
            rng,
            stays: number.is_multiple_of(2),
            conversations,
            sendings: Sendings::default(),
            n_sent: 0,
            calls: Calls::default(),
            is_settled: false,
        }
    }

    /// Works until the run is over.
    pub async fn run(mut self) {
        loop {
            self.conn += 1;
            if let Some(End::Complete) = self.connection().await {
                return;
            }
            let pause = Duration::from_millis(self.rng.between(20, 400));
            tokio::time::sleep(pause).await;
            if self.rng.chance(30) {
                self.node = self.world.nodes[self.rng.index(self.world.nodes.len())];
            }
        }
    }

    /// One connection. `None` when there was none.
    async fn connection(&mut self) -> Option<End> {
        let begun_in = self.world.phase.borrow().clone();
        let auth = self.auth();
        let socket = Socket::join(self.node, self.transport, &auth).await.ok();
        let Some(mut socket) = socket else {
            self.settle();
            return None;
        };
        self.record(What::Open {
            since: self.positions.clone(),
        });
        let end = self.use_socket(&mut socket, &begun_in).await;
        // Cut first, written down after: what is still on its way belongs to nobody.
        drop(socket);
        for (call, pending) in self.calls.end() {
            self.record(What::Unknown { call });
            self.sendings.lost(pending.sending);
        }
        self.record(What::Close);
        Some(end)
    }

    fn auth(&self) -> Value {
        let since = json!({"epoch": self.world.epoch, "conversations": self.positions});
        match self.world.tokens.get(&self.user) {
            Some(token) => json!({"dialect": "native", "token": token, "since": since}),
            None => json!({"dialect": "native", "userId": self.user, "since": since}),
        }
    }

    async fn use_socket(&mut self, socket: &mut Socket, begun_in: &Phase) -> End {
        let (mut heard_at, mut finishing) = (Instant::now(), None);
        let mut next = Instant::now() + self.pause();
        loop {
            if heard_at.elapsed() > SILENCE {
                return End::Lost;
            }
            tokio::select! {
                heard = socket.hear() => {
                    heard_at = Instant::now();
                    match heard {
                        Some(Heard::Event(name, body)) => if self.take_event(&name, &body).await.is_none() {
                            return End::Lost;
                        },
                        Some(Heard::Ack(call, body)) => self.take_answer(call, &body),
                        Some(Heard::Sign) => {}
                        Some(Heard::Disconnect) | None => return End::Lost,
                    }
                }
                () = tokio::time::sleep_until(next.into()) => {
                    next = Instant::now() + self.pause();
                    if self.work(socket).await.is_none() {
                        return End::Lost;
                    }
                }
            }
            if let Some(end) = self.finish(begun_in, &mut finishing) {
                return end;
            }
        }
    }

    fn pause(&mut self) -> Duration {
        match self.world.is_loaded() {
            true => Duration::from_millis(self.rng.between(20, 160)),
            false => IDLE,
        }
    }

    /// Whether the device may go, once the run is to end.
    fn finish(&mut self, begun_in: &Phase, since: &mut Option<Instant>) -> Option<End> {
        let Phase::Finish(heads) = &*self.world.phase.borrow() else {
            return None;
        };
        if !self.stays && !matches!(begun_in, Phase::Finish(_)) {
            return Some(End::Lost);
        }
        let since = since.get_or_insert_with(Instant::now);
        // Who was taken out of a room hears that it is back in.
        let is_there = |id: &String| self.positions.get(id) >= heads.get(id);
        if self.conversations.iter().all(is_there) || since.elapsed() > LAST_CHANGES {
            self.record(What::Complete);
            return Some(End::Complete);
        }
        None
    }

    /// Does something. `None` when the connection is over.
    async fn work(&mut self, socket: &Socket) -> Option<()> {
        for call in self.calls.give_up(&mut self.sendings) {
            self.record(What::Unknown { call });
        }
        while self.calls.n_waiting() < MAX_WAITING
            && let Some(sending) = self.sendings.due()
        {
            self.send(socket, sending)?;
        }
        if self.world.is_loaded() && self.calls.n_waiting() < MAX_WAITING {
            return self.act(socket).await;
        }
        self.settle();
        Some(())
    }

    /// Tells once that nothing is left to be done.
    fn settle(&mut self) {
        let is_open =
            self.world.is_loaded() || !self.sendings.is_empty() || self.calls.n_waiting() > 0;
        if !is_open && !self.is_settled {
            self.is_settled = true;
            self.world.n_settled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks for something, and writes that down. `None` when the connection is over.
    pub(super) fn ask(
        &mut self,
        socket: &Socket,
        event: &str,
        body: &Value,
        ask: Ask,
        sending: Option<Sending>,
    ) -> Option<()> {
        let call = self.world.call();
        self.record(What::Invoke {
            call,
            ask: ask.clone(),
        });
        self.calls.begin(call, ask, sending);
        socket.ask(call, event, body).ok()
    }

    /// Whatever came of a request.
    fn take_answer(&mut self, call: u64, body: &Value) {
        let is_first = self.calls.repeated(call).is_none();
        let Some(Pending {
            ask,
            sending,
            is_late,
            ..
        }) = self.calls.answer(call)
        else {
            if !is_first {
                self.record(What::Ok {
                    call,
                    told: Told::Done,
                });
            }
            return;
        };
        let outcome = match body["ok"] == true {
            true => super::rest::told(&ask, &body["data"])
                .map_or(What::Unknown { call }, |told| What::Ok { call, told }),
            false => super::rest::refusal(call, body["error"]["code"].as_str().unwrap_or_default()),
        };
        if matches!(ask, Ask::Sync) && body["ok"] == true {
            self.take_changes(&body["data"]);
        }
        match (&outcome, sending) {
            (What::Unknown { .. }, Some(sending)) if !is_late => self.sendings.refused(sending),
            (
                What::Ok {
                    told: Told::Message { message, .. },
                    ..
                },
                Some(sending),
            ) => self.sendings.done(sending, &message.id),
            _ => {}
        }
        self.record(outcome);
    }

    pub(super) fn record(&self, what: What) {
        self.world.record(&self.who, self.conn, what);
    }

    pub(super) fn caller(&self) -> Caller<'_> {
        Caller {
            world: &self.world,
            who: &self.who,
            user: &self.user,
            node: self.node,
        }
    }
}
