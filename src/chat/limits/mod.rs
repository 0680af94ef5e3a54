//! How much anybody may ask of the server: budgets of what happens, which fill up again, and caps on
//! what there may be at a time. Surfaces carry the address of their clients and ask; what the numbers
//! are for stands in docs/limits.md.
//!
//! Where clients are believed anyway (development mode), and for addresses that an operator names,
//! only the caps hold that protect the process itself.

mod budget;
mod clients;
mod places;

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use quick_cache::sync::Cache;
use sohbet_entity::ids::{ConversationId, UserId};

pub use budget::{Budget, Rate};
pub use clients::{Client, EventBudget, Traffic, Verdict, as_client};
pub use places::Place;

use super::About;
use crate::addresses::{is_in, network};
use crate::error::{Error, Result};
use crate::store::Write;
use budget::take;
use clients::{AddressBudgets, UserBudgets};
use places::Places;

/// Owners of one kind whose budgets are known at a time. Beyond that, whoever was not heard of for
/// longest begins with a full one again.
const MAX_KNOWN: usize = 100_000;

/// A place for something that belongs to an address.
pub type AddressPlace = Place<IpAddr>;

/// What an operator allows. A rate that is `None` is no limit.
#[derive(Debug, Clone)]
pub struct LimitRules {
    /// Whether only the caps on all together hold: development mode.
    pub is_lenient: bool,
    /// Addresses for which it is the same.
    pub unlimited: Vec<IpNet>,
    /// Proxies: many clients have their address.
    pub proxies: Vec<IpNet>,
    /// Events of one socket.
    pub socket_events: Option<Rate>,
    /// Events of all sockets of one user.
    pub user_events: Option<Rate>,
    /// Events of all sockets of one address.
    pub address_events: Option<Rate>,
    /// Messages and markers in one conversation, whoever writes them.
    pub conversation_writes: Option<Rate>,
    /// Bytes that come in over one connection.
    pub connection_bytes: Option<Rate>,
    /// Bytes that come in over all connections of one address.
    pub address_bytes: Option<Rate>,
    /// Sockets that one address opens.
    pub handshakes: Option<Rate>,
    /// Tokens and logins of one address that are not valid.
    pub failed_logins: Option<Rate>,
    /// Requests of one address that are not for a socket.
    pub address_calls: Option<Rate>,
    /// The same of one user.
    pub user_calls: Option<Rate>,
    /// Files that one user brings.
    pub user_uploads: Option<Rate>,
    /// Bytes of all files of one user; a small one counts as 4 KiB.
    pub max_user_file_bytes: u64,
    /// Sockets in all.
    pub max_sockets: usize,
    /// Sockets of one user.
    pub max_user_sockets: usize,
    /// Sockets of one address.
    pub max_address_sockets: usize,
    /// Sockets in all that have not joined yet.
    pub max_pending: usize,
    /// The same of one address.
    pub max_address_pending: usize,
    /// Connections in all.
    pub max_connections: usize,
    /// Connections of one address.
    pub max_address_connections: usize,
    /// Conversations that one socket listens to.
    pub max_socket_rooms: usize,
}

/// What is left of everything.
pub struct Limits {
    rules: LimitRules,
    hasher: RandomState,
    addresses: Cache<IpAddr, Arc<AddressBudgets>>,
    users: Cache<u64, Arc<UserBudgets>>,
    conversations: Cache<u64, Arc<Option<Budget>>>,
    connections: Arc<Places<IpAddr>>,
    pending: Arc<Places<IpAddr>>,
    sockets: Arc<Places<IpAddr>>,
    /// How many there may be in all, `sockets` counts.
    user_sockets: Arc<Places<UserId>>,
}

/// The places of a socket that has joined.
pub struct SocketPlaces {
    _of_address: AddressPlace,
    _of_user: Option<Place<UserId>>,
}

impl Limits {
    pub(super) fn new(rules: LimitRules) -> Self {
        Self {
            hasher: RandomState::new(),
            addresses: Cache::new(MAX_KNOWN),
            users: Cache::new(MAX_KNOWN),
            conversations: Cache::new(MAX_KNOWN),
            connections: Places::new(rules.max_connections, rules.max_address_connections),
            pending: Places::new(rules.max_pending, rules.max_address_pending),
            sockets: Places::new(rules.max_sockets, rules.max_address_sockets),
            user_sockets: Places::new(usize::MAX, rules.max_user_sockets),
            rules,
        }
    }

    /// Who is behind an address; `None` where nobody knows it, because another program serves us.
    pub fn client(&self, address: Option<IpAddr>) -> Client {
        let is_unlimited = self.rules.is_lenient
            || address.is_some_and(|address| is_in(&self.rules.unlimited, address));
        if is_unlimited {
            return Client::unlimited();
        }
        let network = address.map(network);
        let budgets = network.map(|network| self.of_address(network));
        Client::limited(network, budgets)
    }

    /// A place for a connection, and what may come in over it; `None` when there are too many. The
    /// clients behind a proxy share its address, so only what is theirs alone counts there.
    pub fn connect(&self, peer: IpAddr) -> Option<(AddressPlace, Option<Traffic>)> {
        if is_in(&self.rules.proxies, peer) {
            let traffic = Traffic::new(self.rules.connection_bytes, None);
            let is_limited = !self.rules.is_lenient && !is_in(&self.rules.unlimited, peer);
            let place = self.connections.take(None)?;
            return Some((place, is_limited.then_some(traffic)));
        }
        let client = self.client(Some(peer));
        let place = self.connections.take(client.network())?;
        Some((place, self.traffic(&client)))
    }

