//! Accepting connections, as many as there may be.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use crate::chat::Limits;
use crate::socket::Peer;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;
/// What the system may keep for a connection whose client takes nothing, in bytes; Linux takes twice
/// that, and otherwise up to 4 MB for each of them.
const SEND_BUFFER: usize = 128 * 1_024;
/// What the system may keep of that unsent, in bytes: what a client with a full buffer gets no more is
/// rather shared with others here than copied for each of them.
const UNSENT: u32 = 16 * 1_024;
/// Pause after an accept that failed, for example because no file descriptor was free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection hears that there is no room for.
const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

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
    // What is accepted takes it over.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
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

/// Accepts one connection that there is room for, and that counts as open until it is dropped; errors are
/// logged and waited out.
pub async fn accept(
    socket: &TcpListener,
    write_timeout: Duration,
    limits: &Limits,
    open: &TaskTracker,
) -> (Connection, Peer) {
    loop {
        match socket.accept().await {
            Ok((stream, address)) => match limits.connect(address.ip()) {
                Some(allowed) => {
                    let open = open.token();
                    return Connection::new(stream, address, write_timeout, allowed, open);
                }
                None => {
                    tracing::debug!("a connection was refused, there are too many");
                    // It may not fit into an empty buffer either; then the end says it all.
                    let _ = stream.try_write(NO_ROOM);
                }
            },
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
