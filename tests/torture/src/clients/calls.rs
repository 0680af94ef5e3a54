//! Requests that are under way on one connection, and sends that are not done yet.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::history::Ask;

/// After so long a client asks again, as `ackTimeout` of the stock client does.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(4);

/// Sends that are remembered to be repeated for no reason.
const MAX_REMEMBERED: usize = 32;
/// Pause before something is sent again that was not done.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// A message that somebody means to send, until it is known to be stored or refused.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Where.
    pub conversation: String,
    /// The client's own id.
    pub cmid: String,
    /// What it says.
    pub text: String,
}

impl Sending {
    /// The payload of the event and the body of the REST call.
    pub fn body(&self) -> Value {
        json!({"conversationId": self.conversation, "content": self.text, "clientMessageId": self.cmid})
    }

    /// What is asked.
    pub fn ask(&self, rest: bool) -> Ask {
        Ask::Send {
            conversation: self.conversation.clone(),
            cmid: self.cmid.clone(),
            text: crate::history::digest(&self.text),
            rest,
        }
    }
}

/// What one device still has to send, and what it has sent.
#[derive(Debug, Default)]
pub struct Sendings {
    waiting: VecDeque<Sending>,
    /// Nothing is sent again before.
    held_until: Option<Instant>,
    /// With the ids that the server gave them.
    sent: VecDeque<(Sending, String)>,
}

impl Sendings {
    /// Whether nothing is left to be sent.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is to be sent again now.
    pub fn due(&mut self) -> Option<Sending> {
        let is_held = self.held_until.is_some_and(|until| Instant::now() < until);
        self.waiting.pop_front_if(|_| !is_held)
    }

    /// The server could not do it: it is sent again after a pause.
    pub fn refused(&mut self, sending: Sending) {
        self.waiting.push_back(sending);
        self.held_until = Some(Instant::now() + RETRY_PAUSE);
    }

    /// Nobody answered: it is sent again.
    pub fn lost(&mut self, sending: Option<Sending>) {
        self.waiting.extend(sending);
    }

    /// It is stored under that id.
    pub fn done(&mut self, sending: Sending, id: &str) {
        self.sent.push_back((sending, id.to_owned()));
        if self.sent.len() > MAX_REMEMBERED {
            self.sent.pop_front();
        }
    }

    /// Some that are stored, which may be repeated for no reason.
    pub fn sent(&mut self) -> &[(Sending, String)] {
        self.sent.make_contiguous()
    }
}

/// A request that was sent on this connection.
#[derive(Debug)]
pub struct Pending {
    /// What was asked.
    pub ask: Ask,
    /// The message, if it is one.
    pub sending: Option<Sending>,
    /// When.
    pub since: Instant,
    /// It was given up: what comes now is an answer all the same.
    pub is_late: bool,
}

/// All requests of one connection.
#[derive(Debug, Default)]
pub struct Calls {
    pending: HashMap<u64, Pending>,
    /// Answered requests, for answers that come twice.
    answered: HashMap<u64, Ask>,
}

impl Calls {
    /// Requests that wait for an answer.
    pub fn n_waiting(&self) -> usize {
        self.pending
            .values()
            .filter(|pending| !pending.is_late)
            .count()
    }

    /// Notes a request that was sent.
    pub fn begin(&mut self, call: u64, ask: Ask, sending: Option<Sending>) {
        let pending = Pending {
            ask,
            sending,
            since: Instant::now(),
            is_late: false,
        };
        self.pending.insert(call, pending);
    }

    /// Takes the request that an answer is to.
    pub fn answer(&mut self, call: u64) -> Option<Pending> {
        let pending = self.pending.remove(&call)?;
        self.answered.insert(call, pending.ask.clone());
        Some(pending)
    }

    /// What an answer is to that came before.
    pub fn repeated(&self, call: u64) -> Option<Ask> {
        self.answered.get(&call).cloned()
    }

    /// Gives up requests that waited too long. Returns their numbers, and what is to be sent again.
    pub fn give_up(&mut self, sendings: &mut Sendings) -> Vec<u64> {
        let mut late: Vec<u64> = Vec::new();
        for (call, pending) in &mut self.pending {
            if !pending.is_late && pending.since.elapsed() > ACK_TIMEOUT {
                pending.is_late = true;
                late.push(*call);
            }
        }
        late.sort_unstable();
        for call in &late {
            sendings.lost(
                self.pending
                    .get(call)
                    .and_then(|pending| pending.sending.clone()),
            );
        }
        late
    }

    /// The connection is gone. Returns the requests that nobody answers any more, in order.
    pub fn end(&mut self) -> Vec<(u64, Pending)> {
        self.answered.clear();
        let mut open: Vec<_> = self
            .pending
            .drain()
            .filter(|(_, pending)| !pending.is_late)
            .collect();
        open.sort_unstable_by_key(|(call, _)| *call);
        open
    }
}