    /// What may come in over one connection of a client, or over all those of one polling session;
    /// `None` for one without limits.
    pub fn traffic(&self, client: &Client) -> Option<Traffic> {
        client
            .is_limited()
            .then(|| Traffic::new(self.rules.connection_bytes, client.budgets().cloned()))
    }

    /// A place for a socket that opens, until it has joined.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` if its address opens too many, or fails to prove who it is too often;
    /// `UNAVAILABLE` if there are too many that have not joined.
    pub fn begin_socket(&self, client: &Client) -> Result<AddressPlace> {
        let handshakes = client.budgets().and_then(|of| of.handshakes.as_ref());
        take(handshakes, 1).map_err(Error::rate_limited)?;
        self.check_logins(client)?;
        let place = self.pending.take(client.network());
        place.ok_or(Error::busy())
    }

    /// The places of a socket that joins.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` if its address or its user has too many, `UNAVAILABLE` if there are too many in
    /// all.
    pub fn join(&self, client: &Client, user: Option<&UserId>) -> Result<SocketPlaces> {
        let place = self.sockets.take(client.network());
        let of_address = place.ok_or(Error::busy())?;
        let user = user.filter(|_| client.is_limited());
        let of_user = match user {
            Some(user) => Some(
                self.user_sockets
                    .take(Some(user.clone()))
                    .ok_or(Error::busy())?,
            ),
            None => None,
        };
        Ok(SocketPlaces {
            _of_address: of_address,
            _of_user: of_user,
        })
    }

    /// What a socket may send; `None` for one without limits.
    pub fn events(&self, client: &Client, user: Option<&UserId>) -> Option<EventBudget> {
        let user = user.map(|user| self.of_user(user));
        let own = self.rules.socket_events;
        client
            .is_limited()
            .then(|| EventBudget::new(own, user, client.budgets().cloned()))
    }

    /// Refuses who has failed to log in too often.
    pub fn check_logins(&self, client: &Client) -> Result<()> {
        match client.budgets() {
            Some(budgets) => budgets.check_logins(),
            None => Ok(()),
        }
    }

    /// Notes that a token or a login was not valid.
    pub fn note_failed_login(&self, client: &Client) {
        if let Some(budgets) = client.budgets() {
            budgets.note_failed_login();
        }
    }

    /// Counts a request that is not for a socket.
    pub fn admit_call(&self, client: &Client) -> Result<()> {
        let calls = client.budgets().and_then(|of| of.calls.as_ref());
        take(calls, 1).map_err(Error::rate_limited)
    }

    /// Counts a request of a user, within [`as_client`].
    pub fn admit_user_call(&self, user: &UserId) -> Result<()> {
        match Client::is_limited_now() {
            true => take(self.of_user(user).calls.as_ref(), 1).map_err(Error::rate_limited),
            false => Ok(()),
        }
    }

    /// Counts a file of a user, within [`as_client`].
    pub fn admit_upload(&self, user: &UserId) -> Result<()> {
        match Client::is_limited_now() {
            true => take(self.of_user(user).uploads.as_ref(), 1).map_err(Error::rate_limited),
            false => Ok(()),
        }
    }

    /// How many bytes the files of a user may have in all, within [`as_client`]; `None` for any.
    pub fn max_file_bytes(&self) -> Option<u64> {
        Client::is_limited_now().then_some(self.rules.max_user_file_bytes)
    }

    /// Counts a write in its conversation, within [`as_client`].
    pub(super) fn admit_write(&self, write: &Write, about: &About) -> Result<()> {
        if !Client::is_limited_now() {
            return Ok(());
        }
        let conversation = match (write, about) {
            (Write::Read(read), _) => &read.conversation,
            (_, About::Message { conversation, .. }) => &conversation.id,
            (_, About::Read { .. }) => return Ok(()),
        };
        let budget = self.of_conversation(conversation);
        take(budget.as_ref().as_ref(), 1).map_err(Error::rate_limited)
    }

    fn of_address(&self, network: IpAddr) -> Arc<AddressBudgets> {
        known(&self.addresses, network, || {
            AddressBudgets::new(&self.rules)
        })
    }

    fn of_user(&self, user: &UserId) -> Arc<UserBudgets> {
        let new = || UserBudgets::new(&self.rules);
        known(&self.users, self.key(user), new)
    }

    fn of_conversation(&self, id: &ConversationId) -> Arc<Option<Budget>> {
        let new = || Budget::new(self.rules.conversation_writes);
        known(&self.conversations, self.key(id), new)
    }

    /// Ids are compared byte by byte, and their texts are not kept. Two that share a key, one pair in
    /// 2^64, share a budget.
    fn key(&self, id: &impl Hash) -> u64 {
        self.hasher.hash_one(id)
    }
}

/// The budgets of an owner, full ones if it was not heard of lately.
fn known<K: Eq + Hash + Clone, V>(
    known: &Cache<K, Arc<V>>,
    owner: K,
    new: impl FnOnce() -> V,
) -> Arc<V> {
    let new = || Ok::<_, Infallible>(Arc::new(new()));
    let Ok(budgets) = known.get_or_insert_with(&owner, new);
    budgets
}

#[cfg(test)]
mod tests;
