//! Every way to spoil a good history is reported, as what it is.

mod files;
mod good;
mod holdings;
mod local;
mod people;

use super::{Violation, check};
use crate::history::{Ask, Entry, Seen, Told, What, digest};
use good::{ROOM, Story, good, message};

fn violations(history: &[Entry]) -> Vec<Violation> {
    check(history).0
}

/// Spoils a good history and expects that invariant to be broken, and evidence for it.
fn spoil(invariant: &str, change: impl FnOnce(&mut Vec<Entry>)) {
    let mut history = good();
    let before = history.clone();
    change(&mut history);
    assert_ne!(before, history, "nothing was changed");
    let found = violations(&history);
    let mut it = found
        .iter()
        .filter(|violation| violation.invariant == invariant);
    let it = it
        .next()
        .unwrap_or_else(|| panic!("{invariant} is not in {found:?}"));
    assert!(
        !it.lines.is_empty()
            && it
                .lines
                .iter()
                .all(|line| (1..=history.len()).contains(line))
    );
}

/// The first entry that is like that.
fn find(history: &[Entry], is_it: impl Fn(&Entry) -> bool) -> usize {
    history.iter().position(is_it).expect("it is there")
}

fn row(history: &[Entry], wanted: i64) -> usize {
    find(
        history,
        |entry| matches!(&entry.what, What::Row { message } if message.seq == wanted),
    )
}

fn live(history: &[Entry], who: &str, wanted: i64) -> usize {
    find(history, |entry| {
        entry.who == who
            && matches!(&entry.what, What::Received { message } if message.rev == wanted)
    })
}

/// The message of an entry, to be changed.
fn seen(entry: &mut Entry) -> &mut Seen {
    match &mut entry.what {
        What::Row { message }
        | What::Received { message }
        | What::Ok {
            told: Told::Message { message, .. },
            ..
        } => message,
        other => panic!("no message: {other:?}"),
    }
}

fn answer(history: &[Entry], seq: i64) -> usize {
    find(
        history,
        |entry| matches!(&entry.what, What::Ok { told: Told::Message { message, .. }, .. } if message.seq == seq),
    )
}

fn head(history: &mut [Entry], change: impl Fn(&mut i64, &mut i64)) {
    let at = find(history, |entry| matches!(entry.what, What::Head { .. }));
    if let What::Head {
        last_seq, last_rev, ..
    } = &mut history[at].what
    {
        change(last_seq, last_rev);
    }
}

#[test]
fn a_good_history_is_good() {
    assert_eq!(violations(&good()), []);
}

#[test]
fn a_history_survives_being_kept() {
    for entry in good() {
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            serde_json::from_str::<Entry>(&text).unwrap(),
            entry,
            "{text}"
        );
    }
}

#[test]
fn a_lost_message_is_reported() {
    spoil("I1", |history| drop(history.remove(row(history, 4))));
}

#[test]
fn a_lost_conversation_is_reported() {
    spoil("I1", |history| {
        let mut story = Story::continued(history);
        let conversation = good::ROOM.to_owned();
        story.push("bob/final", 0, What::Gone { conversation });
        *history = story.history;
    });
}

#[test]
fn a_changed_byte_is_reported() {
    spoil("I1", |history| {
        let at = row(history, 4);
        seen(&mut history[at]).text = "other".to_owned();
    });
}

/// Ada edits her third message.
fn edited(history: &[Entry]) -> Vec<Entry> {
    let mut story = Story::continued(history);
    let change = Ask::Change {
        conversation: good::ROOM.to_owned(),
        message: "m4".to_owned(),
        text: "new".to_owned(),
    };
    let call = story.invoke("ada/d1", 1, change);
    let message = Seen {
        text: "new".to_owned(),
        state: Some("new".to_owned()),
        ..message(4, 5, "ada", "ada-3")
    };
    let told = Told::Message {
        message,
        duplicate: false,
    };
    story.push("ada/d1", 1, What::Ok { call, told });
    story.history
}

#[test]
fn an_edit_that_is_stored_is_good_and_a_lost_one_is_reported() {
    spoil("I1", |history| *history = edited(history));
    let mut history = edited(&good());
    let at = row(&history, 4);
    let row = seen(&mut history[at]);
    (row.rev, row.text) = (5, "new".to_owned());
    let found = violations(&history);
    let is_lost = |violation: &&Violation| ["I1", "I2"].contains(&violation.invariant);
    assert_eq!(found.iter().find(is_lost), None);
}

#[test]
fn a_message_that_nobody_sent_is_reported() {
    spoil("I2", |history| {
        let mut foreign = message(5, 5, "eve", "eve-1");
        foreign.id = "foreign".to_owned();
        let at = row(history, 4) + 1;
        let entry = Entry {
            what: What::Row { message: foreign },
            ..history[at].clone()
        };
        history.insert(at, entry);
        head(history, |seq, rev| (*seq, *rev) = (5, 5));
    });
}

#[test]
fn a_message_of_somebody_else_is_reported() {
    spoil("I2", |history| {
        let at = row(history, 2);
        seen(&mut history[at]).sender = "eve".to_owned();
    });
}

#[test]
fn a_refused_message_that_is_stored_is_reported() {
    spoil("I2", |history| {
        let at = answer(history, 3);
        let What::Ok { call, .. } = history[at].what else {
            unreachable!()
        };
        history[at].what = What::Fail {
            call,
            code: "FORBIDDEN".to_owned(),
        };
    });
}

