//! Delivery among several nodes: what is told here is handed to the others, and what they say is told
//! here in its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_cache::unsync::Cache;
use sohbet_entity::ids::{ConversationId, PartyId};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;

use super::sequencer::{Position, Repaired, Sequencer, Stretch, Turn};
use crate::chat::{
    Conversation, DeskEvent, Event, Heard, Hole, Looks, Moved, News, Repair, Reply, Retold, Seen,
};
use crate::error::Error;

/// How long something may be on its way over the bus before the database is asked.
const GRACE: Duration = Duration::from_millis(25);

/// Changes that may have gone unheard since a conversation was read; if it was more, it was read long ago.
const MAX_UNHEARD: i64 = 100;

/// The marker of somebody who takes part no longer.
const GONE: i64 = i64::MAX;

/// Markers that are remembered.
const MAX_MARKERS: usize = 100_000;

/// What delivery hears from the exchange.
pub enum Inbound {
    /// Another node made something.
    Heard(Heard),
    /// Conversations were seen to have come as far as that, after this many batches of this node
    /// had been begun.
    Seen {
        /// How far.
        seen: Seen,
        /// The batches.
        n_begun: u64,
        /// Its place among those that wait; the exchange holds the others.
        place: OwnedSemaphorePermit,
    },
    /// A hole was read from the database; `None` when that failed, or there is no conversation.
    Repaired(Option<Repair>),
}

/// Whether others can be heard, as the exchange knows it.
#[derive(Default)]
pub struct LinkState {
    /// Texts come in.
    pub is_up: AtomicBool,
    /// Nodes that were heard a moment ago.
    pub n_peers: AtomicUsize,
}

/// Delivery's end of the exchange.
pub struct Exchanged {
    /// What is to be told to the others.
    pub news: mpsc::Sender<News>,
    /// Holes to be read.
    pub holes: mpsc::Sender<Hole>,
    /// When the database is looked at.
    pub looks: Arc<Looks>,
    /// What the others tell.
    pub inbound: mpsc::Receiver<Inbound>,
    /// Whether they can be heard.
    pub state: Arc<LinkState>,
}

/// What is told in its turn, and who waits for that.
pub struct Post {
    /// What is told.
    pub events: Vec<Event>,
    /// Who waits.
    pub after: After,
}

/// Who waits until something was told.
pub enum After {
    /// Nobody here.
    Nobody,
    /// The next request of a socket.
    Socket(OwnedSemaphorePermit),
    /// A REST call.
    Call(
        oneshot::Sender<Result<Reply, Error>>,
        Box<Result<Reply, Error>>,
    ),
}

impl Post {
    /// What nobody here waits for.
    pub fn of(events: Vec<Event>) -> Self {
        let after = After::Nobody;
        Self { events, after }
    }
}

impl After {
    /// Lets them go on.
    pub fn go_on(self) {
        match self {
            Self::Nobody => {}
            Self::Socket(permit) => drop(permit),
            Self::Call(reply, outcome) => {
                // The caller may have hung up; what it wrote is stored all the same.
                let _ = reply.send(*outcome);
            }
        }
    }
}

/// What delivery knows of the other nodes.
pub struct Nodes {
    sequencer: Sequencer<Post>,
    /// How far each party was told to have read.
    markers: Cache<(ConversationId, PartyId), i64>,
    exchanged: Exchanged,
}

impl Nodes {
    pub fn new(exchanged: Exchanged) -> Self {
        Self {
            sequencer: Sequencer::default(),
            markers: Cache::new(MAX_MARKERS),
            exchanged,
        }
    }

    /// The next that comes from the others; never when there is none left.
    pub async fn next(&mut self) -> Inbound {
        match self.exchanged.inbound.recv().await {
            Some(inbound) => inbound,
            None => std::future::pending().await,
        }
    }

    /// What has come from the others already.
    pub fn next_now(&mut self) -> Option<Inbound> {
        self.exchanged.inbound.try_recv().ok()
    }

    /// Whether others were told already what is newer. Where somebody's marker stands is told by each
    /// node that moved it, and the news of one may come late; also after they have left. `current` gives
    /// who takes part now.
    pub fn is_overtaken(
        &mut self,
        event: &Event,
        current: impl Fn(&Arc<Conversation>) -> Arc<Conversation>,
    ) -> bool {
        match event {
            Event::Read {
                conversation,
                known,
                party,
                reader,
                outcome,
                ..
            } if outcome.has_moved => {
                let key = (conversation.clone(), party.clone());
                let told = self.markers.get(&key).copied();
                let is_back = |known: &_| current(known).has_member(reader);
                let told = told.filter(|it| *it != GONE || !known.as_ref().is_some_and(is_back));
                if told.is_some_and(|told| outcome.up_to < told) {
                    return true;
                }
                self.markers.insert(key, outcome.up_to);
                false
            }
            // Whoever comes back begins anew.
            Event::Desk(DeskEvent::Parted {
                conversation, user, ..
            }) => {
                let key = (conversation.clone(), PartyId::from(user));
                self.markers.insert(key, GONE);
                false
            }
            _ => false,
        }
    }

