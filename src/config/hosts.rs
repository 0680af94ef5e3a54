//! Addresses to listen on, and the rule that development mode stays on this machine.

use std::net::IpAddr;

use super::reader::{Reader, list};
use super::table;

/// Browsers and Node resolve `localhost` to the second one first.
const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];
const EVERYWHERE: [&str; 2] = ["0.0.0.0", "::"];

/// Reads the addresses. Without authentication everybody can be anybody, so any address beyond
/// this machine is refused unless the operator says aloud that it is meant so.
pub(super) fn read(
    reader: &mut Reader<'_>,
    is_development: bool,
    trusts_clients: bool,
) -> Vec<String> {
    let hosts = reader.optional(&table::HOST, parse).unwrap_or_else(|| {
        let hosts = if is_development { LOOPBACK } else { EVERYWHERE };
        hosts.map(str::to_owned).to_vec()
    });
    if is_development && !trusts_clients && !hosts.iter().all(|host| is_loopback(host)) {
        reader.refuse(
            &table::HOST,
            "without JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL or AUTH_SESSION_URL the server believes every client, so it listens on this machine only; set one of them, or remove this, or add --insecure-trust-clients if nobody else can reach the port",
        );
    }
    reader.show(&table::HOST, &hosts.join(", "));
    hosts
}

/// Whether only this machine can reach the address.
fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>()
        .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let mut hosts = Vec::new();
    for part in list(text) {
        match part {
            "localhost" => hosts.extend(LOOPBACK.map(str::to_owned)),
            "*" => hosts.extend(EVERYWHERE.map(str::to_owned)),
            _ => hosts.push(address(part)?.to_string()),
        }
    }
    match hosts.is_empty() {
        true => Err("write an address such as 127.0.0.1".to_owned()),
        false => Ok(hosts),
    }
}

/// One address, also in brackets.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).parse().map_err(|_| {
        "write an IP address such as 127.0.0.1, 0.0.0.0 or [::1], or localhost".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_brackets_become_addresses() {
        assert_eq!(parse("localhost").unwrap(), LOOPBACK);
        assert_eq!(parse("[::], 10.0.0.5").unwrap(), ["::", "10.0.0.5"]);
        assert!(parse("my-machine").is_err());
    }

    #[test]
    fn loopback_is_known_in_every_form() {
        assert!(is_loopback("127.0.0.53") && is_loopback("::1") && is_loopback("::ffff:127.0.0.1"));
        assert!(!is_loopback("0.0.0.0") && !is_loopback("::"));
    }
}
