//! The request with which a polling session asks for a WebSocket, and what becomes of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;
use tower::Service;

use super::links::{Links, Peer};
use super::probe;
use crate::headers::accept_websocket;

/// Pause before an empty answer, so that a client that polls at once does not do so without end.
pub const NOOP_PAUSE: Duration = Duration::from_millis(20);

/// Ends the polls of a session as long as its client waits to move: it does so when none is open.
#[derive(Debug, Default)]
pub struct Release {
    is_probing: AtomicBool,
    is_on: AtomicBool,
    begins: Notify,
}

impl Release {
    /// Waits until polls are to end.
    pub async fn released(&self) {
        let begins = self.begins.notified();
        match self.is_on.load(Ordering::Acquire) {
            true => tokio::time::sleep(NOOP_PAUSE).await,
            false => begins.await,
        }
    }

    fn begin(&self) {
        self.is_on.store(true, Ordering::Release);
        self.begins.notify_waiters();
    }
}

/// A probe that is under way; the only one of its session.
struct Probing(Arc<Links>);

impl Probing {
    fn begin(links: &Arc<Links>) -> Option<Self> {
        let was_probing = links.release.is_probing.swap(true, Ordering::AcqRel);
        (!was_probing).then(|| Self(Arc::clone(links)))
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        let release = &self.0.release;
        release.is_on.store(false, Ordering::Release);
        release.is_probing.store(false, Ordering::Release);
    }
}

/// Answers the request; `None` when it cannot be met. The engine gets it when the client says that it
/// moves; until then the session goes on polling.
pub fn begin<S, B, R>(
    mut engine: S,
    mut request: Request<B>,
    links: &Arc<Links>,
    peer: Option<Peer>,
) -> Option<Response<()>>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Send + 'static,
{
    let accepted = accept_websocket(request.headers())?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>()?;
    let probing = Probing::begin(links)?;
    let links = Arc::clone(links);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else {
            return;
        };
        let mut io = TokioIo::new(upgraded);
        let Ok(frames) = probe::probe(&mut io, || links.release.begin()).await else {
            tracing::debug!("a websocket failed before the session moved to it");
            return;
        };
        // Not before: a client whose WebSocket fails while it ends its last poll polls no more, and would
        // wait for the next ping.
        if links.is_killed() {
            return;
        }
        links.begin_upgrade();
        drop(probing);
        let hand_over = probe::hand_over(io, frames, |upgrade| async move {
            request.extensions_mut().insert(upgrade);
            let Ok(response) = engine.call(request).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS
                && let Some(peer) = peer
            {
                links.upgrade(peer);
            }
            response
        });
        hand_over.await;
    });
    Some(accepted)
}
