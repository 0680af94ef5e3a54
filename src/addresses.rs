//! Who a caller is by address: behind proxies that are trusted, and as a network that one customer of
//! a provider has.

use std::net::{IpAddr, Ipv6Addr};

use http::header::HeaderMap;
use ipnet::IpNet;

/// Where proxies write for whom they call; each adds the address it was called from on the right.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// What is given out to one customer: the rest of an IPv6 address anybody changes at will.
const IPV6_NETWORK: u128 = !0 << 64;

/// The address that a request comes from, behind all trusted proxies. An extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Reads one address or one network: `10.0.0.1`, `[::1]`, `10.0.0.0/8`.
///
/// # Errors
///
/// What to write instead.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let inner = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let bare = inner.unwrap_or(text);
    let network = match bare.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address.to_canonical())),
        Err(_) => bare.parse::<IpNet>().map(|network| network.trunc()),
    };
    network.map_err(|_| "write addresses or networks such as 10.0.0.1 or 10.0.0.0/8".to_owned())
}

/// Whether an address is in one of the networks.
pub fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Who calls: the peer itself, or, if that is a trusted proxy, the right-most address in its
/// `X-Forwarded-For` that is no trusted proxy. What stands further left anybody can write. An entry
/// that is no address ends the search: the proxy before it is all that is known.
pub fn caller(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> ClientAddress {
    let mut caller = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = lines.flat_map(|line| line.to_str().unwrap_or("-").rsplit(','));
    while is_in(proxies, caller) {
        let Some(hop) = hops.next().and_then(|hop| parse_hop(hop.trim())) else {
            break;
        };
        caller = hop;
    }
    ClientAddress(caller)
}

/// The network that limits count by: an IPv4 address, and the first half of an IPv6 one.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
        address => address,
    }
}

/// Some proxies add the port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let with_port = || Some(hop.parse::<std::net::SocketAddr>().ok()?.ip());
    let inner = hop.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address = inner.unwrap_or(hop).parse().ok().or_else(with_port)?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn called(peer: &str, lines: &[&'static str]) -> String {
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|text| parse_network(text).unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        caller(ip(peer), &headers, &proxies).0.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_calls() {
        let forged = ["203.0.113.9"];
        assert_eq!(called("198.51.100.1", &forged), "198.51.100.1");
        assert_eq!(called("10.0.0.1", &forged), "203.0.113.9");
        assert_eq!(called("::ffff:10.0.0.1", &forged), "203.0.113.9");
        assert_eq!(called("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_right_most_hop_that_is_not_trusted_counts() {
        let forged = ["127.0.0.1, 203.0.113.9, 10.0.0.2"];
        assert_eq!(called("10.0.0.1", &forged), "203.0.113.9");
        let lines = ["127.0.0.1", "203.0.113.9", "[fd00::1]:443"];
        assert_eq!(called("10.0.0.1", &lines), "203.0.113.9");
        let nonsense = ["203.0.113.9, unknown, 10.0.0.2"];
        assert_eq!(called("10.0.0.1", &nonsense), "10.0.0.2");
        assert_eq!(called("10.0.0.1", &["203.0.113.9:5000"]), "203.0.113.9");
    }

    #[test]
    fn one_customer_has_one_network() {
        let other = |one, two| network(ip(one)) != network(ip(two));
        assert!(!other("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(other("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(other("192.0.2.1", "192.0.2.2"));
        assert!(!other("192.0.2.1", "::ffff:192.0.2.1"));
    }

    #[test]
    fn addresses_and_networks_are_read() {
        assert_eq!(
            parse_network("10.1.2.3/8").unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert!(is_in(&[parse_network("[::1]").unwrap()], ip("::1")));
        assert!(parse_network("example.com").is_err());
    }
}
