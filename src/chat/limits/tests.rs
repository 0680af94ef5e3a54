use std::num::NonZeroU32;

use super::*;
use crate::addresses::parse_network;

/// Limits that are small, so that a test reaches them.
fn rules() -> LimitRules {
    let few = |n| {
        let [per_second, burst] = [1, n].map(|n| NonZeroU32::new(n).unwrap());
        Some(Rate { per_second, burst })
    };
    LimitRules {
        is_lenient: false,
        unlimited: Vec::new(),
        proxies: Vec::new(),
        socket_events: few(3),
        user_events: few(5),
        address_events: few(8),
        conversation_writes: few(3),
        connection_bytes: few(100_000),
        address_bytes: few(100_000),
        handshakes: few(3),
        failed_logins: few(2),
        address_calls: few(3),
        user_calls: few(2),
        user_uploads: few(2),
        max_user_file_bytes: 10_000,
        max_sockets: 5,
        max_user_sockets: 2,
        max_address_sockets: 3,
        max_pending: 2,
        max_address_pending: 1,
        max_connections: 3,
        max_address_connections: 2,
        max_socket_rooms: 10,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// How many events a socket may send at once.
fn n_accepted(budget: Option<&EventBudget>) -> usize {
    let budget = budget.unwrap();
    let accepted = (0..20).filter(|_| budget.judge(1) == Verdict::Accepted);
    accepted.count()
}

#[test]
fn a_new_socket_does_not_bring_its_user_a_new_budget() {
    let limits = Limits::new(rules());
    let user = "1".into();
    let of = |address: &str| limits.events(&limits.client(Some(ip(address))), Some(&user));
    assert_eq!(n_accepted(of("192.0.2.1").as_ref()), 3);
    assert_eq!(
        n_accepted(of("192.0.2.2").as_ref()),
        2,
        "what its user has left"
    );
    assert_eq!(n_accepted(of("192.0.2.3").as_ref()), 0);
}

#[test]
fn nor_does_a_new_user_bring_one_to_the_address() {
    let limits = Limits::new(rules());
    let of = |address: &str, user: &str| {
        let client = limits.client(Some(ip(address)));
        limits.events(&client, Some(&user.into()))
    };
    // One customer has all addresses of a /64.
    let n: usize = (1..=4)
        .map(|n| n_accepted(of(&format!("2001:db8::{n}"), &n.to_string()).as_ref()))
        .sum();
    assert_eq!(n, 8);
    assert_eq!(n_accepted(of("2001:db8:0:1::1", "5").as_ref()), 3);
}

#[test]
fn ids_that_differ_in_case_are_different_users() {
    let limits = Limits::new(rules());
    let client = limits.client(Some(ip("192.0.2.1")));
    let of = |user: &str| limits.events(&client, Some(&user.into()));
    assert_eq!(n_accepted(of("a").as_ref()), 3);
    assert_eq!(n_accepted(of("A").as_ref()), 3);
}

#[test]
fn a_long_event_costs_as_much_as_many() {
    let limits = Limits::new(rules());
    let budget = limits.events(&limits.client(None), None).unwrap();
    assert_eq!(budget.judge(16 * 1_024), Verdict::Accepted);
    assert!(matches!(budget.judge(1), Verdict::Refused(_)));
}

#[test]
fn who_goes_on_after_a_thousand_refusals_is_flooding() {
    let limits = Limits::new(rules());
    let budget = limits.events(&limits.client(None), None).unwrap();
    let verdicts: Vec<_> = (0..1_200).map(|_| budget.judge(1)).collect();
    let n_refused = verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::Refused(Error::RateLimited { retry_after_ms }) if *retry_after_ms > 0));
    assert!((1_000..1_100).contains(&n_refused.count()));
    assert_eq!(verdicts.last(), Some(&Verdict::Flooding));
}

