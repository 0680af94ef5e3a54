use proptest::prelude::*;

use super::*;

fn id() -> ConversationId {
    "c".into()
}

/// A position at which every change was a message.
fn at(rev: i64) -> Position {
    Position { rev, seq: rev }
}

fn now() -> Instant {
    Instant::now()
}

fn said_since() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1)
}

/// The last that was told before the holes that are due.
fn told_before<T>(sequencer: &mut Sequencer<T>, grace: Duration, now: Instant) -> Vec<Position> {
    let due = sequencer.due(grace, now);
    due.into_iter().map(|hole| hole.told).collect()
}

/// Takes a repair that was asked for just now; what waited is told in its place.
fn repair<T>(
    sequencer: &mut Sequencer<T>,
    rows: Vec<(i64, T)>,
    head: Position,
    now: Instant,
) -> Vec<Repaired<T>> {
    let told = sequencer.position(&id());
    let stretch = Stretch {
        after: told.unwrap_or(Position::UNKNOWN),
        rows,
        head,
    };
    let steps = sequencer.repair(&id(), stretch, now, |row, waited| waited.unwrap_or(row));
    steps.unwrap_or_default()
}

#[test]
fn what_comes_in_order_is_told_at_once() {
    let mut sequencer = Sequencer::default();
    for rev in 7..10 {
        assert_eq!(
            sequencer.offer(&id(), at(rev), rev, now()),
            Turn::Now(vec![rev])
        );
    }
    assert!(!sequencer.has_holes());
    assert_eq!(sequencer.offer(&id(), at(8), 8, now()), Turn::Late(8));
}

#[test]
fn what_comes_early_waits_for_what_is_on_its_way() {
    let mut sequencer = Sequencer::default();
    sequencer.offer(&id(), at(1), 1, now());
    assert_eq!(sequencer.offer(&id(), at(4), 4, now()), Turn::Waits);
    assert_eq!(sequencer.offer(&id(), at(3), 3, now()), Turn::Waits);
    assert_eq!(sequencer.offer(&id(), at(3), 33, now()), Turn::Late(33));
    assert_eq!(
        sequencer.offer(&id(), at(2), 2, now()),
        Turn::Now(vec![2, 3, 4])
    );
    assert!(!sequencer.has_holes());
}

#[test]
fn a_hole_ends_at_the_head_that_was_read_whatever_was_overwritten() {
    let mut sequencer = Sequencer::default();
    sequencer.offer(&id(), at(1), 1, now());
    sequencer.offer(&id(), at(3), 3, now());
    sequencer.offer(&id(), at(6), 6, now());
    // 2 and 4 were overwritten by 5; 3 waits for nobody any more.
    let steps = repair(&mut sequencer, vec![(5, 50)], at(5), now());
    assert_eq!(
        steps,
        [Repaired::Told(50), Repaired::Late(3), Repaired::Told(6)]
    );
    assert_eq!(sequencer.position(&id()), Some(at(6)));
    assert!(!sequencer.has_holes());
}

#[test]
fn a_head_that_was_seen_shows_what_is_missing() {
    let mut sequencer: Sequencer<i64> = Sequencer::default();
    assert!(
        !sequencer.observe(&id(), at(5), now()),
        "nothing was heard before"
    );
    assert!(!sequencer.observe(&id(), at(5), now()));
    assert!(sequencer.observe(&id(), at(7), now()));
    let grace = Duration::from_millis(50);
    assert!(
        sequencer.due(grace, now()).is_empty(),
        "it may be on its way"
    );
    let later = now() + grace;
    assert_eq!(told_before(&mut sequencer, grace, later), [at(5)]);
    assert!(sequencer.due(grace, later).is_empty(), "it was asked for");
    assert_eq!(told_before(&mut sequencer, grace, later + RETRY), [at(5)]);
    repair(&mut sequencer, vec![(6, 6), (7, 7)], at(7), later);
    assert!(!sequencer.has_holes());
}

#[test]
fn what_was_read_before_more_was_told_is_read_again() {
    let mut sequencer: Sequencer<i64> = Sequencer::default();
    sequencer.offer(&id(), at(1), 1, now());
    sequencer.offer(&id(), at(4), 4, now());
    let later = now() + RETRY;
    assert_eq!(told_before(&mut sequencer, Duration::ZERO, later), [at(1)]);
    let stretch = Stretch {
        after: at(1),
        rows: vec![(2, 2), (3, 3)],
        head: at(3),
    };
    assert_eq!(sequencer.offer(&id(), at(2), 2, later), Turn::Now(vec![2]));
    let steps = sequencer.repair(&id(), stretch, later, |row, _| row);
    assert_eq!(steps, None, "2 may have changed since");
    assert_eq!(told_before(&mut sequencer, Duration::ZERO, later), [at(2)]);
    let steps = repair(&mut sequencer, vec![(3, 3)], at(3), later);
    assert_eq!(steps, [3, 4].map(Repaired::Told));
}

#[test]
fn messages_may_be_told_before_any_change_is() {
    let mut sequencer: Sequencer<i64> = Sequencer::default();
    sequencer.offer(&id(), at(1), 1, now());
    sequencer.observe(&id(), at(900), now());
    let head = Position { rev: 1, seq: 300 };
    assert_eq!(repair(&mut sequencer, vec![], head, now()), []);
    assert_eq!(told_before(&mut sequencer, Duration::ZERO, now()), [head]);
}

