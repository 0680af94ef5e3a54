//! Texts between nodes over the database that they share: `LISTEN` and `NOTIFY` of PostgreSQL.
//!
//! What is said while a node does not listen is lost to it.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::Value;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::rows::Bulk;
use super::{Fault, Store};
use crate::link::{self, Carrier, Inlet, Text};

/// Longest text that PostgreSQL carries is 7,999 bytes.
pub const MAX_NOTICE_BYTES: usize = 7_900;
/// Nodes talk all the time; who hears nothing for so long is no longer connected.
const SILENCE: Duration = Duration::from_secs(3);
/// How long connecting may take, and saying something.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pause before the next try to connect.
const PAUSE: Duration = Duration::from_millis(250);
/// Texts that are said in one statement.
const MAX_TOGETHER: usize = 64;

impl Store {
    /// Carries texts over a channel until told to stop; the body of a worker.
    pub async fn carry_notices(
        self: Arc<Self>,
        channel: String,
        carrier: Carrier,
        stop: CancellationToken,
    ) {
        let Carrier { outgoing, inlet } = carrier;
        tokio::select! {
            () = link::last_words(&stop) => {}
            () = self.listen(&channel, inlet) => {}
            () = self.notify(&channel, outgoing) => {}
        }
    }

    async fn listen(&self, channel: &str, inlet: Inlet) {
        loop {
            if let Ok(Ok(mut listener)) = timeout(PATIENCE, self.listener(channel)).await {
                if !inlet.tell_restored().await {
                    return;
                }
                // A connection that is lost is made anew here, so that what was lost is known.
                while let Ok(Ok(Some(notice))) = timeout(SILENCE, listener.try_recv()).await {
                    if !inlet.hand_in(notice.payload().to_owned()).await {
                        return;
                    }
                }
                if !inlet.tell_broken().await {
                    return;
                }
                tracing::warn!("the connection to other nodes over PostgreSQL is lost");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Listens on a connection beside the pool, which it would hold for good.
    async fn listener(&self, channel: &str) -> Result<PgListener, sea_orm::sqlx::Error> {
        let options = self.read.get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(options.as_ref().clone())
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    }

    async fn notify(&self, channel: &str, mut outgoing: mpsc::Receiver<Text>) {
        let mut texts = Vec::with_capacity(MAX_TOGETHER);
        while outgoing.recv_many(&mut texts, MAX_TOGETHER).await > 0 {
            let said = timeout(PATIENCE, self.say(channel, &texts)).await;
            if !matches!(said, Ok(Ok(()))) {
                tracing::warn!(
                    n_texts = texts.len(),
                    "other nodes were not told over PostgreSQL"
                );
            }
            texts.clear();
        }
    }

    async fn say(&self, channel: &str, texts: &[Text]) -> Result<(), Fault> {
        let bind = |text: &Text, values: &mut Vec<Value>| {
            values.extend([channel.into(), (**text).into()]);
        };
        NOTIFY.query(&self.write, texts, bind).await?;
        Ok(())
    }
}

static NOTIFY: Bulk = Bulk::new(
    "SELECT CAST(pg_notify(v.column1, v.column2) AS TEXT) FROM (VALUES",
    2,
    ") AS v",
);
