//! Settings: flag, else environment, else `.env`, else default.
//!
//! The environment is touched nowhere else. What is read here ends up in the `Config` of each
//! module; `table` lists every setting.

mod database;
mod dotenv;
mod hosts;
mod limits;
mod logins;
mod origins;
mod reader;
mod sources;
pub mod table;
mod uploads;

pub use database::{Database, shown_database};
pub use logins::is_open_to_others;
pub use sources::Flags;

use std::fmt;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reader::{Reader, bytes, count, list, millis, switch};
use sources::Sources;

use crate::chat::Dialect;
use crate::{auth, chat, delivery, http, socket, store, telemetry};

const HOUR_MS: u64 = 3_600_000;
/// The port when no dialect is configured, or none that expects another one.
const DEFAULT_PORT: u16 = 3_001;
/// Names by which front ends find the server; read for `sohbet check` only.
const FRONT_END_NAMES: [&str; 3] = ["NEXT_PUBLIC_SOCKET_URL", "VITE_SOCKET_URL", "SOCKET_URL"];

/// Switches of the servers that this one replaces, which it does not have: name, and what counts
/// instead.
const FOREIGN_NAMES: [(&str, &str); 2] = [
    (
        "BYPASS_AUTH",
        "logins are always checked; without JWT_SECRET or another proof of logins the server runs in development mode",
    ),
    (
        "POSTGRES_HOST",
        "DATABASE_URL alone says which database is used",
    ),
];

/// Everything the server can be told, checked.
#[derive(Clone)]
pub struct Settings {
    /// IP addresses to listen on.
    pub hosts: Vec<String>,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// The database in the driver's form.
    pub database: Database,
    /// Whether clients on other machines are believed too in development mode.
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
    /// Section of `telemetry`.
    pub log: telemetry::Config,
    /// Time a write to a client may take.
    pub write_timeout: Duration,
    /// Time a request head may take to arrive.
    pub header_timeout: Duration,
    /// Time a stop may take.
    pub stop_timeout: Duration,
    /// Where front ends look for the server: name and address, as far as the environment says.
    pub front_end: Vec<(&'static str, String)>,
    /// What is set and has no effect: name, and what counts instead.
    pub without_effect: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
}

/// One line of `--print-config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Name of the setting.
    pub name: &'static str,
    /// The value that is in force; secrets are masked.
    pub value: String,
    /// `flag --port`, `environment PORT`, `.env PORT` or `default`.
    pub origin: String,
}

/// All wrong settings, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// Shows what `--print-config` shows: the sections hold secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rows).finish()
    }
}

impl Settings {
    /// Reads flags, the environment and `.env` in the working directory.
    pub fn load(flags: Flags) -> Result<Self, Faults> {
        Self::resolve(&Sources::read(flags))
    }

    /// Reads settings from a list instead of the environment: names as there.
    pub fn of(settings: impl IntoIterator<Item = (String, String)>) -> Result<Self, Faults> {
        Self::resolve(&Sources {
            process: settings.into_iter().collect(),
            ..Sources::default()
        })
    }

    /// Every setting with its value and origin, as `--print-config` shows them.
    pub fn effective(&self) -> &[Row] {
        &self.rows
    }

    /// True when no key is configured and the ids that clients claim are believed.
    pub fn is_development(&self) -> bool {
        self.auth.is_development()
    }

    fn resolve(sources: &Sources) -> Result<Self, Faults> {
        let mut reader = Reader::new(sources);
        let settings = Self::read(&mut reader, sources);
        let rows = reader.finish()?;
        Ok(Self { rows, ..settings })
    }

    fn read(reader: &mut Reader<'_>, sources: &Sources) -> Self {
        let is_development = logins::is_development(sources);
        let trusts_clients = reader.value(&table::INSECURE_TRUST_CLIENTS, switch);
        let database = reader.value(&table::DATABASE_URL, Database::parse);
        reader.show(&table::DATABASE_URL, &shown_database(&database.url));
        let socket = read_socket(reader);
        let port = read_port(reader, socket.dialect);
        let http = read_http(reader, is_development, &socket);
        let data_dir = reader.value(&table::DATA_DIR, |text| Ok(PathBuf::from(text.trim())));
        Self {
            hosts: hosts::read(reader, is_development, trusts_clients),
            trusts_clients,
            port,
            store: read_store(reader, &database),
            delivery: read_delivery(reader, &database),
            database,
            auth: logins::read(reader),
            chat: read_chat(reader, is_development, &http),
            blobs: uploads::read_blobs(reader, &data_dir),
            http,
            socket,
            log: read_log(reader),
            write_timeout: reader.value(&table::WRITE_TIMEOUT_MS, millis(100, HOUR_MS)),
            header_timeout: reader.value(&table::HEADER_TIMEOUT_MS, millis(100, HOUR_MS)),
            stop_timeout: reader.value(&table::STOP_TIMEOUT_MS, millis(100, HOUR_MS)),
            front_end: sources.plain(&FRONT_END_NAMES),
            without_effect: without_effect(sources),
            rows: Vec::new(),
        }
    }
}

/// Foreign switches that somebody has set. What names a database is right beside `DATABASE_URL`.
fn without_effect(sources: &Sources) -> Vec<(&'static str, &'static str)> {
    let has_database = sources.find(&table::DATABASE_URL).is_some();
    let is_set = |name| !sources.plain(&[name]).is_empty();
    FOREIGN_NAMES
        .into_iter()
        .filter(|(name, _)| is_set(*name) && !(*name == "POSTGRES_HOST" && has_database))
        .collect()
}

