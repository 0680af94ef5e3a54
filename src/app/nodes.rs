//! The way to other nodes on the same database: over Redis where it is configured, else over the
//! database itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::auth;
use crate::chat::Chat;
use crate::delivery::{self, Exchange, Exchanged, RedisCarrier, Secret};
use crate::link::link;
use crate::store::{self, BUS_KEY, Store};
use crate::worker::Worker;

/// What has to be stopped.
pub struct Workers {
    exchange: Worker,
    carrier: Worker,
}

impl Workers {
    /// Stops both, at most `limit` each.
    pub async fn drain(self, limit: Duration) {
        self.exchange.drain(limit).await;
        self.carrier.drain(limit).await;
    }
}

/// Starts what talks to other nodes; nothing where the database is this node's own.
pub async fn start(
    config: &delivery::Config,
    chat: &Arc<Chat>,
    store: &Arc<Store>,
) -> anyhow::Result<(Option<Workers>, Option<Exchanged>)> {
    if !store.is_shared() {
        return Ok((None, None));
    }
    let key = auth::random_key()?;
    let secret = Secret::new(store.find_or_create_text(BUS_KEY, &key).await?);
    // Nodes on other databases may share the same Redis.
    let channel = format!("sohbet:{}", store.epoch);
    let (link, carrier) = match &config.redis_url {
        Some(url) => {
            let redis = RedisCarrier::new(url, channel).context("REDIS_URL")?;
            let (link, carrier) = link(delivery::MAX_TEXT_BYTES);
            let work = |stop| async move { redis.carry(carrier, stop).await };
            (link, Worker::spawn("redis", work))
        }
        None => {
            let (link, carrier) = link(store::MAX_NOTICE_BYTES);
            let store = Arc::clone(store);
            let work = |stop| async move { store.carry_notices(channel, carrier, stop).await };
            (link, Worker::spawn("notices", work))
        }
    };
    let (exchange, exchanged) = Exchange::new(Arc::clone(chat), link, &secret);
    let workers = Workers {
        exchange: Worker::spawn("exchange", |stop| exchange.run(stop)),
        carrier,
    };
    Ok((Some(workers), Some(exchanged)))
}
