//! Who may see what, how far somebody has read, and who is answered when.

use super::good::{self, Story};
use super::{answer, find, live, spoil};
use crate::history::{Ask, Entry, Told, What};

#[test]
fn a_stranger_who_hears_something_is_reported() {
    spoil("I13", |history| {
        let at = live(history, "bob/d2", 2);
        let entry = Entry {
            who: "eve/d9".to_owned(),
            ..history[at].clone()
        };
        history.insert(at, entry);
    });
}

#[test]
fn a_stranger_who_is_served_is_reported() {
    spoil("I13", |history| {
        let mut story = Story::continued(history);
        let call = story.invoke(
            "eve/d9",
            1,
            Ask::Look {
                conversation: good::ROOM.to_owned(),
            },
        );
        story.push(
            "eve/d9",
            1,
            What::Ok {
                call,
                told: Told::Done,
            },
        );
        *history = story.history;
    });
}

#[test]
fn somebody_removed_who_still_hears_is_reported() {
    spoil("I13", |history| {
        let at = find(
            history,
            |entry| matches!(&entry.what, What::Received { message } if message.seq == 4),
        );
        let entry = Entry {
            who: "cem/d3".to_owned(),
            ..history[at].clone()
        };
        history.insert(at, entry);
    });
}

#[test]
fn a_device_without_a_token_that_still_hears_is_reported() {
    spoil("I13", |history| {
        let message = good::message(9, 9, "ada", "ada-9");
        let mut story = Story::continued(history);
        let device = "bob/token".to_owned();
        let call = story.invoke("bob/token", 0, Ask::Revoke { device });
        story.push(
            "bob/token",
            0,
            What::Ok {
                call,
                told: Told::Done,
            },
        );
        story.wait();
        story.invoke("ada/d1", 1, good::send("ada-9"));
        story.push("bob/token", 1, What::Received { message });
        *history = story.history;
    });
}

#[test]
fn a_marker_that_goes_back_is_reported() {
    let marker = |history: &[Entry]| {
        history
            .iter()
            .rposition(|entry| {
                matches!(
                    entry.what,
                    What::Ok {
                        told: Told::Marker { .. },
                        ..
                    }
                )
            })
            .unwrap()
    };
    spoil("I14", |history| {
        let at = marker(history);
        if let What::Ok {
            told: Told::Marker { last_read_seq },
            ..
        } = &mut history[at].what
        {
            *last_read_seq = 1;
        }
    });
    spoil("I14", |history| {
        let at = find(history, |entry| matches!(entry.what, What::Marker { .. }));
        let mut entry = history[at].clone();
        if let What::Marker { last_read_seq, .. } = &mut entry.what {
            *last_read_seq -= 1;
        }
        history.insert(at + 1, entry);
    });
}

/// Changes what is shown in the end.
fn show(history: &mut [Entry], change: impl Fn(&mut i64, &mut i64, &mut Option<i64>)) {
    let at = find(history, |entry| matches!(entry.what, What::Shown { .. }));
    if let What::Shown {
        last_read_seq,
        unread,
        shown_seq,
        ..
    } = &mut history[at].what
    {
        change(last_read_seq, unread, shown_seq);
    }
}

#[test]
fn wrong_counts_and_newest_messages_are_reported() {
    spoil("I14", |history| show(history, |_, unread, _| *unread += 1));
    spoil("I14", |history| show(history, |read, _, _| *read = 1));
    spoil("I14", |history| show(history, |read, _, _| *read = 9));
    spoil("I15", |history| {
        show(history, |_, _, shown| *shown = Some(3))
    });
    spoil("I15", |history| {
        let at = find(history, |entry| matches!(entry.what, What::Head { .. }));
        if let What::Head { preview, .. } = &mut history[at].what {
            *preview = Some(["a".to_owned(), "b".to_owned()]);
        }
    });
}

#[test]
fn two_conversations_of_one_pair_are_reported() {
    spoil("I17", |history| {
        let at = find(history, |entry| {
            matches!(
                entry.what,
                What::Ok {
                    told: Told::Conversation { .. },
                    ..
                }
            )
        });
        if let What::Ok {
            told: Told::Conversation { conversation, .. },
            ..
        } = &mut history[at].what
        {
            conversation.push('x');
        }
    });
}

#[test]
fn a_second_answer_and_a_missing_one_are_reported() {
    spoil("I18", |history| {
        let at = answer(history, 1);
        history.insert(at + 1, history[at].clone());
    });
    spoil("I18", |history| {
        let at = find(history, |entry| {
            matches!(
                entry.what,
                What::Ok {
                    told: Told::Marker { .. },
                    ..
                }
            )
        });
        history.remove(at);
    });
}

#[test]
fn what_a_server_keeps_is_reported() {
    spoil("I19", |history| {
        let at = find(history, |entry| matches!(entry.what, What::Leftover { .. }));
        if let What::Leftover { after, .. } = &mut history[at].what {
            *after += 100;
        }
    });
}

#[test]
fn a_server_that_does_not_recover_is_reported() {
    spoil("I20", |history| {
        let fault = "kill".to_owned();
        let at = find(history, |entry| matches!(entry.what, What::Healed));
        let entry = |what| Entry {
            at_us: history[at].at_us,
            who: "harness".to_owned(),
            conn: 0,
            what,
        };
        let faults = [
            entry(What::FaultBegins {
                fault: fault.clone(),
            }),
            entry(What::FaultEnds { fault }),
        ];
        history.splice(at..=at, faults);
    });
    spoil("I20", |history| {
        let at = find(history, |entry| matches!(entry.what, What::Healed));
        let entry = Entry {
            what: What::Ended {
                fault: "kill".to_owned(),
            },
            ..history[at].clone()
        };
        history.insert(at, entry);
    });
}
