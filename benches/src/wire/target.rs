//! Where the server is, and how one gets in.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use tokio::net::{TcpSocket, TcpStream};
use url::Url;

/// Connections from one source address; the kernel has 28,000 ports for it to one destination.
const PER_SOURCE: usize = 20_000;
/// The first address of this machine that connections come from, once one does not suffice.
const FIRST_SOURCE: u32 = 0x7f00_0002;

/// A server under load.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its address as it was given, without a path.
    base: Url,
    /// Path of its Socket.IO endpoint, with slashes around it.
    path: String,
    address: SocketAddr,
    /// For REST calls and sessions that poll. It keeps connections open and is made once, because each
    /// reads this machine's certificates.
    pub(super) http: reqwest::Client,
}

impl Target {
    /// Finds the server. `url` is `http://…` or `https://…`, `path` that of its Socket.IO endpoint.
    pub async fn find(url: &str, path: &str) -> anyhow::Result<Self> {
        let base = Url::parse(url).with_context(|| format!("{url} is no address"))?;
        if !matches!(base.scheme(), "http" | "https") {
            bail!("{url} must begin with http:// or https://");
        }
        let host = base.host_str().context("the address names no host")?;
        let port = base.port_or_known_default().context("no port")?;
        let name = host.trim_matches(['[', ']']);
        let found: Vec<_> = tokio::net::lookup_host((name, port)).await?.collect();
        // A name of this machine has an address of each kind, and a server may listen on one of them.
        for address in &found {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(Self {
                    base,
                    path: format!("/{}/", path.trim_matches('/')).replace("//", "/"),
                    address: *address,
                    http: reqwest::Client::builder().tcp_nodelay(true).build()?,
                });
            }
        }
        bail!("nobody listens on {host}:{port}")
    }

    /// Whether the server runs on this machine.
    pub fn is_local(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of a REST call.
    pub(super) fn rest(&self, path: &str) -> anyhow::Result<Url> {
        Ok(self.base.join(path)?)
    }

    /// The address of the Socket.IO endpoint over HTTP.
    pub(super) fn polling(&self, query: &str) -> anyhow::Result<Url> {
        let path = format!("{}?EIO=4&transport=polling{query}", self.path);
        Ok(self.base.join(&path)?)
    }

    /// The address of the Socket.IO endpoint as a WebSocket.
    pub(super) fn websocket(&self) -> String {
        let scheme = self.base.scheme().replace("http", "ws");
        let host = self.base.host_str().unwrap_or_default();
        let (port, path) = (self.port(), &self.path);
        format!("{scheme}://{host}:{port}{path}?EIO=4&transport=websocket")
    }

    /// Opens a connection; `number` counts them, because one source address has only so many ports.
    pub(super) async fn connect(&self, number: usize) -> anyhow::Result<TcpStream> {
        let stream = match self.address {
            SocketAddr::V4(to) if to.ip().is_loopback() => {
                let socket = TcpSocket::new_v4()?;
                let nth = u32::try_from(number / PER_SOURCE)?;
                if nth > 0 {
                    socket.bind((Ipv4Addr::from(FIRST_SOURCE + nth), 0).into())?;
                }
                socket.connect(self.address).await
            }
            address => TcpStream::connect(address).await,
        };
        let stream = stream.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