#[test]
fn what_is_discovered_waits_until_it_is_known_what_is_new() {
    let mut sequencer = Sequencer::default();
    // Whoever finds it first, what is missing is no newer than any of them says.
    let later = said_since() + chrono::TimeDelta::days(1);
    for since in [later, said_since(), later] {
        sequencer.discover(&id(), at(7), since, now());
    }
    assert_eq!(sequencer.offer(&id(), at(8), 8, now()), Turn::Waits);
    let due = sequencer.due(Duration::ZERO, now());
    let expected = Missing {
        conversation: id(),
        told: Position::UNKNOWN,
        said_since: said_since(),
    };
    assert_eq!(due, [expected]);
    let steps = repair(&mut sequencer, vec![(6, 6), (7, 7)], at(7), now());
    assert_eq!(steps, [6, 7, 8].map(Repaired::Told));
    sequencer.discover(&id(), at(8), said_since(), now());
    assert!(!sequencer.has_holes(), "it is known");
}

#[test]
fn what_does_not_fit_is_left_to_the_database() {
    let mut sequencer = Sequencer::default();
    sequencer.offer(&id(), at(1), 1, now());
    let last = 3 + MAX_WAITING as i64;
    for rev in 3..last {
        assert_eq!(sequencer.offer(&id(), at(rev), rev, now()), Turn::Waits);
    }
    assert_eq!(
        sequencer.offer(&id(), at(last), last, now()),
        Turn::Late(last)
    );
    sequencer.offer(&id(), at(2), 2, now());
    assert_eq!(sequencer.position(&id()), Some(at(last - 1)));
    assert_eq!(
        told_before(&mut sequencer, Duration::ZERO, now()),
        [at(last - 1)]
    );
}

/// What the network does with one change.
#[derive(Debug, Clone)]
enum Step {
    /// The n-th change arrives, for the first time or again.
    Arrive(usize),
    /// The database is read as it is after the n-th change.
    Repair(usize),
    /// Somebody sees how far the conversation has come.
    Observe(usize),
}

/// Changes of a conversation: the n-th one touches the message with that number and takes `rev` n + 1.
fn history() -> impl Strategy<Value = (Vec<u8>, Vec<Step>)> {
    let changes = prop::collection::vec(0u8..6, 1..40);
    changes.prop_flat_map(|changes| {
        let n = changes.len();
        let step = prop_oneof![
            4 => (0..n).prop_map(Step::Arrive),
            1 => (0..n).prop_map(Step::Repair),
            1 => (0..n).prop_map(Step::Observe),
        ];
        (Just(changes), prop::collection::vec(step, 0..120))
    })
}

proptest! {
    /// Whatever is lost, doubled or comes out of order: revs only grow, every change is told or
    /// overtaken by a later one of the same message, and the end is the head.
    #[test]
    fn any_arrival_ends_at_the_head_in_order((changes, steps) in history()) {
        let mut sequencer: Sequencer<(i64, u8)> = Sequencer::default();
        let mut told: Vec<(i64, u8)> = Vec::new();
        let read = |sequencer: &mut Sequencer<(i64, u8)>, up_to: usize| {
            let after = sequencer.position(&id()).map_or(0, |at| at.rev);
            let mut rows: BTreeMap<i64, (i64, u8)> = BTreeMap::new();
            for (index, message) in changes[..=up_to].iter().enumerate() {
                rows.retain(|_, (_, other)| other != message);
                rows.insert(index as i64 + 1, (index as i64 + 1, *message));
            }
            let rows: Vec<_> = rows.into_iter().filter(|(rev, _)| *rev > after).collect();
            repair(sequencer, rows, at(up_to as i64 + 1), now())
        };
        sequencer.observe(&id(), at(0), now());
        let n = changes.len();
        let healed = (0..n).map(Step::Arrive).chain([Step::Observe(n - 1), Step::Repair(n - 1)]);
        for step in steps.into_iter().chain(healed) {
            match step {
                Step::Arrive(index) => {
                    let rev = index as i64 + 1;
                    if let Turn::Now(ready) = sequencer.offer(&id(), at(rev), (rev, changes[index]), now()) {
                        told.extend(ready);
                    }
                }
                Step::Repair(index) => {
                    for step in read(&mut sequencer, index) {
                        if let Repaired::Told(item) = step {
                            told.push(item);
                        }
                    }
                }
                Step::Observe(index) => {
                    sequencer.observe(&id(), at(index as i64 + 1), now());
                }
            }
        }
        prop_assert!(told.is_sorted_by(|a, b| a.0 < b.0), "{told:?}");
        prop_assert_eq!(sequencer.position(&id()), Some(at(n as i64)));
        prop_assert!(!sequencer.has_holes());
        prop_assert_eq!(sequencer.n_waiting, 0);
        for (index, message) in changes.iter().enumerate() {
            let rev = index as i64 + 1;
            let is_told = told.iter().any(|(other, of)| of == message && *other >= rev);
            prop_assert!(is_told, "rev {rev} of message {message} was never told: {told:?}");
        }
    }
}

#[test]
fn positions_at_the_ends_of_their_range_are_counted_from_like_others() {
    for rev in [i64::MIN, i64::MAX] {
        let mut sequencer = Sequencer::default();
        assert_eq!(
            sequencer.offer(&id(), at(rev), 1, now()),
            match rev {
                i64::MIN => Turn::Late(1),
                _ => Turn::Now(vec![1]),
            }
        );
        for later in [rev, 0, i64::MAX, i64::MIN] {
            sequencer.offer(&id(), at(later), 2, now());
            sequencer.discover(&id(), at(later), said_since(), now());
        }
        repair(&mut sequencer, vec![(i64::MAX, 3)], at(i64::MAX), now());
        sequencer.offer(&id(), at(i64::MAX), 4, now());
    }
}
