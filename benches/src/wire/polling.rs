//! Engine.IO over long-polling: a GET always waits, a POST brings what there is to say.

use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::link::Text;
use super::target::Target;

/// Stands between packets of one body.
const SEPARATOR: char = '\u{1e}';
/// Packets that may wait for their reader.
const QUEUE_LENGTH: usize = 1_024;
/// A poll is answered with a ping at the latest, every 25 seconds.
const POLL_TIMEOUT: Duration = Duration::from_secs(60);

/// A session that polls.
pub struct Polling {
    incoming: mpsc::Receiver<anyhow::Result<Text>>,
    client: reqwest::Client,
    url: Url,
    _poller: AbortOnDropHandle<()>,
}

#[derive(Deserialize)]
struct Open {
    sid: String,
}

impl Polling {
    /// Opens a session.
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let client = target.http.clone();
        let body = poll(&client, &target.polling("")?).await?;
        let open = body.strip_prefix('0').context("no open packet")?;
        let open: Open = serde_json::from_str(open).context("an unreadable open packet")?;
        let url = target.polling(&format!("&sid={}", open.sid))?;
        let (heard, incoming) = mpsc::channel(QUEUE_LENGTH);
        let poller = tokio::spawn(keep_polling(client.clone(), url.clone(), heard));
        Ok(Self {
            incoming,
            client,
            url,
            _poller: AbortOnDropHandle::new(poller),
        })
    }

    /// Sends packets in one request and leaves the list empty.
    pub async fn send(&mut self, packets: &mut Vec<String>) -> anyhow::Result<()> {
        if packets.is_empty() {
            return Ok(());
        }
        let body = packets.join(&SEPARATOR.to_string());
        packets.clear();
        let request = self.client.post(self.url.clone()).body(body);
        let answer = request
            .timeout(POLL_TIMEOUT)
            .header("content-type", "text/plain;charset=UTF-8")
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// The next packet; `None` at the end of the session.
    pub async fn next(&mut self) -> Option<anyhow::Result<Text>> {
        self.incoming.recv().await
    }
}

async fn keep_polling(
    client: reqwest::Client,
    url: Url,
    heard: mpsc::Sender<anyhow::Result<Text>>,
) {
    loop {
        let body = match poll(&client, &url).await {
            Ok(body) => body,
            Err(error) => {
                // Whoever listened may be gone.
                let _ = heard.send(Err(error)).await;
                return;
            }
        };
        for packet in body.split(SEPARATOR) {
            if heard.send(Ok(packet.into())).await.is_err() {
                return;
            }
        }
    }
}

async fn poll(client: &reqwest::Client, url: &Url) -> anyhow::Result<String> {
    let answer = client.get(url.clone()).timeout(POLL_TIMEOUT).send().await?;
    let status = answer.status();
    if !status.is_success() {
        bail!("status {status}");
    }
    Ok(answer.text().await?)
}
