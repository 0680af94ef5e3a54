//! The two halves of a message that a front end sends over two channels at once, on both databases.

use sohbet::error::Error;
use sohbet::store::{Channel, Outcome, Twin, Write};

use crate::support::desk::Desk;
use crate::support::stores::{self, on_both_stores};

on_both_stores!(
    a_half_that_was_paired_is_known_by_its_key_for_ever,
    a_repeat_of_a_half_takes_nothing_from_the_next_message,
);

async fn a_half_that_was_paired_is_known_by_its_key_for_ever(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let writes = || {
        vec![
            half(&desk, "m1", None),
            half(&desk, "m2", Some("t")),
            half(&desk, "m3", Some("t")),
        ]
    };
    assert_eq!(ids(&desk.commit(writes()).await), ["m1", "m1", "m1"]);
    // Another writer remembers nothing of the moments before.
    let again = vec![half(&desk, "m4", Some("t"))];
    assert_eq!(ids(&desk.commit(again).await), ["m1"]);

    let turns = vec![
        vec![half(&desk, "n1", None)],
        vec![half(&desk, "n2", Some("u"))],
        vec![half(&desk, "n3", Some("u"))],
    ];
    assert_eq!(ids(&desk.commit_in_turn(turns).await), ["n1", "n1", "n1"]);
    let again = vec![half(&desk, "n4", Some("u"))];
    assert_eq!(ids(&desk.commit(again).await), ["n1"]);
}

async fn a_repeat_of_a_half_takes_nothing_from_the_next_message(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let sends = [
        ("m1", Some("t")),
        ("m2", None),
        ("m3", Some("t")),
        ("m4", None),
        ("m5", Some("t")),
        ("m6", Some("u")),
    ];
    let turns = sends.map(|(id, key)| vec![half(&desk, id, key)]);
    let outcomes = desk.commit_in_turn(turns.into()).await;
    assert_eq!(ids(&outcomes), ["m1", "m1", "m1", "m4", "m1", "m4"]);
}

/// The half that came by socket, with its key, or the one that was posted.
fn half(desk: &Desk, id: &str, key: Option<&str>) -> Write {
    let mut write = desk.message(id);
    if let Write::Message(new) = &mut write {
        new.row.client_id = key.map(str::to_owned);
        let channel = key.map_or(Channel::Rest, |_| Channel::Socket);
        new.twin = Some(Twin { channel });
    }
    write
}

fn ids(outcomes: &[Result<Outcome, Error>]) -> Vec<String> {
    let id = |outcome: &Result<Outcome, Error>| match outcome {
        Ok(Outcome::Message(stored)) => stored.row.id.to_string(),
        other => panic!("no message: {other:?}"),
    };
    outcomes.iter().map(id).collect()
}
