//! Delivery: what happened, told to everybody who listens, in the order in which it was committed.
//!
//! One task takes the batches that the writer finished and the events of the domain. For a write
//! it first answers the sender, then tells the others; a fan-out goes to the union of its places,
//! so no socket hears a thing twice, and is encoded once per dialect that has listeners.

mod answers;
mod exchange;
mod fan_out;
mod finishing;
mod hearing;
mod lanes;
mod nodes;
mod redis;
mod sequencer;

pub use self::redis::{MAX_TEXT_BYTES, RedisCarrier, is_redis_url};
pub use exchange::{Exchange, Greeting, Said, Secret, Texts};
pub use nodes::{Exchanged, Inbound, LinkState};
pub use sequencer::{Missing, Position, Repaired, Sequencer, Stretch, Turn};

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use crate::chat::{
    Answering, Chat, Covered, Done, Event, Feature, Message, Moved, News, Reply, Seen, Tag,
};
use crate::wire;
use nodes::{Nodes, Post};

/// How nodes on one database talk to each other.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Address of Redis or Valkey; without it they talk over PostgreSQL.
    pub redis_url: Option<String>,
}

/// Events that are told after a batch before the next batch, and as many of other nodes.
const EVENTS_PER_BATCH: usize = 64;
/// How often holes are looked at, while there are any.
const HOLE_TICK: Duration = Duration::from_millis(5);
/// How long an answer waits for what it shows to be told; then a socket may hear something again.
const MAX_EARLY: Duration = Duration::from_secs(2);

/// The delivery task.
pub struct Delivery {
    chat: Arc<Chat>,
    batches: mpsc::Receiver<Vec<Done<Tag>>>,
    events: mpsc::Receiver<Event>,
    n_delivered: u64,
    /// Answers that hold messages of a batch that is not told yet. Bounded by the requests that
    /// sockets may have under way.
    early: Vec<(Instant, Answering)>,
    /// What was seen in the database, until this node's own batches of before are told. Bounded by the
    /// places that the exchange gives out.
    seen: VecDeque<(u64, Seen, OwnedSemaphorePermit)>,
    asked_at: Instant,
    /// The other nodes, where there may be any.
    nodes: Option<RefCell<Nodes>>,
}

impl Delivery {
    /// Prepares the task; `batches` come from the writer, `events` from the domain, and what is
    /// exchanged from other nodes, where there may be any.
    pub fn new(
        chat: Arc<Chat>,
        batches: mpsc::Receiver<Vec<Done<Tag>>>,
        events: mpsc::Receiver<Event>,
        exchanged: Option<Exchanged>,
    ) -> Self {
        Self {
            chat,
            batches,
            events,
            n_delivered: 0,
            early: Vec::new(),
            seen: VecDeque::new(),
            asked_at: Instant::now(),
            nodes: exchanged.map(|exchanged| RefCell::new(Nodes::new(exchanged))),
        }
    }

    /// Works until the writer has ended and everything it committed is delivered.
    pub async fn run(mut self) {
        loop {
            // Batches first: what is stored goes before who types and who is there. Events get
            // their turn after each batch.
            tokio::select! {
                biased;
                batch = self.batches.recv() => match batch {
                    Some(batch) => {
                        self.deliver(batch);
                        self.work_off_events();
                    }
                    None => break,
                },
                inbound = hearing::next_inbound(&mut self.nodes) => self.hear(inbound),
                Some(event) = self.events.recv() => self.take(event),
                () = tokio::time::sleep(HOLE_TICK), if self.has_loose_ends() => {}
            }
            self.tie_loose_ends();
        }
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
        self.let_all_go_on();
    }

    fn work_off_events(&mut self) {
        for _ in 0..EVENTS_PER_BATCH {
            match self.events.try_recv() {
                Ok(event) => self.take(event),
                Err(_) => break,
            }
        }
        for _ in 0..EVENTS_PER_BATCH {
            match self
                .nodes
                .as_mut()
                .and_then(|nodes| nodes.get_mut().next_now())
            {
                Some(inbound) => self.hear(inbound),
                None => break,
            }
        }
    }

    fn deliver(&mut self, batch: Vec<Done<Tag>>) {
        #[cfg(feature = "planted-bugs")]
        let batch = match crate::planted::has("no_conversation_order") {
            true => batch.into_iter().rev().collect(),
            false => batch,
        };
        for done in lanes::by_conversation(batch) {
            self.guard(|delivery| delivery.finish(done));
        }
        self.n_delivered += 1;
        self.answer_early();
    }

    /// Gives the answers whose messages are told.
    fn answer_early(&mut self) {
        // What one of them waits for does not hold up the others.
        for (since, answering) in std::mem::take(&mut self.early) {
            let is_early = !self.is_told(&answering);
            if is_early && since.elapsed() < MAX_EARLY {
                self.early.push((since, answering));
            } else {
                self.guard(|delivery| delivery.answer_in_turn(answering, is_early));
            }
        }
    }

