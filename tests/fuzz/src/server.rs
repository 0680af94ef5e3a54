//! A whole server inside this process. Its tasks run only while an input is handled, so that a run
//! depends on its input as far as that goes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::http::response::Parts;
use http_body_util::{BodyExt, Limited};
use sohbet::{App, Config};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// Longer than everything that a client may have to wait for, the next ping excepted.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1_024 * 1_024;
/// Who calls.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5_000);

/// A runtime, and a folder that goes with it.
pub struct Place {
    runtime: Runtime,
    folder: TempDir,
}

impl Place {
    /// A new folder and a runtime that has not run yet.
    fn new() -> Self {
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Lets the server run until that is done.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let limited = async { tokio::time::timeout(PATIENCE, work).await };
        self.runtime.block_on(limited).expect("it took too long")
    }

    /// Development mode on SQLite: the largest part of the server can be reached without a login.
    fn config(&self, port: u16) -> Config {
        let folder = self.folder.path().to_str().unwrap();
        let settings = [
            ("DATABASE_URL", format!("sqlite://{folder}/chat.db")),
            ("DATA_DIR", folder.to_owned()),
            ("SOCKET_PORT", port.to_string()),
        ];
        Config::from_settings(settings).unwrap()
    }
}

/// A server behind a port.
pub struct Listening {
    place: Place,
    port: u16,
}

impl Listening {
    /// Starts it, and waits until it takes connections.
    pub fn start() -> Self {
        let place = Place::new();
        let port = free_port();
        let config = place.config(port);
        place.run(async {
            let server = tokio::spawn(sohbet::app::run(config));
            tokio::select! {
                ended = server => panic!("the server did not start: {ended:?}"),
                () = wait_until_served(port) => {}
            }
        });
        Self { place, port }
    }

    /// Lets the server run until that is done, which is given its port.
    pub fn run<T>(&self, work: impl AsyncFnOnce(u16) -> T) -> T {
        self.place.run(work(self.port))
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

/// The port is open before the server answers.
async fn wait_until_served(port: u16) {
    let call = async || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream
            .write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .await?;
        stream.read_exact(&mut [0]).await
    };
    while call().await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// A new connection.
pub async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    let stream = stream.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A server without a port, which is handed requests.
pub struct Embedded {
    place: Place,
    router: Router,
    /// Holds the parts that are not the router.
    _app: App,
}

/// What came of a request.
pub struct Answer {
    /// Its head.
    pub head: Parts,
    /// Its body.
    pub body: Bytes,
}

impl Embedded {
    /// Starts it.
    pub fn start() -> Self {
        let place = Place::new();
        let app = place.run(App::build(place.config(0))).unwrap();
        Self {
            router: app.router(),
            _app: app,
            place,
        }
    }

    /// Hands it a request of a program on this machine.
    pub fn call(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(PEER));
        self.place.run(async {
            let answered = self.router.clone().oneshot(request).await;
            let (head, body) = answered.unwrap_or_else(|never| match never {}).into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.expect("an answer that ends").to_bytes();
            Answer { head, body }
        })
    }
}

/// A header as text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).map(|value| value.to_str());
    value.map_or("", |value| value.expect("a header that can be read"))
}
