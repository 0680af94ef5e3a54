//! Builds every part once, and stops them in the order in which a message flows.

mod connection;
mod connections;
mod frames;
mod handle;
mod listener;
mod local;
mod nodes;
mod plain;
pub mod seeding;
pub mod tokens;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any_service;
use tokio::signal::unix::{SignalKind, signal};

use crate::auth::Auth;
use crate::chat::{Chat, Files};
use crate::config::{Flags, Settings, shown_database};
use crate::delivery::Delivery;
use crate::plain::PlainSockets;
use crate::socket::Sockets;
use crate::store::{API_TOKEN_KEY, Blobs, LINK_KEY, Store, Writer};
use crate::telemetry::{self, StartUp};
use crate::worker::Worker;
use crate::{auth, chat, delivery, http, socket, store};
use connections::Connections;
pub use handle::{Handle, Post, Recipient};
use listener::Listener;

/// Time for packets that are on their way out before the transports are closed.
const FLUSH_TIME: Duration = Duration::from_millis(300);

/// The sections of all parts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses to listen on.
    pub hosts: Vec<String>,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// Whether clients on other machines are believed too where no key is set.
    pub trusts_clients: bool,
    /// Section of `store`.
    pub store: store::Config,
    /// Section of `delivery`.
    pub delivery: delivery::Config,
    /// Section of `auth`.
    pub auth: auth::Config,
    /// Section of `socket`.
    pub socket: socket::Config,
    /// Section of `http`.
    pub http: http::Config,
    /// Section of `chat`.
    pub chat: chat::Config,
    /// Where uploaded files are kept.
    pub blobs: store::BlobConfig,
    /// How long a write to a client may be stuck before its connection is reset.
    pub write_timeout: Duration,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Duration,
    /// How long a stop may take in all.
    pub stop_timeout: Duration,
}

impl Config {
    /// Reads the settings that the binary reads, but from `settings` instead of the environment:
    /// names and values as in the README, such as `("DATABASE_URL", "chat.db")`.
    ///
    /// # Errors
    ///
    /// If a setting is wrong; all that are wrong are named.
    pub fn from_settings<N, V>(settings: impl IntoIterator<Item = (N, V)>) -> anyhow::Result<Self>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let settings = settings.into_iter();
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        Ok(Settings::of(settings)?.into())
    }

    /// Reads the settings from the environment and from `.env`, as the binary does.
    ///
    /// # Errors
    ///
    /// If a setting is wrong; all that are wrong are named.
    pub fn from_environment() -> anyhow::Result<Self> {
        Ok(Settings::load(Flags::default())?.into())
    }
}

impl From<Settings> for Config {
    fn from(settings: Settings) -> Self {
        Self {
            hosts: settings.hosts,
            port: settings.port,
            trusts_clients: settings.trusts_clients,
            store: settings.store,
            delivery: settings.delivery,
            auth: settings.auth,
            socket: settings.socket,
            http: settings.http,
            chat: settings.chat,
            blobs: settings.blobs,
            write_timeout: settings.write_timeout,
            header_timeout: settings.header_timeout,
            stop_timeout: settings.stop_timeout,
        }
    }
}

/// Serves until SIGTERM or SIGINT, then stops in order.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut told_to_stop = async || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    // The port first: if it is taken, nothing else has happened yet.
    let listener = Listener::bind(&config.hosts, config.port).await?;
    let app = tokio::select! {
        app = App::build(config.clone()) => app?,
        signal = told_to_stop() => bail!("{signal} before the server had started"),
    };
    announce(&config, listener.port());
    let server = app.serve(listener, &config);
    let signal = told_to_stop().await;
    tracing::info!(signal, "stopping");
    let stop = tokio::time::timeout(config.stop_timeout, server.stop(config.stop_timeout));
    tokio::select! {
        stopped = stop => if stopped.is_err() {
            tracing::warn!("the stop took too long and was cut short");
        },
        signal = told_to_stop() => tracing::warn!(signal, "a second signal cuts the stop short"),
    }
    Ok(())
}

/// Brings the schema up to date.
pub async fn migrate(config: &store::Config) -> anyhow::Result<()> {
    store::migrate(config).await
}

/// Names of the migration steps that the database does not have yet; changes nothing.
pub async fn probe_database(config: &store::Config) -> anyhow::Result<Vec<String>> {
    store::pending_migrations(config).await
}

/// Whether the store of uploaded files answers; changes nothing.
pub async fn probe_blobs(config: &store::BlobConfig) -> anyhow::Result<()> {
    Blobs::open(config)?.probe().await
}

/// Keys from the configuration, and the one that the store keeps.
async fn prepare_auth(config: &auth::Config, store: &Store) -> anyhow::Result<Auth> {
    let key = auth::random_key()?;
    let stored_key = store.find_or_create_text(API_TOKEN_KEY, &key).await?;
    Auth::new(config, stored_key)
}

async fn prepare_files(config: &store::BlobConfig, store: &Store) -> anyhow::Result<Files> {
    let key = auth::random_key()?;
    Ok(Files {
        blobs: Blobs::open(config)?,
        link_key: store.find_or_create_text(LINK_KEY, &key).await?,
    })
}

/// All running parts but the listener: a server for somebody else's program, or for [`run`].
///
/// A program that has an axum router of its own hangs [`App::router`] into it, serves it, and calls
/// [`Handle::stop`] when it is done.
pub struct App {
    router: Router,
    chat: Arc<Chat>,
    parts: Parts,
    stop_timeout: Duration,
}

