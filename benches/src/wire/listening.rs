//! What a polite client does on a connection: it answers pings whatever it waits for.

use std::pin::pin;

use anyhow::Context;

use super::link::Link;
use super::words::{self, Heard};

impl Link {
    /// Sends one packet.
    pub async fn say(&mut self, packet: String) -> anyhow::Result<()> {
        self.send(&mut vec![packet]).await
    }

    /// Listens until something is found in what is heard.
    pub async fn hear<T>(
        &mut self,
        mut find: impl FnMut(&Heard, &str) -> Option<T>,
    ) -> anyhow::Result<T> {
        loop {
            let packet = self.next().await.context("the connection ended")??;
            let heard = words::read(&packet);
            if heard == Heard::Ping {
                self.say(words::PONG.to_owned()).await?;
            }
            if let Some(found) = find(&heard, &packet) {
                return Ok(found);
            }
        }
    }

    /// Listens until something else has happened; an unread connection would be cut off by the server.
    pub async fn hear_during<T>(
        &mut self,
        event: impl Future<Output = T>,
        mut take: impl FnMut(Heard),
    ) -> anyhow::Result<T> {
        let mut event = pin!(event);
        loop {
            tokio::select! {
                happened = &mut event => return Ok(happened),
                packet = self.next() => {
                    let packet = packet.context("the connection ended")??;
                    let heard = words::read(&packet);
                    if heard == Heard::Ping {
                        self.say(words::PONG.to_owned()).await?;
                    }
                    take(heard);
                }
            }
        }
    }
}
