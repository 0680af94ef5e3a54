//! One client, and what it may still do.

use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::futures::TaskLocalFuture;

use super::LimitRules;
use super::budget::{Budget, Rate, take};
use crate::error::{Error, Result};

/// Bytes of an event that cost as much as an event.
const BYTES_PER_EVENT: usize = 8 * 1_024;
/// What a frame costs beside its bytes, in bytes: many empty ones are a flood too.
const BYTES_PER_FRAME: usize = 4 * 1_024;
/// Refusals in a second after which a socket that goes on is closed, and at once.
const REFUSALS: Rate = Rate {
    per_second: NonZeroU32::new(20).expect("20 is not 0"),
    burst: NonZeroU32::new(1_000).expect("1,000 is not 0"),
};
/// How long a WebSocket may bring all the time more than it may before it is cut.
const MAX_FLOOD_TIME: Duration = Duration::from_secs(10);

tokio::task_local! {
    /// The client in whose name the task works.
    static CURRENT: Client;
}

/// Does something in the name of a client: whatever the domain counts meanwhile is counted as its own.
///
/// No `async fn`: that would hold the work twice, and so would every socket as long as it lives.
pub fn as_client<W: Future>(client: &Client, work: W) -> TaskLocalFuture<Client, W> {
    CURRENT.scope(client.clone(), work)
}

/// Somebody who connects or calls.
#[derive(Debug, Clone)]
pub struct Client {
    is_limited: bool,
    network: Option<IpAddr>,
    budgets: Option<Arc<AddressBudgets>>,
}

impl Client {
    /// One for whom only the caps on all together count.
    pub const fn unlimited() -> Self {
        Self {
            is_limited: false,
            network: None,
            budgets: None,
        }
    }

    /// The one in whose name this task works, within [`as_client`]. What the server does by itself has no
    /// limits.
    pub fn current() -> Self {
        CURRENT
            .try_with(Self::clone)
            .unwrap_or_else(|_| Self::unlimited())
    }

    pub(super) const fn limited(
        network: Option<IpAddr>,
        budgets: Option<Arc<AddressBudgets>>,
    ) -> Self {
        Self {
            is_limited: true,
            network,
            budgets,
        }
    }

    pub(super) const fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Whether the one is limited in whose name this task works. What the server does by itself is not.
    pub(super) fn is_limited_now() -> bool {
        CURRENT.try_with(Self::is_limited).unwrap_or(false)
    }

    /// What its places count for; `None` where they only count in all.
    pub(super) const fn network(&self) -> Option<IpAddr> {
        self.network
    }

    pub(super) const fn budgets(&self) -> Option<&Arc<AddressBudgets>> {
        self.budgets.as_ref()
    }
}

/// What the clients of one address may still do together.
#[derive(Debug)]
pub struct AddressBudgets {
    events: Option<Budget>,
    bytes: Option<Budget>,
    pub(super) handshakes: Option<Budget>,
    pub(super) calls: Option<Budget>,
    failed_logins: Option<Budget>,
    /// When the next attempt to log in is heard, if some were too many.
    locked_until: Mutex<Option<Instant>>,
}

impl AddressBudgets {
    pub(super) fn new(rules: &LimitRules) -> Self {
        Self {
            events: Budget::new(rules.address_events),
            bytes: Budget::new(rules.address_bytes),
            handshakes: Budget::new(rules.handshakes),
            calls: Budget::new(rules.address_calls),
            failed_logins: Budget::new(rules.failed_logins),
            locked_until: Mutex::default(),
        }
    }

    /// Nothing is looked up for who guesses: neither a key is tried nor the database asked.
    pub(super) fn check_logins(&self) -> Result<()> {
        let locked_until = self.locked_until.lock().ok().and_then(|until| *until);
        let wait = locked_until.map(|until| until.saturating_duration_since(Instant::now()));
        match wait {
            Some(wait) if !wait.is_zero() => Err(Error::rate_limited(wait)),
            _ => Ok(()),
        }
    }

    pub(super) fn note_failed_login(&self) {
        if let Err(wait) = take(self.failed_logins.as_ref(), 1)
            && let Ok(mut locked_until) = self.locked_until.lock()
        {
            *locked_until = Some(Instant::now() + wait);
        }
    }
}

