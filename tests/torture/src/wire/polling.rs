//! Engine.IO over long-polling, request by request.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::http::{Answer, Call};

/// Stands between packets of one body.
const SEPARATOR: char = '\u{1e}';
/// A poll ends with a ping at the latest; a longer one is lost.
const POLL_PATIENCE: Duration = Duration::from_secs(12);
/// How long a POST may take: the server holds it up when too much waits.
const POST_PATIENCE: Duration = Duration::from_secs(10);

/// Opens a session. Returns what names it in further requests.
pub async fn open(to: SocketAddr) -> anyhow::Result<String> {
    let answer = request(to, "GET", "", None, POST_PATIENCE).await?;
    let text = answer.text();
    let body: Value = serde_json::from_str(text.strip_prefix('0').context("no open packet")?)?;
    let sid = body["sid"].as_str().context("no session id")?;
    Ok(sid.to_owned())
}

/// Waits for packets.
pub async fn poll(to: SocketAddr, sid: &str) -> anyhow::Result<Vec<String>> {
    let answer = request(to, "GET", &format!("&sid={sid}"), None, POLL_PATIENCE).await?;
    let text = answer.text();
    Ok(text.split(SEPARATOR).map(str::to_owned).collect())
}

/// Sends packets.
pub async fn post(to: SocketAddr, sid: &str, packets: &[String]) -> anyhow::Result<()> {
    let body = packets.join(&SEPARATOR.to_string());
    request(
        to,
        "POST",
        &format!("&sid={sid}"),
        Some(&body),
        POST_PATIENCE,
    )
    .await?;
    Ok(())
}

async fn request(
    to: SocketAddr,
    method: &str,
    query: &str,
    body: Option<&str>,
    patience: Duration,
) -> anyhow::Result<Answer> {
    let path = format!("/socket.io/?EIO=4&transport=polling{query}");
    let call = Call {
        method,
        path: &path,
        headers: &[],
        body: body.map(|body| ("text/plain;charset=UTF-8", body.as_bytes())),
        patience,
    };
    let answer = call.send(to).await?;
    match answer.status {
        200 => Ok(answer),
        status => bail!("status {status}"),
    }
}
