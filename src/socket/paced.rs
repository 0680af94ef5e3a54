//! What a polling client sends, packet by packet: each costs what the frame of a WebSocket does, so that
//! nobody gets around that budget with thousands of them in one body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::links::Links;

/// Stands between two packets of one body (engine.io-protocol, "HTTP long-polling").
const SEPARATOR: u8 = 0x1e;
/// Packets that are paid for together: fewer than any sensible budget allows at once, because what is over
/// a whole budget costs no more than all of it.
const TOGETHER: usize = 16;

/// The body of a request.
#[derive(Debug)]
pub struct Paced<B> {
    body: B,
    /// The session that pays for what comes in.
    links: Option<Arc<Links>>,
    /// What came in and is not paid for, and how many of its packets are not even counted.
    held: Option<Frame<Bytes>>,
    n_uncounted: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<B> Paced<B> {
    /// A body in which there are no packets.
    pub fn free(body: B) -> Self {
        Self {
            body,
            links: None,
            held: None,
            n_uncounted: 0,
            pause: None,
        }
    }

    /// From now on the session pays for each packet, before the engine sees it.
    pub fn charge(&mut self, links: &Arc<Links>) {
        self.links = Some(Arc::clone(links));
    }

    /// Ready when everything that the session brought is counted and paid for.
    fn poll_paid(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(links) = &self.links else {
            return Poll::Ready(());
        };
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let pause = links.pause();
            if !pause.is_zero() {
                self.pause = Some(Box::pin(tokio::time::sleep(pause)));
                continue;
            }
            let n_counted = self.n_uncounted.min(TOGETHER);
            if n_counted == 0 {
                return Poll::Ready(());
            }
            self.n_uncounted -= n_counted;
            links.note_packets(n_counted);
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if this.held.is_none() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    let data = frame.data_ref().into_iter().flatten();
                    this.n_uncounted = data.filter(|byte| **byte == SEPARATOR).count();
                    this.held = Some(frame);
                }
                end => return Poll::Ready(end),
            }
        }
        ready!(this.poll_paid(context));
        Poll::Ready(this.held.take().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.held {
            Some(_) => SizeHint::default(),
            None => self.body.size_hint(),
        }
    }
}
