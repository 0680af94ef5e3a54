//! Public keys that identity providers publish as JWK sets. They are fetched in the background, kept
//! while their provider does not answer, and fetched anew when a token names a key that we do not have.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::fetching::{FETCH_TIMEOUT, Fetcher};
use super::keys::{self, Key};

/// How often keys are fetched that nobody misses: a key that its provider withdraws is good for so long.
const REFRESH: Duration = Duration::from_secs(300);
/// How often a provider is asked that did not answer, and how often tokens with unknown keys can make us
/// ask.
const RETRY: Duration = Duration::from_secs(10);
/// Longest JWK set, in bytes.
const MAX_SET_BYTES: usize = 262_144;

/// The sets of all providers.
#[derive(Default)]
pub struct KeySets {
    urls: Vec<Url>,
    fetcher: Option<Fetcher>,
    /// All keys, in the order of the addresses.
    keys: RwLock<Arc<Vec<Key>>>,
    /// The last look at the providers.
    looked: watch::Sender<Option<Look>>,
    wanted: Notify,
}

/// A look at all providers.
#[derive(Debug, Clone, Copy)]
struct Look {
    began_at: Instant,
    /// Whether each of them answered with keys.
    is_complete: bool,
}

impl KeySets {
    /// The sets at some addresses; nothing is fetched yet.
    pub fn new(urls: Vec<Url>, fetcher: Option<Fetcher>) -> Self {
        Self {
            urls,
            fetcher,
            ..Self::default()
        }
    }

    /// Whether there are no providers.
    pub fn is_empty(&self) -> bool {
        self.urls.is_empty()
    }

    /// Whether a provider did not answer when it was asked last, or has not been asked yet.
    pub fn is_incomplete(&self) -> bool {
        let looked = *self.looked.borrow();
        !self.is_empty() && looked.is_none_or(|look| !look.is_complete)
    }

    /// The keys that are known now.
    pub fn keys(&self) -> Arc<Vec<Key>> {
        let keys = self.keys.read();
        Arc::clone(&keys.expect("no code panics with this lock held"))
    }

    /// Waits for another look at the providers, unless there was one lately. However many ask, the
    /// providers are asked once.
    pub async fn look_again(&self) {
        let mut looked = self.looked.subscribe();
        let last = *looked.borrow_and_update();
        if self.is_empty() || last.is_some_and(|look| look.began_at.elapsed() < RETRY) {
            return;
        }
        self.wanted.notify_one();
        // Without an answer the caller goes on with the keys that there are.
        let _ = tokio::time::timeout(FETCH_TIMEOUT * 2, looked.changed()).await;
    }

    /// Keeps the keys current until told to stop; the body of a worker.
    pub async fn watch(&self, stop: CancellationToken) {
        let Some(fetcher) = &self.fetcher else { return };
        let mut sets: Vec<Vec<Key>> = vec![Vec::new(); self.urls.len()];
        while !self.is_empty() {
            let began_at = Instant::now();
            let is_complete = tokio::select! {
                () = stop.cancelled() => return,
                is_complete = self.look(fetcher, &mut sets) => is_complete,
            };
            let look = Look {
                began_at,
                is_complete,
            };
            self.looked.send_replace(Some(look));
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wait(look) => {}
            }
        }
    }

    /// Until the next look is due.
    async fn wait(&self, look: Look) {
        tokio::time::sleep_until(look.began_at + RETRY).await;
        if look.is_complete {
            let due = tokio::time::sleep_until(look.began_at + REFRESH);
            tokio::select! {
                () = due => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    /// Asks all providers. What one does not answer now stays as it was.
    async fn look(&self, fetcher: &Fetcher, sets: &mut [Vec<Key>]) -> bool {
        let fetched = join_all(self.urls.iter().map(|url| fetch(fetcher, url))).await;
        let mut is_complete = true;
        for ((url, set), fetched) in self.urls.iter().zip(sets.iter_mut()).zip(fetched) {
            match fetched {
                Ok(keys) => {
                    if set.is_empty() {
                        tracing::info!(
                            url.host = url.host_str(),
                            n_keys = keys.len(),
                            "login keys were fetched"
                        );
                    }
                    *set = keys;
                }
                Err(cause) => {
                    is_complete = false;
                    complain(url, &cause, set.is_empty());
                }
            }
        }
        let all = Arc::new(sets.concat());
        *self
            .keys
            .write()
            .expect("no code panics with this lock held") = all;
        is_complete
    }
}

fn complain(url: &Url, cause: &str, is_empty: bool) {
    let host = url.host_str();
    match is_empty {
        true => tracing::error!(
            url.host = host,
            cause,
            "NO LOGIN KEYS: JWKS_URL gives none, so nobody whose token it should prove can log in"
        ),
        false => tracing::warn!(
            url.host = host,
            cause,
            "login keys could not be refreshed, the last known ones stay"
        ),
    }
}

/// How many usable keys an address shows, or why none.
pub async fn probe(fetcher: &Fetcher, url: &Url) -> Result<usize, String> {
    Ok(fetch(fetcher, url).await?.len())
}

/// The usable keys at an address, or why there are none.
async fn fetch(fetcher: &Fetcher, url: &Url) -> Result<Vec<Key>, String> {
    let accept = HeaderValue::from_static("application/json, application/jwk-set+json");
    let headers = HeaderMap::from_iter([(ACCEPT, accept)]);
    let fetched = fetcher.get(url, headers, MAX_SET_BYTES).await;
    let fetched = fetched.map_err(|fault| fault.to_string())?;
    if !fetched.status.is_success() {
        return Err(format!("it answers {}", fetched.status.as_u16()));
    }
    let keys = keys::read_set(&fetched.body);
    match keys.is_empty() {
        true => Err("it shows no usable key".to_owned()),
        false => Ok(keys),
    }
}
