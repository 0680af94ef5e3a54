//! Every setting there is: its flag, its environment names, its default and what it is for.
//!
//! The command line, `--print-config` and the messages about wrong values are all made from here.

mod database;
mod limits;
mod logins;
mod uploads;

pub use database::*;
pub use limits::*;
pub use logins::*;
pub use uploads::*;

use crate::chat::Dialect;

/// How a setting is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Not at all: everybody on the machine can read a command line.
    None,
    /// `--name VALUE`, with the word that stands for the value in the help.
    Value(&'static str),
    /// `--name`, which means true.
    Switch,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Name in `--print-config`; with two dashes in front, the flag.
    pub name: &'static str,
    /// How it is written on the command line.
    pub flag: Flag,
    /// Environment names; the first one that is set counts.
    pub names: &'static [&'static str],
    /// The value without any setting, as a user would write it. Empty: see the doc text.
    pub default: &'static str,
    /// What it is for, one line.
    pub doc: &'static str,
    /// Whether the value must never be shown.
    pub is_secret: bool,
    /// Whether a name that is set to nothing is a mistake, and not the same as an absent one.
    pub is_wrong_when_empty: bool,
}

/// Address and port.
pub static SERVER: [&Setting; 7] = [
    &PORT,
    &HOST,
    &SOCKET_PATH,
    &DATA_DIR,
    &PUBLIC_URL,
    &DIALECT,
    &INSECURE_TRUST_CLIENTS,
];
/// Who may connect.
pub static ACCESS: [&Setting; 9] = [
    &FRONTEND_URL,
    &JWT_SECRET,
    &JWT_API_SECRET,
    &ALLOW_QUERY_TOKEN,
    &ALLOW_UNKNOWN_USERS,
    &OPEN_SIGN_UP,
    &TRUSTED_ADDRESSES,
    &GATEWAY_ADDRESSES,
    &TRUSTED_PROXIES,
];
/// Sizes and times.
pub static LIMITS: [&Setting; 11] = [
    &PING_INTERVAL_MS,
    &PING_TIMEOUT_MS,
    &CONNECT_TIMEOUT_MS,
    &MAX_PAYLOAD_BYTES,
    &MAX_TEXT_BYTES,
    &MAX_UPLOAD_BYTES,
    &OUTBOUND_PACKETS,
    &OUTBOUND_BYTES,
    &WRITE_TIMEOUT_MS,
    &HEADER_TIMEOUT_MS,
    &STOP_TIMEOUT_MS,
];
/// What is written to stderr.
pub static LOGS: [&Setting; 3] = [&LOG_FORMAT, &LOG, &DEBUG];

/// All settings by group, in the order of the help and of `--print-config`.
pub static GROUPS: [(&str, &[&Setting]); 9] = [
    ("Server", &SERVER),
    ("Database", &DATABASE),
    ("Access", &ACCESS),
    ("Logins", &LOGINS),
    ("Uploads", &UPLOADS),
    ("Limits", &LIMITS),
    ("Budgets", &BUDGETS),
    ("Caps", &CAPS),
    ("Logs", &LOGS),
];

/// All settings, one after the other.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|(_, group)| group.iter().copied())
}

