//! Asking other servers: with a deadline, for a bounded answer, and never where a redirect points.

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use url::Url;

/// How long an answer may take, its body included.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("sohbet/", env!("CARGO_PKG_VERSION"));

/// Fetches JSON.
#[derive(Clone)]
pub struct Fetcher(reqwest::Client);

/// An answer.
pub struct Fetched {
    /// Its status; redirects are answers like others.
    pub status: StatusCode,
    /// All of its body.
    pub body: Vec<u8>,
}

/// Why there is no answer. It names no address: some hold secrets.
#[derive(Debug)]
pub enum FetchFault {
    /// Nobody answered in time.
    Timeout,
    /// No connection, or a broken one.
    Connection,
    /// A body longer than anybody needs.
    TooLong,
}

impl fmt::Display for FetchFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Timeout => "no answer in time",
            Self::Connection => "no connection",
            Self::TooLong => "the answer is too long",
        })
    }
}

impl From<reqwest::Error> for FetchFault {
    fn from(error: reqwest::Error) -> Self {
        match error.is_timeout() {
            true => Self::Timeout,
            false => Self::Connection,
        }
    }
}

impl Fetcher {
    /// Prepares a client; nothing is fetched yet.
    pub fn new() -> anyhow::Result<Self> {
        // The database driver brings the same one along. Who has installed one already wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(FETCH_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(USER_AGENT)
            .referer(false)
            .build();
        Ok(Self(client.context("no HTTP client can be made")?))
    }

    /// Gets what is at an address, at most `max_bytes` of it.
    pub async fn get(
        &self,
        url: &Url,
        headers: HeaderMap,
        max_bytes: usize,
    ) -> Result<Fetched, FetchFault> {
        let request = self.0.get(url.clone()).headers(headers);
        let mut response = request.send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > max_bytes {
                return Err(FetchFault::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched {
            status: response.status(),
            body,
        })
    }
}
