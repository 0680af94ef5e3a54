//! What a test needs: servers, clients and databases, with the verbs of their users.

pub mod api_tokens;
pub mod bucket;
pub mod client;
pub mod command;
pub mod desk;
pub mod forms;
pub mod histories;
pub mod http;
pub mod load;
pub mod locks;
pub mod messages;
pub mod parts;
pub mod polling;
pub mod postgres;
pub mod processes;
pub mod properties;
pub mod provider;
pub mod routes;
pub mod server;
pub mod sockets;
pub mod stores;
pub mod tokens;
pub mod wire;

use std::future::Future;
use std::time::Duration;

/// Nothing that a test waits for takes that long; a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the future gives, within [`PATIENCE`]. `what` says what was waited for.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    within(PATIENCE, what, future).await
}

/// What the future gives, within a limit.
pub async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {limit:?} in vain for {what}"),
    }
}

/// A number that is another one each time, below `limit`.
pub fn any_below(limit: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % limit
}