#[test]
fn development_mode_and_named_addresses_have_only_the_caps_on_all() {
    let lenient = LimitRules {
        is_lenient: true,
        ..rules()
    };
    let named = LimitRules {
        unlimited: vec![parse_network("192.0.2.0/24").unwrap()],
        ..rules()
    };
    for rules in [lenient, named] {
        let limits = Limits::new(rules);
        let client = limits.client(Some(ip("192.0.2.1")));
        assert!(limits.events(&client, Some(&"1".into())).is_none());
        for _ in 0..20 {
            assert!(limits.begin_socket(&client).is_ok());
            limits.note_failed_login(&client);
            assert!(limits.check_logins(&client).is_ok() && limits.admit_call(&client).is_ok());
        }
        let join = || limits.join(&client, Some(&"1".into()));
        let sockets: Vec<_> = (0..20).map_while(|_| join().ok()).collect();
        assert_eq!(sockets.len(), 5, "the cap that protects the process");
    }
}

#[test]
fn sockets_are_capped_by_user_and_by_address() {
    let limits = Limits::new(rules());
    let client = limits.client(Some(ip("192.0.2.1")));
    let join = |user: &str| limits.join(&client, Some(&user.into())).ok();
    let first = [join("1"), join("1")];
    assert!(first.iter().all(Option::is_some) && join("1").is_none());
    let other = join("2");
    assert!(
        other.is_some() && join("3").is_none(),
        "three of one address"
    );
    drop(first);
    assert!(join("3").is_some());
}

#[test]
fn sockets_that_do_not_join_are_capped() {
    let limits = Limits::new(rules());
    let clients = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|it| limits.client(Some(ip(it))));
    let first = limits.begin_socket(&clients[0]);
    assert!(first.is_ok());
    let second = limits.begin_socket(&clients[0]).unwrap_err();
    assert_eq!(second.code(), "UNAVAILABLE");
    let other = limits.begin_socket(&clients[1]);
    assert!(other.is_ok() && limits.begin_socket(&clients[2]).is_err());
    drop((first, other));
    assert!(limits.begin_socket(&clients[2]).is_ok());
}

#[test]
fn who_guesses_waits() {
    let limits = Limits::new(rules());
    let guesser = limits.client(Some(ip("192.0.2.1")));
    let other = limits.client(Some(ip("192.0.2.2")));
    for _ in 0..2 {
        assert!(limits.check_logins(&guesser).is_ok());
        limits.note_failed_login(&guesser);
    }
    assert!(limits.check_logins(&guesser).is_ok());
    limits.note_failed_login(&guesser);
    let refused = limits.check_logins(&guesser).unwrap_err();
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert!(limits.begin_socket(&guesser).is_err() && limits.check_logins(&other).is_ok());
}

#[test]
fn a_proxy_has_no_cap_of_its_own_and_its_clients_have() {
    let limits = Limits::new(LimitRules {
        proxies: vec![parse_network("10.0.0.0/8").unwrap()],
        ..rules()
    });
    let of_client: Vec<_> = (0..5)
        .map_while(|_| limits.connect(ip("192.0.2.1")))
        .collect();
    assert_eq!(of_client.len(), 2);
    drop(of_client);
    let of_proxy: Vec<_> = (0..5)
        .map_while(|_| limits.connect(ip("10.0.0.1")))
        .collect();
    assert_eq!(of_proxy.len(), 3, "as many as there may be in all");
}

#[tokio::test]
async fn users_are_counted_where_a_client_acts_and_not_where_the_server_does() {
    let limits = Limits::new(rules());
    let (client, user) = (limits.client(None), "1".into());
    let n_admitted = || {
        (0..10)
            .filter(|_| limits.admit_user_call(&user).is_ok())
            .count()
    };
    assert_eq!(n_admitted(), 10);
    assert_eq!(as_client(&client, async { n_admitted() }).await, 2);
    assert_eq!(
        as_client(&Client::unlimited(), async { n_admitted() }).await,
        10
    );
}

#[test]
fn frames_are_traffic_too_and_make_a_connection_wait() {
    let limits = Limits::new(rules());
    let (_place, traffic) = limits.connect(ip("192.0.2.1")).unwrap();
    let mut traffic = traffic.unwrap();
    traffic.note(50_000, 0);
    assert!(traffic.pause().is_zero());
    traffic.note(100, 100);
    assert!(!traffic.pause().is_zero() && !traffic.is_flooding());
}
