//! Accepting connections: no Nagle delay, dead peers noticed, and a deadline for stuck writes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, bail};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::socket::{Peer, ReadGate};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;
/// How long the kernel keeps unacknowledged data before it gives a peer up.
const USER_TIMEOUT: Duration = Duration::from_secs(45);
/// Pause after an accept that failed, for example because no file descriptor was free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens on one port of one or more addresses.
pub struct Listener {
    sockets: Vec<TcpListener>,
    port: u16,
}

impl Listener {
    /// Binds all addresses to the same port. An IPv6 address that this machine does not have is
    /// left out, as long as another address can be bound.
    pub async fn bind(hosts: &[String], port: u16) -> anyhow::Result<Self> {
        let mut listener = Self {
            sockets: Vec::new(),
            port,
        };
        let mut failed = None;
        for host in hosts {
            let ip: IpAddr = host
                .parse()
                .with_context(|| format!("{host} is no address"))?;
            match open(SocketAddr::new(ip, listener.port)) {
                Ok(socket) => {
                    listener.port = socket.local_addr()?.port();
                    listener.sockets.push(socket);
                }
                Err(error) if ip.is_ipv6() && is_missing(&error) => failed = Some(error),
                Err(error) => {
                    let text = format!(
                        "cannot listen on {host} port {}: is it taken? Set SOCKET_PORT to another",
                        listener.port
                    );
                    return Err(error).context(text);
                }
            }
        }
        match (listener.sockets.is_empty(), failed) {
            (false, _) => Ok(listener),
            (true, Some(error)) => Err(error).context("no address can be listened on"),
            (true, None) => bail!("no address to listen on is given"),
        }
    }

    /// The port that is bound.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The sockets, one per address.
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn is_missing(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own.
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(97)
}

/// Accepts one connection; errors are logged and waited out.
pub async fn accept(socket: &TcpListener, write_timeout: Duration) -> (Connection, Peer) {
    loop {
        match socket.accept().await {
            Ok((stream, address)) => {
                let kill = CancellationToken::new();
                let gate = Arc::<ReadGate>::default();
                let is_stuck = Arc::<AtomicBool>::default();
                let peer = Peer {
                    address,
                    kill: kill.clone(),
                    gate: Arc::clone(&gate),
                    is_stuck: Arc::clone(&is_stuck),
                };
                let connection = Connection::new(stream, kill, gate, is_stuck, write_timeout);
                return (connection, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A client's close frame that says "service restart" (RFC 6455, section 5.2; code 1012), with a mask
/// of zeros.
const CLOSE_FRAME: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4];

/// One TCP connection. A write that is stuck for too long ends it, and so does its kill switch;
/// without that, a client that stops reading would stay connected for ever.
pub struct Connection {
    stream: TcpStream,
    gate: Arc<ReadGate>,
    /// What is still to be read after the gate has ended.
    last_words: &'static [u8],
    kill: CancellationToken,
    /// Reader and writer are different tasks, so each needs a waker of its own.
    killed_for_reader: Pin<Box<WaitForCancellationFutureOwned>>,
    killed_for_writer: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Made when a write is stuck for the first time; most never are.
    deadline: Option<Pin<Box<Sleep>>>,
    is_stuck: Arc<AtomicBool>,
    write_timeout: Duration,
}

impl Connection {
    fn new(
        stream: TcpStream,
        kill: CancellationToken,
        gate: Arc<ReadGate>,
        is_stuck: Arc<AtomicBool>,
        write_timeout: Duration,
    ) -> Self {
        // Both only sharpen behaviour; a kernel that refuses them still serves.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT));
        Self {
            stream,
            gate,
            last_words: CLOSE_FRAME,
            killed_for_reader: Box::pin(kill.clone().cancelled_owned()),
            killed_for_writer: Box::pin(kill.clone().cancelled_owned()),
            kill,
            deadline: None,
            is_stuck,
            write_timeout,
        }
    }

    fn guard_write<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.killed_for_writer.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = write(Pin::new(&mut self.stream), context);
        if written.is_ready() {
            self.is_stuck.store(false, Ordering::Relaxed);
            return written;
        }
        let ends_at = Instant::now() + self.write_timeout;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(ends_at)));
        if !self.is_stuck.swap(true, Ordering::Relaxed) {
            deadline.as_mut().reset(ends_at);
        }
        if deadline.as_mut().poll(context).is_ready() {
            tracing::info!("a client does not read, its connection is reset");
            self.kill.cancel();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
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
        if self.gate.poll_open(context).is_pending() {
            return Poll::Pending;
        }
        if self.gate.has_ended() {
            // The WebSocket behind it answers with the same, and ends in good order.
            let (now, later) = self
                .last_words
                .split_at(self.last_words.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.last_words = later;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
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
