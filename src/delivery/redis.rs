//! Texts between nodes over Redis or Valkey: publish and subscribe on one channel.
//!
//! What is said while a node is not connected is lost to it. Connections are made anew for ever, and
//! nobody waits for them.

use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::link::{self, Carrier, Inlet, Refused, Text};

/// Longest text; far more than the largest message needs.
pub const MAX_TEXT_BYTES: usize = 8 * 1_024 * 1_024;
/// Nodes talk all the time; who hears nothing for so long is no longer connected.
const SILENCE: Duration = Duration::from_secs(3);
/// How long connecting may take, and saying something.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause before the next try to connect.
const PAUSE: Duration = Duration::from_millis(250);
/// Texts that are said in one round trip.
const MAX_TOGETHER: usize = 64;

/// Whether that is an address of Redis.
pub fn is_redis_url(url: &str) -> bool {
    Client::open(url).is_ok()
}

/// Carries texts over Redis.
pub struct RedisCarrier {
    client: Client,
    channel: String,
}

impl RedisCarrier {
    /// Takes the address, `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS; connects
    /// later.
    ///
    /// # Errors
    ///
    /// If the address is none.
    pub fn new(url: &str, channel: String) -> Result<Self, RedisError> {
        let client = Client::open(url)?;
        Ok(Self { client, channel })
    }

    /// Works until told to stop; the body of a worker.
    pub async fn carry(self, carrier: Carrier, stop: CancellationToken) {
        let Carrier { outgoing, inlet } = carrier;
        tokio::select! {
            () = link::last_words(&stop) => {}
            () = self.listen(inlet) => {}
            () = self.publish(outgoing) => {}
        }
    }

    async fn listen(&self, inlet: Inlet) {
        let mut is_up = None;
        loop {
            match self.hear(&inlet).await {
                Ok(()) => return,
                Err(was_up) => {
                    let _ = inlet.tell_broken().await;
                    if is_up != Some(false) || was_up {
                        tracing::warn!(
                            "Redis cannot be heard; nodes find what they miss in the database"
                        );
                    }
                    is_up = Some(false);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Hands in what is said until the connection is lost, and says whether there was one. `Ok` when
    /// nobody listens any more.
    async fn hear(&self, inlet: &Inlet) -> Result<(), bool> {
        let connect = async {
            let mut channel = self.client.get_async_pubsub().await?;
            channel.subscribe(&self.channel).await?;
            Ok::<_, RedisError>(channel)
        };
        let Ok(Ok(channel)) = timeout(PATIENCE, connect).await else {
            return Err(false);
        };
        if !inlet.tell_restored().await {
            return Ok(());
        }
        tracing::info!("connected to other nodes over Redis");
        let mut texts = channel.into_on_message();
        while let Ok(Some(message)) = timeout(SILENCE, texts.next()).await {
            let payload = message.get_payload_bytes();
            if payload.len() > MAX_TEXT_BYTES {
                tracing::warn!(
                    text.bytes = payload.len(),
                    "a text that is too long for one of a node was left out"
                );
                continue;
            }
            // What is no text is of no node.
            let Ok(text) = String::from_utf8(payload.to_vec()) else {
                continue;
            };
            match inlet.hand_in_now(text) {
                Ok(()) => {}
                Err(Refused::Closed) => return Ok(()),
                // The library would keep what comes without a limit.
                Err(Refused::Full) => {
                    tracing::warn!("more comes over Redis than is read here; it is left out");
                    return Err(true);
                }
            }
        }
        Err(true)
    }

    async fn publish(&self, mut outgoing: mpsc::Receiver<Text>) {
        let mut connection = None;
        let mut texts = Vec::with_capacity(MAX_TOGETHER);
        while outgoing.recv_many(&mut texts, MAX_TOGETHER).await > 0 {
            let said = timeout(PATIENCE, self.say(&mut connection, &texts)).await;
            if !matches!(said, Ok(Ok(()))) {
                tracing::debug!(
                    n_texts = texts.len(),
                    "other nodes were not told over Redis"
                );
                connection = None;
                tokio::time::sleep(PAUSE).await;
            }
            texts.clear();
        }
    }

    async fn say(
        &self,
        connection: &mut Option<MultiplexedConnection>,
        texts: &[Text],
    ) -> Result<(), RedisError> {
        let connection = match connection {
            Some(connection) => connection,
            None => {
                let patient = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE));
                let client = &self.client;
                let made = client.get_multiplexed_async_connection_with_config(&patient);
                connection.insert(made.await?)
            }
        };
        let mut pipe = redis::pipe();
        for text in texts {
            pipe.publish(&self.channel, &**text).ignore();
        }
        pipe.query_async(connection).await
    }
}
