use super::*;
use crate::store::tests_support;
use crate::store::writer::{NewId, Twin};

fn send(id: &str, channel: Channel, client_id: Option<&str>) -> Write {
    let row = MessageRow {
        id: id.into(),
        client_id: client_id.map(str::to_owned),
        content: Some("ok".into()),
        ..tests_support::row()
    };
    Write::Message(Box::new(NewMessage {
        row,
        id: NewId::Given,
        earlier: None,
        admitted_in: None,
        twin: Some(Twin { channel }),
    }))
}

/// Stores one batch in memory; says which message each write ended in.
fn store(writes: &[Write], recent: &mut Recent) -> Vec<String> {
    store_in(&mut Vec::new(), writes, recent)
}

/// Stores one batch beside those rows, as the database does; says which message each write ended in.
fn store_in(rows: &mut Vec<MessageRow>, writes: &[Write], recent: &mut Recent) -> Vec<String> {
    let plan = Plan::new(writes.iter(), recent);
    let mut results = Vec::new();
    for (index, message) in plan.batch.messages.iter().enumerate() {
        let mut row = message.row.clone();
        let claim = plan.batch.claims.iter().find(|it| it.message == index);
        if let Some(claim) = claim {
            row.client_id.clone_from(&claim.other.row.client_id);
        }
        let pair = plan.batch.pairs.iter().find(|it| it.message == index);
        let is_known =
            |it: &&mut MessageRow| it.client_id.is_some() && it.client_id == row.client_id;
        let known = match rows.iter_mut().find(is_known) {
            None => pair.and_then(|pair| rows.iter_mut().find(|it| it.id == pair.row)),
            known => known,
        };
        let duplicate = known.is_some();
        if let Some(known) = known {
            known.client_id.clone_from(&row.client_id);
            row = known.clone();
        } else {
            rows.push(row.clone());
        }
        results.push(Ok(Distinct::Message(StoredMessage {
            row: Arc::new(row),
            duplicate,
            reactions: Vec::new(),
            facts_in: 0,
        })));
    }
    let id = |outcome| match outcome {
        Ok(Outcome::Message(stored)) => stored.row.id.to_string(),
        _ => panic!("no message"),
    };
    plan.outcomes(results, recent).into_iter().map(id).collect()
}

/// Stores batches of one write each.
fn store_one_by_one(writes: &[Write]) -> Vec<String> {
    let (mut rows, mut recent) = (Vec::new(), Recent::default());
    let one = |write| store_in(&mut rows, std::slice::from_ref(write), &mut recent);
    writes.iter().flat_map(one).collect()
}

#[test]
fn a_repeat_inside_a_batch_ends_in_the_first_message() {
    let writes = [
        send("m1", Channel::Socket, Some("k")),
        send("m2", Channel::Socket, Some("k")),
        send("m3", Channel::Socket, Some("l")),
    ];
    assert_eq!(store(&writes, &mut Recent::default()), ["m1", "m1", "m3"]);
}

#[test]
fn the_two_halves_of_a_double_send_are_one_message_in_any_order() {
    let (socket, rest) = (Channel::Socket, Channel::Rest);
    for (first, second) in [(socket, rest), (rest, socket)] {
        let (first, second) = (send("m1", first, None), send("m2", second, None));
        let mut recent = Recent::default();
        assert_eq!(
            store(&[first.clone(), second.clone()], &mut recent),
            ["m1", "m1"]
        );
        let mut recent = Recent::default();
        assert_eq!(store(&[first], &mut recent), ["m1"]);
        assert_eq!(store(&[second], &mut recent), ["m1"]);
    }
}

#[test]
fn a_half_that_found_its_other_half_is_used_up() {
    let writes = [
        send("m1", Channel::Socket, Some("t1")),
        send("m2", Channel::Rest, None),
        send("m3", Channel::Rest, None),
    ];
    assert_eq!(store(&writes, &mut Recent::default()), ["m1", "m1", "m3"]);
    assert_eq!(store_one_by_one(&writes), ["m1", "m1", "m3"]);
}

#[test]
fn two_equal_sends_over_one_channel_are_two_messages() {
    let writes = [
        send("m1", Channel::Rest, None),
        send("m2", Channel::Rest, None),
    ];
    assert_eq!(store(&writes, &mut Recent::default()), ["m1", "m2"]);
}

#[test]
fn a_half_that_was_paired_is_known_by_its_key() {
    let writes = [
        send("m1", Channel::Rest, None),
        send("m2", Channel::Socket, Some("t")),
        send("m3", Channel::Socket, Some("t")),
    ];
    assert_eq!(store(&writes, &mut Recent::default()), ["m1", "m1", "m1"]);
    assert_eq!(store_one_by_one(&writes), ["m1", "m1", "m1"]);
}

#[test]
fn a_repeat_does_not_wait_for_another_half() {
    let writes = [
        send("m1", Channel::Socket, Some("t")),
        send("m2", Channel::Rest, None),
        send("m3", Channel::Socket, Some("t")),
        send("m4", Channel::Rest, None),
    ];
    assert_eq!(store_one_by_one(&writes), ["m1", "m1", "m1", "m4"]);
}

#[test]
fn a_repeat_does_not_use_up_the_half_of_another_message() {
    let writes = [
        send("m1", Channel::Socket, Some("t")),
        send("m2", Channel::Rest, None),
        send("m3", Channel::Rest, None),
        send("m4", Channel::Socket, Some("t")),
        send("m5", Channel::Socket, Some("u")),
    ];
    assert_eq!(store_one_by_one(&writes), ["m1", "m1", "m3", "m1", "m3"]);
}
