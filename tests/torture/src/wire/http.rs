//! One HTTP request per connection: simple, and each one meets the faults anew.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// A request.
pub struct Call<'a> {
    /// `GET`, `POST` ...
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Further headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// Body with its media type, if there is one.
    pub body: Option<(&'a str, &'a [u8])>,
    /// How long the answer may take.
    pub patience: Duration,
}

/// An answer.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `Null` for what is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Call<'_> {
    /// Sends it and reads the whole answer.
    pub async fn send(&self, to: SocketAddr) -> anyhow::Result<Answer> {
        let answer = timeout(self.patience, self.exchange(to));
        answer.await.context("no answer in time")?
    }

    async fn exchange(&self, to: SocketAddr) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let (media_type, body) = self.body.unwrap_or_default();
        if self.body.is_some() {
            head.push_str(&format!(
                "content-type: {media_type}\r\ncontent-length: {}\r\n",
                body.len()
            ));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream
            .take(MAX_ANSWER_BYTES)
            .read_to_end(&mut answer)
            .await?;
        parse(&answer)
    }
}

fn parse(answer: &[u8]) -> anyhow::Result<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.context("the answer has no end of its head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.context("the answer has no status")?;
    let body = &answer[end + 4..];
    let body = match head.contains("transfer-encoding: chunked") {
        true => unchunk(body)?,
        false => {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: Option<usize> = length.and_then(|length| length.trim().parse().ok());
            if length.is_some_and(|length| length != body.len()) {
                bail!("the answer was cut");
            }
            body.to_vec()
        }
    };
    Ok(Answer { status, body })
}

fn unchunk(mut rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let end = end.context("a chunk has no length")?;
        let length = std::str::from_utf8(&rest[..end])?;
        let length =
            usize::from_str_radix(length.split(';').next().unwrap_or_default().trim(), 16)?;
        if length == 0 {
            return Ok(body);
        }
        let chunk = rest
            .get(end + 2..end + 2 + length)
            .context("the answer was cut")?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 4 + length..).context("the answer was cut")?;
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn cut_answers_are_told_from_whole_ones() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let answer = parse(whole).unwrap();
        assert_eq!((answer.status, answer.text()), (200, "ok".to_owned()));
        assert!(parse(&whole[..whole.len() - 1]).is_err());
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().text(), "ok");
        assert!(parse(&chunked[..chunked.len() - 6]).is_err());
    }
}