#[test]
fn a_double_is_reported() {
    spoil("I3", |history| {
        let at = row(history, 4);
        let mut twin = message(5, 5, "ada", "ada-2");
        twin.text = "ada-2".to_owned();
        let entry = Entry {
            what: What::Row { message: twin },
            ..history[at].clone()
        };
        history.insert(at + 1, entry);
        head(history, |seq, rev| (*seq, *rev) = (5, 5));
    });
}

#[test]
fn two_answers_to_one_send_are_reported() {
    spoil("I3", |history| {
        let mut story = Story::continued(history);
        let call = story.invoke("ada/d1", 1, good::send("ada-1"));
        let other = message(3, 3, "bob", "bob-1");
        story.push(
            "ada/d1",
            1,
            What::Ok {
                call,
                told: Told::Message {
                    message: other,
                    duplicate: true,
                },
            },
        );
        *history = story.history;
    });
}

#[test]
fn a_gap_in_the_numbers_is_reported() {
    spoil("I4", |history| {
        let at = row(history, 2);
        history.remove(at);
    });
    spoil("I4", |history| head(history, |_, rev| *rev += 1));
    spoil("I4", |history| head(history, |seq, _| *seq += 1));
}

#[test]
fn two_messages_in_one_place_are_reported() {
    spoil("I5", |history| {
        let at = live(history, "bob/d2", 2);
        seen(&mut history[at]).id = "other".to_owned();
    });
}

#[test]
fn two_states_of_one_change_are_reported() {
    spoil("I5", |history| {
        let at = live(history, "bob/d2", 2);
        seen(&mut history[at]).state = Some("other".to_owned());
    });
}

#[test]
fn swapped_events_are_reported() {
    spoil("I6", |history| {
        let (one, other) = (live(history, "bob/d2", 1), live(history, "bob/d2", 2));
        let what = history[one].what.clone();
        history[one].what = history[other].what.clone();
        history[other].what = what;
    });
}

#[test]
fn a_live_event_twice_is_reported() {
    spoil("I6", |history| {
        let at = live(history, "bob/d2", 2);
        history.insert(at, history[at].clone());
    });
}

#[test]
fn a_skipped_event_is_reported() {
    spoil("I6", |history| {
        drop(history.remove(live(history, "bob/d2", 1)))
    });
}

/// Somebody who follows by `seq` hears the first and the third message. `delete` asks for the end of the second.
fn hear_past_the_second(history: &mut Vec<Entry>, delete: Option<Ask>) {
    let mut story = Story::continued(history);
    if let Some(delete) = delete {
        story.invoke("ada/d1", 1, delete);
    }
    for (seq, sender, text) in [(1, "ada", "ada-1"), (3, "bob", "bob-1")] {
        let message = Seen {
            cmid: None,
            state: None,
            ..message(seq, seq, sender, text)
        };
        story.push("cem/messaging", 1, What::Heard { message });
    }
    *history = story.history;
}

#[test]
fn another_dialect_that_misses_something_is_reported() {
    spoil("I6", |history| hear_past_the_second(history, None));
    let delete = |message: &str| Ask::Change {
        conversation: ROOM.to_owned(),
        message: message.to_owned(),
        text: digest(""),
    };
    spoil("I6", |history| {
        hear_past_the_second(history, Some(delete("m4")))
    });
    let mut history = good();
    hear_past_the_second(&mut history, Some(delete("m2")));
    let found = violations(&history);
    assert!(
        found.iter().all(|violation| violation.invariant != "I6"),
        "{found:?}"
    );
}

#[test]
fn an_order_against_time_is_reported() {
    spoil("I7", |history| {
        let (one, other) = (answer(history, 1), answer(history, 3));
        for (at, place) in [(one, 3), (other, 1)] {
            seen(&mut history[at]).seq = place;
        }
    });
}

#[test]
fn a_pipeline_out_of_order_is_reported() {
    spoil("I8", |history| {
        let (one, other) = (answer(history, 1), answer(history, 2));
        for (at, place) in [(one, 2), (other, 1)] {
            seen(&mut history[at]).seq = place;
        }
    });
}

#[test]
fn a_range_cut_out_of_a_catch_up_is_reported() {
    spoil("I10", |history| {
        let at = find(history, |entry| matches!(entry.what, What::Caught { .. }));
        if let What::Caught { messages, .. } = &mut history[at].what {
            messages.remove(0);
        }
    });
    spoil("I10", |history| {
        let at = find(history, |entry| matches!(entry.what, What::Caught { .. }));
        if let What::Caught { messages, .. } = &mut history[at].what {
            messages.reverse();
        }
    });
}

#[test]
fn a_ghost_is_reported() {
    spoil("I11", |history| {
        let at = live(history, "bob/d2", 2);
        let ghost = message(9, 9, "ada", "ada-9");
        let entry = Entry {
            what: What::Received { message: ghost },
            ..history[at].clone()
        };
        history.insert(at + 1, entry);
    });
}

#[test]
fn a_walk_with_a_hole_or_a_double_is_reported() {
    let page = |history: &[Entry]| find(history, |entry| matches!(entry.what, What::Page { .. }));
    for change in [
        |messages: &mut Vec<Seen>| drop(messages.remove(1)),
        |messages: &mut Vec<Seen>| drop(messages.pop()),
        |messages: &mut Vec<Seen>| messages.push(messages[0].clone()),
    ] {
        spoil("I12", |history| {
            let at = page(history);
            if let What::Page { messages, .. } = &mut history[at].what {
                change(messages);
            }
        });
    }
}
