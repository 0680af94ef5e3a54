//! One TCP connection: its deadline, its kill switch, and what may come in over it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::frames::Frames;
use crate::chat::{AddressPlace, Traffic};
use crate::socket::Peer;

/// A client's close frame that says "service restart" (RFC 6455, section 5.2; code 1012), with a mask
/// of zeros.
const CLOSE_FRAME: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4];

/// One TCP connection. A write that is stuck for too long ends it, and so does its kill switch;
/// without that, a client that stops reading would stay connected for ever.
pub struct Connection {
    stream: TcpStream,
    peer: Peer,
    /// What is still to be read after the gate has ended.
    last_words: &'static [u8],
    /// Reader and writer are different tasks, so each needs a waker of its own.
    killed_for_reader: Pin<Box<WaitForCancellationFutureOwned>>,
    killed_for_writer: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Made when a write is stuck for the first time; most never are.
    deadline: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
    inbound: Option<Inbound>,
    is_websocket: Arc<AtomicBool>,
    _place: AddressPlace,
    _open: TaskTrackerToken,
}

/// What comes in over a connection that has a budget.
struct Inbound {
    traffic: Traffic,
    frames: Frames,
    /// While it lasts nothing is read.
    pause: Option<Pin<Box<Sleep>>>,
}

/// Tells a connection that it is a WebSocket from now on.
#[derive(Clone)]
pub struct Upgraded(Arc<AtomicBool>);

impl Upgraded {
    /// The request was answered that asked for it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Connection {
    /// A connection that was accepted, its place, what may come in, and what says that it is open.
    pub fn new(
        stream: TcpStream,
        address: SocketAddr,
        write_timeout: Duration,
        (place, traffic): (AddressPlace, Option<Traffic>),
        open: TaskTrackerToken,
    ) -> (Self, Peer) {
        // Both only sharpen behaviour; a kernel that refuses them still serves. Little that a client does not take
        // fits into the kernel's buffers: then no write is stuck, and the kernel gives the client up.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(write_timeout));
        let peer = Peer::new(address);
        let inbound = traffic.map(|traffic| Inbound {
            traffic,
            frames: Frames::default(),
            pause: None,
        });
        let connection = Self {
            stream,
            last_words: CLOSE_FRAME,
            killed_for_reader: Box::pin(peer.kill.clone().cancelled_owned()),
            killed_for_writer: Box::pin(peer.kill.clone().cancelled_owned()),
            peer: peer.clone(),
            deadline: None,
            write_timeout,
            inbound,
            is_websocket: Arc::default(),
            _place: place,
            _open: open,
        };
        (connection, peer)
    }

    /// The way to say that it has become a WebSocket.
    pub fn upgraded(&self) -> Upgraded {
        Upgraded(Arc::clone(&self.is_websocket))
    }

    fn guard_write(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.killed_for_writer.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = write(Pin::new(&mut self.stream), context);
        if let Poll::Ready(written) = &written
            && let Ok(n_bytes) = written
        {
            self.peer
                .n_written
                .fetch_add(*n_bytes as u64, Ordering::Relaxed);
        }
        if written.is_ready() {
            self.peer.is_stuck.store(false, Ordering::Relaxed);
            return written;
        }
        let ends_at = Instant::now() + self.write_timeout;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(ends_at)));
        if !self.peer.is_stuck.swap(true, Ordering::Relaxed) {
            deadline.as_mut().reset(ends_at);
        }
        if deadline.as_mut().poll(context).is_ready() {
            tracing::info!("a client does not read, its connection is reset");
            self.peer.kill.cancel();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// Ready when what was read before is paid for.
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(inbound) = &mut self.inbound else {
            return Poll::Ready(());
        };
        loop {
            if let Some(pause) = &mut inbound.pause {
                std::task::ready!(pause.as_mut().poll(context));
                inbound.pause = None;
            }
            let pause = inbound.traffic.pause();
            if pause.is_zero() {
                return Poll::Ready(());
            }
            inbound.pause = Some(Box::pin(tokio::time::sleep(pause)));
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        let Some(inbound) = &mut self.inbound else {
            return;
        };
        if self.is_websocket.load(Ordering::Acquire) {
            inbound.frames.begin();
        }
        let n_frames = inbound.frames.pass(bytes);
        inbound.traffic.note(bytes.len(), n_frames);
        // An upload takes as long as it takes; a client that talks and is always too much means it.
        if inbound.frames.have_begun() && inbound.traffic.is_flooding() {
            tracing::info!("a client does not stop to send too much, its connection is reset");
            self.peer.kill.cancel();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.killed_for_reader.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.peer.gate.poll_open(context).is_pending() {
            return Poll::Pending;
        }
        if self.peer.gate.has_ended() {
            // The WebSocket behind it answers with the same, and ends in good order.
            let (now, later) = self
                .last_words
                .split_at(self.last_words.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.last_words = later;
            return Poll::Ready(Ok(()));
        }
        if self.poll_pause(context).is_pending() {
            return Poll::Pending;
        }
        let n_before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.note_read(&buffer.filled()[n_before..]);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.guard_write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.guard_write(context, |stream, context| {
            stream.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
