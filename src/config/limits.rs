//! How much anybody may ask of the server.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;

use super::reader::{Reader, count, list, number};
use super::table;
use crate::addresses::parse_network;
use crate::{chat, http};

/// More than any machine has room for.
const MAX_PLACES: u32 = 10_000_000;
/// More than any disk has room for.
const MAX_STORED_BYTES: u64 = 1 << 50;
/// Fastest rate: one in a nanosecond.
const MAX_PER_SECOND: u32 = 1_000_000_000;
/// What turns a budget off.
const OFF: &str = "off";

/// Reads the budgets and the caps. Who may speak for others is not counted as one of them.
pub(super) fn read(
    reader: &mut Reader<'_>,
    is_development: bool,
    http: &http::Config,
    trusted: &[IpAddr],
) -> chat::LimitRules {
    let mut unlimited = reader.value(&table::UNLIMITED_ADDRESSES, networks);
    let speakers = trusted.iter().chain(&http.gateway_addresses);
    unlimited.extend(speakers.copied().map(IpNet::from));
    let places = count(1, MAX_PLACES);
    let places = |text: &str| places(text).map(|n| n as usize);
    chat::LimitRules {
        is_lenient: is_development,
        unlimited,
        proxies: http.proxies.clone(),
        socket_events: reader.value(&table::LIMIT_SOCKET_EVENTS, parse_rate),
        user_events: reader.value(&table::LIMIT_USER_EVENTS, parse_rate),
        address_events: reader.value(&table::LIMIT_ADDRESS_EVENTS, parse_rate),
        conversation_writes: reader.value(&table::LIMIT_CONVERSATION_WRITES, parse_rate),
        connection_bytes: reader.value(&table::LIMIT_CONNECTION_BYTES, parse_rate),
        address_bytes: reader.value(&table::LIMIT_ADDRESS_BYTES, parse_rate),
        handshakes: reader.value(&table::LIMIT_HANDSHAKES, parse_rate),
        failed_logins: reader.value(&table::LIMIT_FAILED_LOGINS, parse_rate),
        address_calls: reader.value(&table::LIMIT_ADDRESS_CALLS, parse_rate),
        user_calls: reader.value(&table::LIMIT_USER_CALLS, parse_rate),
        user_uploads: reader.value(&table::LIMIT_USER_UPLOADS, parse_rate),
        max_user_file_bytes: reader.value(&table::MAX_USER_FILE_BYTES, number(1, MAX_STORED_BYTES)),
        max_sockets: reader.value(&table::MAX_SOCKETS, places),
        max_user_sockets: reader.value(&table::MAX_USER_SOCKETS, places),
        max_address_sockets: reader.value(&table::MAX_ADDRESS_SOCKETS, places),
        max_pending: reader.value(&table::MAX_PENDING, places),
        max_address_pending: reader.value(&table::MAX_ADDRESS_PENDING, places),
        max_connections: reader.value(&table::MAX_CONNECTIONS, places),
        max_address_connections: reader.value(&table::MAX_ADDRESS_CONNECTIONS, places),
        max_socket_rooms: reader.value(&table::MAX_SOCKET_ROOMS, places),
    }
}

/// Addresses and networks, with commas.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    list(text).map(parse_network).collect()
}

fn parse_rate(text: &str) -> Result<Option<chat::Rate>, String> {
    if text.trim() == OFF {
        return Ok(None);
    }
    let numbers = text.split_once('/').and_then(|(per_second, burst)| {
        let number = |text: &str| text.trim().replace('_', "").parse::<NonZeroU32>().ok();
        Some((number(per_second)?, number(burst)?))
    });
    match numbers {
        Some((per_second, burst)) if burst >= per_second && per_second.get() <= MAX_PER_SECOND => {
            Ok(Some(chat::Rate { per_second, burst }))
        }
        _ => Err("write how many a second and, at least as large, how many at once, such as 50/600; or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_burst() {
        let rate = parse_rate("50/600").unwrap().unwrap();
        assert_eq!((rate.per_second.get(), rate.burst.get()), (50, 600));
        assert_eq!(parse_rate("off"), Ok(None));
        for wrong in [
            "",
            "50",
            "0/5",
            "5/0",
            "5/1",
            "-1/5",
            "5/5000000000",
            "2000000000/2000000000",
        ] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
