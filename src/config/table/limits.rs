//! Settings about how much anybody may ask of the server; docs/limits.md says why each is what it is.

use super::{Setting, value};

/// Budgets, which fill up again.
pub static BUDGETS: [&Setting; 13] = [
    &LIMIT_SOCKET_EVENTS,
    &LIMIT_USER_EVENTS,
    &LIMIT_ADDRESS_EVENTS,
    &LIMIT_CONVERSATION_WRITES,
    &LIMIT_CONNECTION_BYTES,
    &LIMIT_ADDRESS_BYTES,
    &LIMIT_HANDSHAKES,
    &LIMIT_FAILED_LOGINS,
    &LIMIT_ADDRESS_CALLS,
    &LIMIT_USER_CALLS,
    &LIMIT_USER_UPLOADS,
    &MAX_USER_FILE_BYTES,
    &UNLIMITED_ADDRESSES,
];
/// What there may be at a time.
pub static CAPS: [&Setting; 8] = [
    &MAX_SOCKETS,
    &MAX_USER_SOCKETS,
    &MAX_ADDRESS_SOCKETS,
    &MAX_PENDING,
    &MAX_ADDRESS_PENDING,
    &MAX_CONNECTIONS,
    &MAX_ADDRESS_CONNECTIONS,
    &MAX_SOCKET_ROOMS,
];

/// Together they are what no person and no front end sends.
pub static LIMIT_SOCKET_EVENTS: Setting = rate(
    "limit-socket-events",
    &["LIMIT_SOCKET_EVENTS"],
    "50/600",
    "Events of one socket",
);
/// Several devices, and what they send after a pause.
pub static LIMIT_USER_EVENTS: Setting = rate(
    "limit-user-events",
    &["LIMIT_USER_EVENTS"],
    "150/2000",
    "Events of one user over all sockets",
);
/// An office or a school behind one address.
pub static LIMIT_ADDRESS_EVENTS: Setting = rate(
    "limit-address-events",
    &["LIMIT_ADDRESS_EVENTS"],
    "1000/10000",
    "Events of one address over all sockets",
);
/// Each is told to everybody who is there.
pub static LIMIT_CONVERSATION_WRITES: Setting = rate(
    "limit-conversation-writes",
    &["LIMIT_CONVERSATION_WRITES"],
    "200/2000",
    "Messages and read markers in one conversation, whoever writes them",
);
/// A frame counts as 4 KiB more than it has.
pub static LIMIT_CONNECTION_BYTES: Setting = rate(
    "limit-connection-bytes",
    &["LIMIT_CONNECTION_BYTES"],
    "8388608/33554432",
    "Bytes that come in over one connection; what is more is read more slowly",
);
/// Not behind a proxy.
pub static LIMIT_ADDRESS_BYTES: Setting = rate(
    "limit-address-bytes",
    &["LIMIT_ADDRESS_BYTES"],
    "67108864/268435456",
    "Bytes that come in from one address; what is more is read more slowly",
);
/// Everybody comes back at once after a restart.
pub static LIMIT_HANDSHAKES: Setting = rate(
    "limit-handshakes",
    &["LIMIT_HANDSHAKES"],
    "100/1000",
    "Sockets that one address opens",
);
/// Whoever guesses needs millions.
pub static LIMIT_FAILED_LOGINS: Setting = rate(
    "limit-failed-logins",
    &["LIMIT_FAILED_LOGINS"],
    "5/200",
    "Tokens and logins of one address that are not valid",
);
/// Pages with many pictures are many requests.
pub static LIMIT_ADDRESS_CALLS: Setting = rate(
    "limit-address-calls",
    &["LIMIT_ADDRESS_CALLS"],
    "400/4000",
    "Requests of one address",
);
/// Front ends load several lists at once.
pub static LIMIT_USER_CALLS: Setting = rate(
    "limit-user-calls",
    &["LIMIT_USER_CALLS"],
    "100/2000",
    "Requests of one user",
);
/// An album at once.
pub static LIMIT_USER_UPLOADS: Setting = rate(
    "limit-user-uploads",
    &["LIMIT_USER_UPLOADS"],
    "1/100",
    "Files that one user brings",
);
/// Nobody may fill the disk alone.
pub static MAX_USER_FILE_BYTES: Setting = value(
    "max-user-file-bytes",
    "BYTES",
    &["MAX_USER_FILE_BYTES"],
    "10737418240",
    "Bytes of all files of one user; each counts as 4096 at least",
);
/// Nobody else may say for whom a request is.
pub static TRUSTED_PROXIES: Setting = value(
    "trusted-proxies",
    "NETWORKS",
    &["TRUSTED_PROXIES"],
    "",
    "Proxies in front of this server, addresses and networks with commas; their X-Forwarded-For says who calls",
);
/// Packets differ in size.
pub static OUTBOUND_BYTES: Setting = value(
    "outbound-bytes",
    "BYTES",
    &["OUTBOUND_BYTES"],
    "4000000",
    "Bytes that may wait for a slow client before it is closed; the longest packet does not count",
);
/// Load tests and programs that speak for many.
pub static UNLIMITED_ADDRESSES: Setting = value(
    "unlimited-addresses",
    "NETWORKS",
    &["UNLIMITED_ADDRESSES"],
    "",
    "Addresses and networks without budgets, with commas; those of TRUSTED_ADDRESSES and GATEWAY_ADDRESSES have none either",
);
/// Each takes about 45 KB.
pub static MAX_SOCKETS: Setting = value(
    "max-sockets",
    "COUNT",
    &["MAX_SOCKETS"],
    "50000",
    "Sockets in all",
);
/// Tabs and devices.
pub static MAX_USER_SOCKETS: Setting = value(
    "max-user-sockets",
    "COUNT",
    &["MAX_USER_SOCKETS"],
    "50",
    "Sockets of one user",
);
/// An office or a school.
pub static MAX_ADDRESS_SOCKETS: Setting = value(
    "max-address-sockets",
    "COUNT",
    &["MAX_ADDRESS_SOCKETS"],
    "2000",
    "Sockets of one address",
);
/// They live as long as `CONNECT_TIMEOUT_MS`.
pub static MAX_PENDING: Setting = value(
    "max-pending",
    "COUNT",
    &["MAX_PENDING"],
    "20000",
    "Sockets in all that have not joined yet",
);
/// Joining takes one round trip.
pub static MAX_ADDRESS_PENDING: Setting = value(
    "max-address-pending",
    "COUNT",
    &["MAX_ADDRESS_PENDING"],
    "500",
    "Sockets of one address that have not joined yet",
);
/// Sockets and calls.
pub static MAX_CONNECTIONS: Setting = value(
    "max-connections",
    "COUNT",
    &["MAX_CONNECTIONS"],
    "60000",
    "Connections in all",
);
/// Browsers open six each.
pub static MAX_ADDRESS_CONNECTIONS: Setting = value(
    "max-address-connections",
    "COUNT",
    &["MAX_ADDRESS_CONNECTIONS"],
    "4000",
    "Connections of one address",
);
/// More than a list on a screen has.
pub static MAX_SOCKET_ROOMS: Setting = value(
    "max-socket-rooms",
    "COUNT",
    &["MAX_SOCKET_ROOMS"],
    "1000",
    "Conversations that one socket listens to",
);

/// So much a second, and so much at once.
const fn rate(
    name: &'static str,
    names: &'static [&'static str],
    default: &'static str,
    doc: &'static str,
) -> Setting {
    value(name, "PER_SECOND/BURST", names, default, doc)
}