/// The port; without a setting the one that the front ends of the dialect expect.
fn read_port(reader: &mut Reader<'_>, dialect: Option<Dialect>) -> u16 {
    let written = reader.optional(&table::PORT, count(0, u16::MAX.into()));
    let port = written.and_then(|port| u16::try_from(port).ok());
    let port = port.unwrap_or(dialect.map_or(DEFAULT_PORT, Dialect::default_port));
    reader.show(&table::PORT, &port.to_string());
    port
}

fn read_delivery(reader: &mut Reader<'_>, database: &Database) -> delivery::Config {
    let redis_url = reader.optional(&table::REDIS_URL, redis_url);
    if redis_url.is_some() && database.file.is_some() {
        reader.refuse(
            &table::REDIS_URL,
            "several nodes need one PostgreSQL: set DATABASE_URL to it, or leave this out",
        );
    }
    delivery::Config { redis_url }
}

fn redis_url(text: &str) -> Result<String, String> {
    match delivery::is_redis_url(text) {
        true => Ok(text.to_owned()),
        false => Err("write redis://[user:password@]host[:port][/db], or rediss:// for TLS".into()),
    }
}

fn read_store(reader: &mut Reader<'_>, database: &Database) -> store::Config {
    store::Config {
        url: database.url.clone(),
        schema: database.schema.clone(),
        readers: reader.value(&table::SQLITE_READERS, count(1, 256)),
        migrate: !reader.value(&table::NO_MIGRATE, switch),
    }
}

fn read_socket(reader: &mut Reader<'_>) -> socket::Config {
    socket::Config {
        path: reader.value(&table::SOCKET_PATH, socket_path),
        ping_interval: reader.value(&table::PING_INTERVAL_MS, millis(50, HOUR_MS)),
        ping_timeout: reader.value(&table::PING_TIMEOUT_MS, millis(50, HOUR_MS)),
        connect_timeout: reader.value(&table::CONNECT_TIMEOUT_MS, millis(50, HOUR_MS)),
        max_payload_bytes: reader.value(&table::MAX_PAYLOAD_BYTES, bytes(1_024, 1 << 30)),
        outbound_packets: reader.value(&table::OUTBOUND_PACKETS, bytes(1, 65_536)),
        outbound_bytes: reader.value(&table::OUTBOUND_BYTES, bytes(65_536, 1 << 30)),
        dialect: reader.value(&table::DIALECT, |text| match text.trim() {
            "auto" => Ok(None),
            name => name
                .parse()
                .map(Some)
                .map_err(|_| "write auto or the name of a dialect, such as messaging".to_owned()),
        }),
    }
}

/// The start of links to uploads.
fn public_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err("write an address such as https://chat.example.com".to_owned()),
    }
}

/// With a slash at both ends; clients write it without the second one too.
fn socket_path(text: &str) -> Result<String, String> {
    let inner = text.trim().trim_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    match !inner.is_empty() && inner.chars().all(is_plain) {
        true => Ok(format!("/{inner}/")),
        false => Err("write a path such as /socket.io/".to_owned()),
    }
}

fn read_http(
    reader: &mut Reader<'_>,
    is_development: bool,
    socket: &socket::Config,
) -> http::Config {
    let mut origins = reader.union(&table::FRONTEND_URL, origins::parse);
    let mut seen = std::collections::HashSet::new();
    origins.retain(|origin| seen.insert(origin.clone()));
    reader.show(&table::FRONTEND_URL, &origins.join(", "));
    http::Config {
        origins,
        any_localhost_origin: is_development,
        max_body_bytes: socket.max_payload_bytes,
        public_url: reader.optional(&table::PUBLIC_URL, public_url),
        dialect: socket.dialect,
        socket_path: socket.path.clone(),
        gateway_addresses: reader.value(&table::GATEWAY_ADDRESSES, addresses),
        proxies: reader.value(&table::TRUSTED_PROXIES, limits::networks),
    }
}

fn read_chat(reader: &mut Reader<'_>, is_development: bool, http: &http::Config) -> chat::Config {
    let trusted_addresses = reader.value(&table::TRUSTED_ADDRESSES, addresses);
    chat::Config {
        max_text_bytes: reader.value(&table::MAX_TEXT_BYTES, bytes(1, 1 << 24)),
        allow_unknown_users: reader.value(&table::ALLOW_UNKNOWN_USERS, switch),
        open_sign_up: read_sign_up(reader, is_development, http.dialect),
        limits: limits::read(reader, is_development, http, &trusted_addresses),
        trusted_addresses,
        uploads: uploads::read_rules(reader, http),
    }
}

/// Whether strangers may make themselves users. Such a user can speak in every dialect, so a server that
/// checks who calls lets them only if it is set up for front ends that begin with that call.
fn read_sign_up(reader: &mut Reader<'_>, is_development: bool, dialect: Option<Dialect>) -> bool {
    let is_usual = is_development || dialect.is_some_and(Dialect::makes_users);
    let is_open = reader.optional(&table::OPEN_SIGN_UP, switch);
    let is_open = is_open.unwrap_or(is_usual);
    reader.show(&table::OPEN_SIGN_UP, &is_open.to_string());
    is_open
}

fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    list(text).map(hosts::address).collect()
}

fn read_log(reader: &mut Reader<'_>) -> telemetry::Config {
    let format = reader.optional(&table::LOG_FORMAT, |text| text.trim().parse());
    let format = format.unwrap_or(match std::io::stderr().is_terminal() {
        true => telemetry::Format::Pretty,
        false => telemetry::Format::Json,
    });
    reader.show(&table::LOG_FORMAT, format.name());
    let base = reader.value(&table::LOG, telemetry::check_filter);
    let debug = reader.optional(&table::DEBUG, |text| Ok(text.to_owned()));
    telemetry::Config {
        format,
        filter: telemetry::with_debug(&base, debug.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