    /// Whether all that an answer shows was told.
    fn is_told(&self, answering: &Answering) -> bool {
        let has_told = |nodes: &RefCell<Nodes>| {
            let mut nodes = nodes.borrow_mut();
            let heads = answering.reply.heads();
            // Each is looked at: what is missing is asked for.
            // Others may wait for answers that were read before this one.
            let others_wait = self.chat.sessions.n_waiting() > 1;
            let mut has_told = |head: &Moved| match others_wait {
                true => nodes.has_told_or_asks(head),
                false => nodes.has_told(head),
            };
            let shown = heads.iter().filter(|head| !has_told(head)).count() == 0;
            let replay = &answering.replay;
            let replayed = replay.iter().map(Message::position);
            // What waited for a user may be on its way from the node that stored it.
            shown && replayed.filter(|at| !nodes.has_told_or_asks(at)).count() == 0
        };
        answering.n_before <= self.n_delivered && self.nodes.as_ref().is_none_or(has_told)
    }

    /// Tells an event, or keeps an answer until what it holds has been told to the others: else its
    /// socket would hear the same messages again.
    fn take(&mut self, event: Event) {
        match event {
            Event::Answer(answering) if !self.is_told(&answering) => {
                self.early.push((Instant::now(), answering));
            }
            event => self.guard(|delivery| delivery.tell(event)),
        }
    }

    /// A panic in one event must not silence all others.
    fn guard(&self, work: impl FnOnce(&Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            tracing::error!("delivering an event panicked");
        }
    }

    /// Tells something in its turn.
    fn post(&self, at: Option<Moved>, post: Post) {
        match (&self.nodes, at) {
            // Who takes part was changed elsewhere: it is told as a hole is, with what is known then.
            (Some(nodes), Some(at)) if self.is_outdated(&at, &post) => {
                nodes.borrow_mut().discover(&at);
                post.after.go_on();
            }
            (Some(nodes), Some(at)) => {
                let read = || match self.chat.sessions.n_waiting() {
                    0 => self.chat.head_when_read(&at.conversation),
                    // Somebody may wait for an answer that was read before that.
                    _ => None,
                };
                let ready = nodes.borrow_mut().take_turn(&at, post, read);
                self.send_late(ready);
            }
            _ => self.send([post]),
        }
    }

    /// Whether who takes part was changed since that was known for what is to be told.
    fn is_outdated(&self, at: &Moved, post: &Post) -> bool {
        let knows = |event: &Event| {
            let known = event.conversation();
            known.is_none_or(|known| known.facts_in >= at.facts_in)
        };
        self.chat.forget_if_older(at) || !post.events.iter().all(knows)
    }

    /// Tells what has its turn. Who takes part may be known better now than when it was to be told first,
    /// and what was told in between was told to them.
    fn send_late(&self, mut ready: Vec<Post>) {
        let events = ready.iter_mut().flat_map(|post| &mut post.events);
        for known in events.filter_map(Event::conversation_mut) {
            let current = self.chat.current(known);
            if current.facts_in > known.facts_in {
                *known = current;
            }
        }
        self.send(ready);
    }

    fn send(&self, ready: impl IntoIterator<Item = Post>) {
        for post in ready {
            for event in &post.events {
                self.announce(event);
            }
            post.after.go_on();
        }
    }

    /// Hands something to the other nodes.
    fn say(&self, news: impl FnOnce() -> Option<News>) {
        if let Some(nodes) = &self.nodes {
            nodes.borrow().say(news);
        }
    }

    /// Tells an event of the domain, here and elsewhere.
    fn tell(&self, event: Event) {
        self.say(|| News::of(&event));
        match event {
            Event::Elsewhere(news) => self.say(|| Some(*news)),
            Event::Answer(answering) => self.answer_in_turn(answering, false),
            event => self.show(event),
        }
    }

    /// Tells an event of the domain here.
    fn show(&self, event: Event) {
        match event {
            // Who is there is read now, so that it fits what was told before.
            Event::Lobby(event) => self.announce(&Event::Lobby(self.chat.complete(event))),
            // The user may have come back while this was on its way.
            Event::Presence {
                dialect,
                ref user,
                is_online: false,
                ..
            } if self.chat.is_online(dialect, user) => {}
            event => self.announce(&event),
        }
    }

    /// Gives an answer; `is_early` when the others were not told all of it.
    fn answer_in_turn(&self, answering: Answering, is_early: bool) {
        let Answering {
            session,
            answer: id,
            mut reply,
            dialect,
            replay,
            told,
            then,
            ..
        } = answering;
        if let Reply::JoinedUser { online, .. } = &mut reply
            && session.may_hear()
        {
            *online = self.chat.online_users(dialect);
        }
        let covered = Covered {
            messages: told,
            heads: reply.covered(),
            follows_changes: dialect.has(Feature::Changes),
        };
        let vocabulary = wire::vocabulary(dialect);
        let replay = || {
            let is_told = self.chat.note_replayed(&session, &replay);
            for message in replay.into_iter().filter(|_| is_told) {
                let event = Event::Message {
                    message,
                    echo: None,
                    origin: None,
                    dialect,
                };
                if let Some(frame) = vocabulary.encode(&event, &session) {
                    session.outbox.emit(frame.name, &frame.body);
                }
            }
        };
        let then_tell = || {
            replay();
            session.release(covered, is_early);
        };
        let permit = answers::give_and_then(&session, id, dialect, &Ok(reply), then_tell);
        let came = session.take_came().and_then(|came| came.event);
        for event in then.into_iter().chain(came) {
            self.tell(event);
        }
        drop(permit);
    }
}
