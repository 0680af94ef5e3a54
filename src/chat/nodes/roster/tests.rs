use chrono::DateTime;

use super::*;
use crate::chat::Dialect;

fn entry(user: &str) -> Entry {
    Entry::Online(Dialect::ALL[0], user.into(), DateTime::UNIX_EPOCH)
}

fn is_online_elsewhere(roster: &Roster, user: &str) -> bool {
    roster.is_online_elsewhere(Dialect::ALL[0], &user.into())
}

/// Lets `to` hear what `from` has to say. What changed there, and what it asks.
fn tell(from: &Roster, name: &str, to: &Roster) -> Vec<Change> {
    let news = from.take_news(true, |_| true);
    news.into_iter()
        .flat_map(|news| to.hear("to", name, news).0)
        .collect()
}

#[test]
fn who_comes_and_goes_on_one_node_is_known_on_the_other() {
    let (a, b) = (Roster::default(), Roster::default());
    a.set_own(entry("ali"), true);
    assert_eq!(tell(&a, "a", &b), [(entry("ali"), true)]);
    assert!(is_online_elsewhere(&b, "ali") && !is_online_elsewhere(&a, "ali"));
    let since = DateTime::UNIX_EPOCH;
    assert_eq!(b.online_elsewhere(Dialect::ALL[0]), [("ali".into(), since)]);
    a.set_own(entry("ali"), false);
    assert_eq!(tell(&a, "a", &b), [(entry("ali"), false)]);
    assert!(!is_online_elsewhere(&b, "ali"));
}

#[test]
fn who_is_on_two_nodes_goes_with_the_second() {
    let (a, b, c) = (Roster::default(), Roster::default(), Roster::default());
    let since = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    let entry = |seconds| Entry::Online(Dialect::ALL[0], "ali".into(), since(seconds));
    for (name, node, seconds) in [("a", &a, 1), ("b", &b, 2)] {
        node.set_own(entry(seconds), true);
        tell(node, name, &c);
    }
    let ali = "ali".into();
    assert_eq!(c.online_elsewhere(Dialect::ALL[0]), [(ali, since(1))]);
    a.set_own(entry(1), false);
    assert!(tell(&a, "a", &c).is_empty());
    b.set_own(entry(2), false);
    assert_eq!(tell(&b, "b", &c), [(entry(2), false)]);
}

#[test]
fn who_is_called_otherwise_is_another_entry() {
    let (a, b) = (Roster::default(), Roster::default());
    let named = |name: &str| Named {
        socket_id: "s".into(),
        user: None,
        connected_at: DateTime::UNIX_EPOCH,
        stay: Some(Stay {
            name: name.into(),
            room: None,
            joined_at: DateTime::UNIX_EPOCH,
            came_at: DateTime::UNIX_EPOCH,
        }),
    };
    let entry = |name| Entry::Named(named(name));
    a.set_named("s", Some(named("ali")));
    a.set_named("s", Some(named("ali")));
    assert_eq!(tell(&a, "a", &b), [(entry("ali"), true)]);
    a.set_named("s", Some(named("veli")));
    a.set_named("s", None);
    let changes = [("veli", true), ("ali", false), ("veli", false)];
    let changes = changes.map(|(name, is_there)| (entry(name), is_there));
    assert_eq!(tell(&a, "a", &b), changes);
    assert_eq!(b.hear("b", "a", a.state()).1, None);
}

#[test]
fn what_was_missed_is_asked_for() {
    let (a, b) = (Roster::default(), Roster::default());
    for user in ["ali", "veli"] {
        a.set_own(entry(user), true);
    }
    tell(&a, "a", &b);
    a.set_own(entry("ali"), false);
    a.set_own(entry("can"), true);
    a.take_news(true, |_| true); // lost on the way
    assert_eq!(b.hear("b", "a", a.state()), (Vec::new(), None));
    let (_, want) = b.hear("b", "a", a.state());
    a.hear("a", "b", want.expect("it does not fit for the second time"));
    let mut changes = tell(&a, "a", &b);
    changes.sort_by_key(|(_, is_there)| *is_there);
    assert_eq!(changes, [(entry("ali"), false), (entry("can"), true)]);
    assert_eq!(b.hear("b", "a", a.state()).1, None);
    assert_eq!(b.hear("b", "a", a.state()).1, None);
}

#[tokio::test(start_paused = true)]
async fn those_of_a_silent_node_are_gone_after_a_while() {
    let (a, b) = (Roster::default(), Roster::default());
    b.greet();
    a.set_own(entry("ali"), true);
    tell(&a, "a", &b);
    tokio::time::advance(SILENCE / 2).await;
    b.hear("b", "a", a.state());
    tokio::time::advance(SILENCE / 2).await;
    assert!(b.forget_silent().is_empty());
    tokio::time::advance(SILENCE).await;
    assert_eq!(b.forget_silent(), [(entry("ali"), false)]);
    assert!(!is_online_elsewhere(&b, "ali"));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_can_be_heard_nobody_is_gone() {
    let (a, b) = (Roster::default(), Roster::default());
    b.greet();
    a.set_own(entry("ali"), true);
    tell(&a, "a", &b);
    b.stop_hearing();
    tokio::time::advance(SILENCE * 2).await;
    assert!(b.forget_silent().is_empty());
    b.greet();
    assert!(b.forget_silent().is_empty(), "it has time to say something");
    tokio::time::advance(SILENCE).await;
    assert_eq!(b.forget_silent(), [(entry("ali"), false)]);
}

#[test]
fn who_was_touched_is_told_as_it_is_when_it_is_told() {
    let (a, b) = (Roster::default(), Roster::default());
    let connected = Entry::Connected(None, "ali".into());
    let tell = |is_there| {
        a.touch(connected.clone());
        let news = a.take_news(true, |_| is_there);
        let heard = news.into_iter().flat_map(|news| b.hear("b", "a", news).0);
        heard.collect::<Vec<_>>()
    };
    assert!(tell(false).is_empty(), "it came and went");
    assert_eq!(tell(true), [(connected.clone(), true)]);
    assert!(tell(true).is_empty());
    assert_eq!(tell(false), [(connected.clone(), false)]);
}

#[test]
fn a_node_that_comes_learns_at_once_who_is_there() {
    let (a, b) = (Roster::default(), Roster::default());
    a.set_own(entry("ali"), true);
    assert!(a.take_news(false, |_| true).is_empty(), "nobody listens");
    b.greet();
    for hello in b.take_news(false, |_| true) {
        a.hear("a", "b", hello);
    }
    assert_eq!(tell(&a, "a", &b), [(entry("ali"), true)]);
}

#[test]
fn the_sockets_of_a_node_that_stops_are_gone_and_its_users_come_back() {
    let (a, b) = (Roster::default(), Roster::default());
    let connected = Entry::Connected(None, "ali".into());
    a.set_own(entry("ali"), true);
    a.set_own(connected.clone(), true);
    tell(&a, "a", &b);
    let (gone, _) = b.hear("b", "a", RosterNews::Bye);
    assert_eq!(gone, [(connected, false)]);
    assert!(is_online_elsewhere(&b, "ali"));
}