/// What one user may still do, over all sockets and calls.
#[derive(Debug)]
pub struct UserBudgets {
    events: Option<Budget>,
    pub(super) calls: Option<Budget>,
    pub(super) uploads: Option<Budget>,
}

impl UserBudgets {
    pub(super) fn new(rules: &LimitRules) -> Self {
        Self {
            events: Budget::new(rules.user_events),
            calls: Budget::new(rules.user_calls),
            uploads: Budget::new(rules.user_uploads),
        }
    }
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is handled.
    Accepted,
    /// It is refused with this.
    Refused(Error),
    /// Its socket goes on although it was refused over and over.
    Flooding,
}

/// What one socket may still send. Its user and its address are looked up once, when it joins.
#[derive(Debug)]
pub struct EventBudget {
    own: Option<Budget>,
    user: Option<Arc<UserBudgets>>,
    address: Option<Arc<AddressBudgets>>,
    refusals: Option<Budget>,
}

impl EventBudget {
    pub(super) fn new(
        own: Option<Rate>,
        user: Option<Arc<UserBudgets>>,
        address: Option<Arc<AddressBudgets>>,
    ) -> Self {
        Self {
            own: Budget::new(own),
            user,
            address,
            refusals: Budget::new(Some(REFUSALS)),
        }
    }

    /// Counts an event of that many bytes. Takes no lock, looks nothing up and allocates nothing.
    pub fn judge(&self, n_bytes: usize) -> Verdict {
        let n = u32::try_from(1 + n_bytes / BYTES_PER_EVENT).unwrap_or(u32::MAX);
        let of_user = self.user.as_ref().and_then(|of| of.events.as_ref());
        let of_address = self.address.as_ref().and_then(|of| of.events.as_ref());
        let taken = take(self.own.as_ref(), n)
            .and_then(|()| take(of_user, n))
            .and_then(|()| take(of_address, n));
        match taken {
            Ok(()) => Verdict::Accepted,
            Err(_) if take(self.refusals.as_ref(), 1).is_err() => Verdict::Flooding,
            Err(wait) => Verdict::Refused(Error::rate_limited(wait)),
        }
    }
}

/// What may still come in over one connection. Nothing is refused here: who brings too much is read
/// more slowly, and feels it through TCP.
#[derive(Debug)]
pub struct Traffic {
    own: Option<Budget>,
    address: Option<Arc<AddressBudgets>>,
    /// What was read and is not paid for, out of its own budget and out of that of its address.
    n_owed: [u32; 2],
    /// Since when its own budget has been empty at each look.
    flooding_since: Option<Instant>,
}

impl Traffic {
    pub(super) fn new(own: Option<Rate>, address: Option<Arc<AddressBudgets>>) -> Self {
        Self {
            own: Budget::new(own),
            address,
            n_owed: [0; 2],
            flooding_since: None,
        }
    }

    /// Notes what was read.
    pub fn note(&mut self, n_bytes: usize, n_frames: usize) {
        let n = n_frames
            .saturating_mul(BYTES_PER_FRAME)
            .saturating_add(n_bytes);
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        self.n_owed = self.n_owed.map(|n_owed| n_owed.saturating_add(n));
        if let Some(own) = &self.own
            && own.take(self.n_owed[0]).is_ok()
        {
            self.n_owed[0] = 0;
            self.flooding_since = None;
        } else if self.own.is_some() {
            self.flooding_since.get_or_insert_with(Instant::now);
        }
    }

    /// How long nothing is to be read; zero when what was read is paid for.
    pub fn pause(&mut self) -> Duration {
        let of_address = self.address.as_ref().and_then(|of| of.bytes.as_ref());
        let budgets = [self.own.as_ref(), of_address];
        let mut pause = Duration::ZERO;
        for (budget, n_owed) in budgets.into_iter().zip(&mut self.n_owed) {
            if *n_owed == 0 {
                continue;
            }
            match take(budget, *n_owed) {
                Ok(()) => *n_owed = 0,
                Err(wait) => pause = pause.max(wait),
            }
        }
        pause
    }

    /// Whether it has brought more than it may for so long that it does so on purpose.
    pub fn is_flooding(&self) -> bool {
        self.flooding_since
            .is_some_and(|since| since.elapsed() > MAX_FLOOD_TIME)
    }
}
