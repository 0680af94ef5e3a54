//! Writing: what waits for the client, pings, and at the end why.

use std::pin::pin;

use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{End, Ending, FAREWELL_TIME, Queue, Shared, Stream, Switch, Vitals};

/// Frames that go out together.
const MAX_TOGETHER: usize = 64;

/// The writing side of a socket.
pub(super) struct Writing<'a> {
    pub shared: &'a Shared,
    pub switch: &'a Switch,
    pub ending: &'a Ending,
    pub vitals: &'a Vitals,
    pub sink: SplitSink<Stream, Message>,
    pub queue: Queue,
}

/// The client takes no more.
struct Stuck;

impl Writing<'_> {
    /// Writes until the socket ends, also in the middle of a write that is stuck, and tells the
    /// client why.
    pub async fn write(mut self) -> SplitSink<Stream, Message> {
        let (shared, switch, ending) = (self.shared, self.switch, self.ending);
        let end = {
            let work = pin!(self.work());
            tokio::select! {
                biased;
                () = switch.killed.cancelled() => End::Cut,
                () = switch.expelled.cancelled() => End::Told(CloseCode::Policy),
                () = shared.closed.cancelled() => End::Told(CloseCode::Restart),
                end = ending.wait() => end,
                end = work => end,
            }
        };
        ending.set(end);
        // Who takes no notice in time is cut off all the same.
        let _ = tokio::time::timeout(FAREWELL_TIME, self.say_goodbye(end)).await;
        self.sink
    }

    async fn work(&mut self) -> End {
        let config = &self.shared.config;
        let first = Instant::now() + config.ping_interval;
        let mut pings = tokio::time::interval_at(first, config.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pinged_at = None;
        loop {
            let answer_due = pinged_at.unwrap_or(first) + config.ping_timeout;
            let written = tokio::select! {
                frame = self.queue.next() => match frame {
                    Some(frame) => self.send_all(frame).await,
                    None => return End::Cut,
                },
                _ = pings.tick() => {
                    pinged_at.get_or_insert_with(Instant::now);
                    self.send(Message::Ping(Default::default())).await
                }
                () = tokio::time::sleep_until(answer_due), if pinged_at.is_some() => {
                    if pinged_at.take().is_some_and(|then| self.vitals.is_silent_since(then)) {
                        tracing::debug!("a client does not answer pings");
                        return End::Cut;
                    }
                    Ok(())
                }
            };
            if let Err(Stuck) = written {
                return End::Cut;
            }
        }
    }

    /// Sends a frame and those that wait behind it.
    async fn send_all(&mut self, frame: String) -> Result<(), Stuck> {
        let sink = &mut self.sink;
        let mut n_left = MAX_TOGETHER;
        let mut next = Some(frame);
        let send = async {
            while let Some(frame) = next {
                sink.feed(Message::text(frame)).await?;
                n_left -= 1;
                next = match n_left {
                    0 => None,
                    _ => self.queue.next_now(),
                };
            }
            sink.flush().await
        };
        in_time(self.shared, send).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Stuck> {
        in_time(self.shared, self.sink.send(message)).await
    }

    async fn say_goodbye(&mut self, end: End) {
        let said = match end {
            End::Cut => return,
            // The answer to a goodbye is made by the library, and only has to go out.
            End::ByClient => self.sink.flush().await,
            End::Told(code) => {
                if code == CloseCode::Restart
                    && let Some(frame) = self.queue.next_now()
                {
                    // Who comes back has missed nothing of what was told already.
                    let _ = self.send_all(frame).await;
                }
                let frame = CloseFrame {
                    code,
                    reason: Utf8Bytes::default(),
                };
                self.sink.send(Message::Close(Some(frame))).await
            }
        };
        if said.is_err() {
            tracing::debug!("a client was gone before it was sent away");
        }
    }
}

/// A client that takes nothing for as long as it has for a pong is as good as gone.
async fn in_time<E>(
    shared: &Shared,
    send: impl Future<Output = Result<(), E>>,
) -> Result<(), Stuck> {
    match tokio::time::timeout(shared.config.ping_timeout, send).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Stuck),
    }
}