/// What has to be stopped.
struct Parts {
    store: Arc<Store>,
    http: Arc<http::State>,
    sockets: Sockets,
    plain: PlainSockets,
    connections: Option<Connections>,
    writer: Worker,
    delivery: Worker,
    nodes: Option<nodes::Workers>,
    clock: Worker,
    unread: Worker,
    conversations: Worker,
    expiry: Worker,
    sweeper: Worker,
    disks: Worker,
    tokens: Worker,
    keys: Worker,
    logins: Worker,
}

impl App {
    /// Opens the database and starts every part.
    ///
    /// Without a key (`JWT_SECRET`) it runs in development mode, in which clients are believed: it says
    /// so in the log, and [`App::router`] answers only callers on this machine, whatever address the
    /// program listens on. It knows them by axum's `ConnectInfo`, so a program that runs without a key
    /// serves with `into_make_service_with_connect_info::<SocketAddr>()`; without that nobody is
    /// answered. `INSECURE_TRUST_CLIENTS` ends both.
    ///
    /// # Errors
    ///
    /// If the database or the store of files cannot be opened.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        local::warn(&config);
        let store = Arc::new(Store::open(&config.store).await?);
        let (writer, queue, batches) = Writer::new(&store);
        let (chat, events) = Chat::new(
            config.chat.clone(),
            prepare_auth(&config.auth, &store).await?,
            Arc::clone(&store),
            queue,
            prepare_files(&config.blobs, &store).await?,
        );
        let chat = Arc::new(chat);
        let (nodes, exchanged) = nodes::start(&config.delivery, &chat, &store).await?;
        let delivery = Delivery::new(Arc::clone(&chat), batches, events, exchanged);
        let (sockets, endpoint) = Sockets::new(config.socket.clone(), Arc::clone(&chat));
        let plain_sockets = PlainSockets::new(plain::config(&config.socket), Arc::clone(&chat));
        let http = http::State::new(config.http.clone(), Arc::clone(&chat));
        let upgrades = from_fn_with_state(plain_sockets.clone(), plain::upgrade_or_pass);
        let router = Router::new()
            .route(&config.socket.path, any_service(endpoint))
            .merge(http::router(&http))
            .layer(upgrades);
        Ok(Self {
            router: local::keep_local(http::finish(router, &http), &config),
            parts: Parts {
                writer: Worker::spawn("writer", |stop| writer.run(stop)),
                // It ends by itself when the writer has: nothing committed stays untold.
                delivery: Worker::spawn("delivery", |_| delivery.run()),
                clock: Worker::spawn("clock", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_clock(stop).await }
                }),
                unread: Worker::spawn("unread", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_unread(stop).await }
                }),
                conversations: Worker::spawn("conversations", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_conversations(stop).await }
                }),
                expiry: Worker::spawn("expiry", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_expiry(stop).await }
                }),
                sweeper: Worker::spawn("sweeper", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.sweep_uploads(stop).await }
                }),
                disks: Worker::spawn("disks", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_disks(stop).await }
                }),
                tokens: Worker::spawn("tokens", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_tokens(stop).await }
                }),
                keys: Worker::spawn("keys", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.auth.watch_keys(stop).await }
                }),
                logins: Worker::spawn("logins", {
                    let chat = Arc::clone(&chat);
                    |stop| async move { chat.watch_logins(stop).await }
                }),
                nodes,
                connections: None,
                store,
                http,
                sockets,
                plain: plain_sockets,
            },
            chat,
            stop_timeout: config.stop_timeout,
        })
    }

    /// Everything that the server answers: both kinds of sockets, REST and files. It has a
    /// fallback, so hang it into another router with `fallback_service`.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Gives the parts away to a handle, which any number of tasks can share.
    pub fn into_handle(self) -> Handle {
        Handle::new(self.chat, self.parts, self.stop_timeout)
    }

    /// Serves on a listener of our own, with deadlines for writes and heads.
    fn serve(mut self, listener: Listener, config: &Config) -> Parts {
        self.parts.connections = Some({
            let chat = &self.chat;
            Connections::serve(listener, self.router, config, chat)
        });
        self.parts
    }
}

impl Parts {
    /// Nothing new comes in; what was accepted is committed and answered; then clients are sent
    /// away in a way that makes them come back.
    async fn stop(self, limit: Duration) {
        let part = limit / 4;
        self.http.drain();
        if let Some(connections) = &self.connections {
            connections.stop_accepting();
        }
        tokio::join!(self.sockets.drain(part), self.plain.drain(part));
        if let Some(connections) = &self.connections {
            connections.finish_requests(part).await;
        }
        self.writer.drain(part).await;
        self.delivery.drain(part).await;
        if let Some(nodes) = self.nodes {
            nodes.drain(part).await;
        }
        self.clock.drain(part).await;
        self.unread.drain(part).await;
        self.conversations.drain(part).await;
        self.expiry.drain(part).await;
        self.sweeper.drain(part).await;
        self.disks.drain(part).await;
        self.tokens.drain(part).await;
        self.keys.drain(part).await;
        self.logins.drain(part).await;
        tokio::time::sleep(FLUSH_TIME).await;
        tokio::join!(self.sockets.close(part), self.plain.close(part));
        if let Some(connections) = self.connections {
            connections.close().await;
        }
        self.store.close().await;
        tracing::info!("stopped");
    }
}

fn announce(config: &Config, port: u16) {
    let is_development = config.auth.is_development();
    telemetry::announce(&StartUp {
        host: config.hosts.first().map_or("localhost", String::as_str),
        port,
        database: &shown_database(&config.store.url),
        auth: if is_development {
            "development"
        } else {
            "token"
        },
        dialect: config
            .socket
            .dialect
            .map_or("auto", |dialect| dialect.name()),
    });
}