    /// Hands something to the others, if there are any. What does not fit is dropped: what is stored
    /// they find in the database.
    pub fn say(&self, news: impl FnOnce() -> Option<News>) {
        if self.exchanged.state.n_peers.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Some(news) = news() {
            // The exchange counts what is missing as soon as it hears of it.
            let _ = self.exchanged.news.try_send(news);
        }
    }

    /// What is to be told now, when this takes its turn, and who goes on without. Where nothing was heard
    /// of the conversation before, `read` says how far it had come when it was read: what happened since
    /// is missing.
    pub fn take_turn(
        &mut self,
        at: &Moved,
        post: Post,
        read: impl FnOnce() -> Option<Moved>,
    ) -> Vec<Post> {
        if at.rev > 1 && self.sequencer.position(&at.conversation).is_none() {
            match read() {
                Some(read) if (1..=MAX_UNHEARD).contains(&at.rev.saturating_sub(read.rev)) => {
                    self.has_told(&read);
                }
                _ => self.discover(at),
            }
        }
        let turn = self
            .sequencer
            .offer(&at.conversation, position(at), post, Instant::now());
        match turn {
            Turn::Now(ready) => ready,
            Turn::Late(post) => vec![untold(post)],
            Turn::Waits => Vec::new(),
        }
    }

    /// Notes how far a conversation has come. Says whether all of that was told.
    pub fn has_told(&mut self, at: &Moved) -> bool {
        let id = &at.conversation;
        !self.sequencer.observe(id, position(at), Instant::now())
    }

    /// As [`Nodes::has_told`]; where nothing was heard of the conversation, what is new in it is read
    /// first, for everybody else who is here.
    pub fn has_told_or_asks(&mut self, at: &Moved) -> bool {
        if self.sequencer.position(&at.conversation).is_none() {
            self.discover(at);
        }
        self.has_told(at)
    }

    /// Notes how far a conversation has come according to the database.
    pub fn discover(&mut self, at: &Moved) {
        self.discover_since(at, self.exchanged.looks.said_since());
    }

    /// As [`Nodes::discover`], where what was said earlier than this is not new.
    pub fn discover_since(&mut self, at: &Moved, said_since: DateTime<Utc>) {
        let (id, now) = (&at.conversation, Instant::now());
        self.sequencer.discover(id, position(at), said_since, now);
    }

    /// What is to be told now that a hole was read.
    pub fn fill(&mut self, repair: Repair) -> Vec<Post> {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::has("wait_for_exact_rev") {
            let told = self.sequencer.position(&repair.head.conversation);
            let next = repair.changes.first().map(|retold| retold.rev);
            if told.is_some_and(|told| told.rev >= 0 && next != Some(told.rev + 1)) {
                return Vec::new();
            }
        }
        let stretch = Stretch {
            after: position(&repair.after),
            rows: repair.changes.into_iter().map(|it| (it.rev, it)).collect(),
            head: position(&repair.head),
        };
        let id = &repair.head.conversation;
        let Some(steps) = self.sequencer.repair(id, stretch, Instant::now(), retell) else {
            return Vec::new();
        };
        let post = |step| match step {
            Repaired::Told(post) => post,
            Repaired::Late(post) => untold(post),
        };
        let ahead = [Post::of(repair.ahead)];
        ahead
            .into_iter()
            .chain(steps.into_iter().map(post))
            .collect()
    }

    /// What waits for a hole that is not filled any more.
    pub fn give_up(&mut self) -> Vec<Post> {
        self.sequencer.give_up()
    }

    /// Whether anything is missing.
    pub fn has_holes(&self) -> bool {
        self.sequencer.has_holes()
    }

    /// Has the holes read that were not filled in time. While others cannot be heard, nothing is on its
    /// way.
    pub fn ask_for_holes(&mut self) {
        let grace = match self.exchanged.state.is_up.load(Ordering::Relaxed) {
            true => GRACE,
            false => Duration::ZERO,
        };
        for due in self.sequencer.due(grace, Instant::now()) {
            let hole = Hole {
                after: Moved {
                    conversation: due.conversation,
                    rev: due.told.rev,
                    seq: due.told.seq,
                    facts_in: 0,
                },
                said_since: due.said_since,
            };
            // One that does not fit is asked for again.
            let _ = self.exchanged.holes.try_send(hole);
        }
    }
}

fn position(at: &Moved) -> Position {
    Position {
        rev: at.rev,
        seq: at.seq,
    }
}

/// Tells what was read of a change. What waited for its turn says the same, and knows who did it; but
/// it says only that a message has changed where the message itself was not told.
fn retell(retold: Retold, waited: Option<Post>) -> Post {
    let has_message = |post: &Post| {
        let mut events = post.events.iter();
        events.any(|event| matches!(event, Event::Message { .. }))
    };
    let is_same = waited
        .as_ref()
        .is_some_and(|it| !retold.is_new || has_message(it));
    let waited = waited.unwrap_or_else(|| Post::of(Vec::new()));
    let told = if is_same {
        waited.events
    } else {
        retold.events
    };
    Post {
        events: retold.before.into_iter().chain(told).collect(),
        after: waited.after,
    }
}

/// Somebody waits for it, but it was told already.
fn untold(post: Post) -> Post {
    Post {
        events: Vec::new(),
        after: post.after,
    }
}