/// `PORT` comes second: a shared `.env` often has the web server's.
pub static PORT: Setting = value(
    "port",
    "PORT",
    &["SOCKET_PORT", "PORT"],
    "",
    "Port to listen on; 0 takes a free one. By default the one that the front ends of DIALECT expect, 3001 in most",
);
/// More than one address is possible; see `hosts`.
pub static HOST: Setting = value(
    "host",
    "ADDRESS",
    &["HOST"],
    "",
    "Address to listen on, or several with commas. By default this machine only, and every address once logins are checked",
);
/// Socket.IO path.
pub static SOCKET_PATH: Setting = value(
    "socket-path",
    "PATH",
    &["SOCKET_PATH"],
    "/socket.io/",
    "Path of the Socket.IO endpoint",
);
/// Folder of uploads.
pub static DATA_DIR: Setting = value(
    "data-dir",
    "FOLDER",
    &["DATA_DIR"],
    "data",
    "Folder for uploaded files",
);
/// Address in links to uploads.
pub static PUBLIC_URL: Setting = value(
    "public-url",
    "URL",
    &["PUBLIC_URL"],
    "",
    "Address under which clients reach this server, for links to uploads",
);
/// `auto` lets the first event of a socket decide.
pub static DIALECT: Setting = value(
    "dialect",
    Dialect::NAMES,
    &["DIALECT"],
    "auto",
    "Vocabulary of the clients; auto finds out socket by socket",
);
/// The way around the rule that development mode serves loopback only.
pub static INSECURE_TRUST_CLIENTS: Setting = switch(
    "insecure-trust-clients",
    &["INSECURE_TRUST_CLIENTS"],
    "Listen beyond this machine although no login is checked: anybody who can reach the port can be anybody",
);
/// All five names are added up.
pub static FRONTEND_URL: Setting = value(
    "frontend-url",
    "URLS",
    &[
        "FRONTEND_URL",
        "CLIENT_URL",
        "CORS_ORIGIN",
        "ALLOWED_ORIGINS",
        "CLIENT_ORIGIN",
    ],
    "http://localhost:3000",
    "Origins of the front ends, with commas; the lists of all these names are added up",
);
/// Its presence is what ends development mode; nobody must get there by an empty variable.
pub static JWT_SECRET: Setting = Setting {
    name: "jwt-secret",
    flag: Flag::None,
    names: &["JWT_SECRET"],
    default: "",
    doc: "Secret that signs the tokens (HS256), 32 bytes or more; without it, JWT_PUBLIC_KEY, JWKS_URL and AUTH_SESSION_URL the server trusts every client",
    is_secret: true,
    is_wrong_when_empty: true,
};
/// Whoever has it signs API tokens of any user and of any program.
pub static JWT_API_SECRET: Setting = Setting {
    name: "jwt-api-secret",
    flag: Flag::None,
    names: &["JWT_API_SECRET"],
    default: "",
    doc: "Secret that signs API tokens in the form of JWTs, 32 bytes or more; without it JWT_SECRET does",
    is_secret: true,
    is_wrong_when_empty: false,
};
/// Query strings end up in the logs of proxies.
pub static ALLOW_QUERY_TOKEN: Setting = switch(
    "allow-query-token",
    &["ALLOW_QUERY_TOKEN"],
    "Accept a token in the query string too",
);
/// Off means users must be registered.
pub static ALLOW_UNKNOWN_USERS: Setting = value(
    "allow-unknown-users",
    "true|false",
    &["ALLOW_UNKNOWN_USERS"],
    "true",
    "Whether a user who is mentioned for the first time exists from then on",
);
/// Only where users are made by a call; elsewhere they come with their tokens.
pub static OPEN_SIGN_UP: Setting = value(
    "open-sign-up",
    "true|false",
    &["OPEN_SIGN_UP"],
    "",
    "Whether everybody may make a user with POST /api/users; otherwise client tokens and administrators. By default in development mode, and with DIALECT=chatsphere",
);
/// Peers that need no token.
pub static TRUSTED_ADDRESSES: Setting = value(
    "trusted-addresses",
    "ADDRESSES",
    &["TRUSTED_ADDRESSES"],
    "",
    "Addresses of host applications that may broadcast without a token, with commas",
);
/// What a gateway says about its callers is believed.
pub static GATEWAY_ADDRESSES: Setting = value(
    "gateway-addresses",
    "ADDRESSES",
    &["GATEWAY_ADDRESSES"],
    "",
    "Addresses of gateways whose headers x-user-id, x-gallery-id and x-user-role say who calls under /chats, with commas",
);
/// Engine.IO heartbeat.
pub static PING_INTERVAL_MS: Setting = value(
    "ping-interval-ms",
    "MS",
    &["PING_INTERVAL_MS"],
    "25000",
    "Time between two pings",
);
/// Engine.IO heartbeat.
pub static PING_TIMEOUT_MS: Setting = value(
    "ping-timeout-ms",
    "MS",
    &["PING_TIMEOUT_MS"],
    "20000",
    "Time a client has to answer a ping",
);
/// Engine.IO handshake.
pub static CONNECT_TIMEOUT_MS: Setting = value(
    "connect-timeout-ms",
    "MS",
    &["CONNECT_TIMEOUT_MS"],
    "10000",
    "Time a client has to join after it opened a connection",
);
/// For packets, websocket messages and websocket frames alike.
pub static MAX_PAYLOAD_BYTES: Setting = value(
    "max-payload-bytes",
    "BYTES",
    &["MAX_PAYLOAD_BYTES"],
    "1000000",
    "Largest packet and HTTP body",
);
/// UTF-8 bytes.
pub static MAX_TEXT_BYTES: Setting = value(
    "max-text-bytes",
    "BYTES",
    &["MAX_TEXT_BYTES"],
    "65536",
    "Longest text of a message",
);
/// Per file.
pub static MAX_UPLOAD_BYTES: Setting = value(
    "max-upload-bytes",
    "BYTES",
    &["MAX_UPLOAD_BYTES"],
    "10485760",
    "Largest uploaded file of any kind that has no limit of its own",
);
/// A client whose queue is full is closed.
pub static OUTBOUND_PACKETS: Setting = value(
    "outbound-packets",
    "COUNT",
    &["OUTBOUND_PACKETS"],
    "4096",
    "Packets that may wait for a slow client before it is closed",
);
/// A client that stops reading is gone after it.
pub static WRITE_TIMEOUT_MS: Setting = value(
    "write-timeout-ms",
    "MS",
    &["WRITE_TIMEOUT_MS"],
    "25000",
    "Time a write to a client may take",
);
/// Against clients that never finish a request.
pub static HEADER_TIMEOUT_MS: Setting = value(
    "header-timeout-ms",
    "MS",
    &["HEADER_TIMEOUT_MS"],
    "10000",
    "Time a request head may take to arrive",
);
/// Process managers kill after 10 seconds.
pub static STOP_TIMEOUT_MS: Setting = value(
    "stop-timeout-ms",
    "MS",
    &["STOP_TIMEOUT_MS"],
    "8000",
    "Time a stop may take to finish accepted work",
);
/// See `telemetry::Format`.
pub static LOG_FORMAT: Setting = value(
    "log-format",
    "pretty|json",
    &["LOG_FORMAT"],
    "",
    "Form of the log; by default pretty on a terminal and json otherwise",
);
/// Directives as tracing-subscriber reads them.
pub static LOG: Setting = value(
    "log",
    "FILTER",
    &["RUST_LOG"],
    "sohbet=info,warn",
    "What is logged, such as sohbet=debug",
);
/// The word Socket.IO developers know.
pub static DEBUG: Setting = Setting {
    name: "debug",
    flag: Flag::None,
    names: &["DEBUG"],
    default: "",
    doc: "Logs more, as with the Node server: socket.io*, engine*, *",
    is_secret: false,
    is_wrong_when_empty: false,
};

const fn value(
    name: &'static str,
    placeholder: &'static str,
    names: &'static [&'static str],
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting {
        name,
        flag: Flag::Value(placeholder),
        names,
        default,
        doc,
        is_secret: false,
        is_wrong_when_empty: false,
    }
}

const fn switch(name: &'static str, names: &'static [&'static str], doc: &'static str) -> Setting {
    Setting {
        name,
        flag: Flag::Switch,
        names,
        default: "false",
        doc,
        is_secret: false,
        is_wrong_when_empty: false,
    }
}
