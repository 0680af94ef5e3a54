use proptest::prelude::*;

use super::*;
use crate::store::tests_support;

/// A message with that `seq` and `rev`.
fn row((seq, rev): (i64, i64)) -> MessageRow {
    MessageRow {
        seq,
        rev,
        ..tests_support::row()
    }
}

/// What those hear who follow by `rev`, and what the others hear, as `seq` of new messages.
fn heard(rows: &[MessageRow], ahead: &[MessageRow], after: i64) -> (Vec<i64>, Vec<i64>) {
    let (mut by_rev, mut by_seq) = (Vec::new(), Vec::new());
    for place in places(rows, ahead, |row| row.seq > after) {
        by_seq.extend(place.before.iter().map(|row| row.seq));
        if place.is_new {
            by_rev.push(place.row.seq);
            by_seq.extend((!place.is_known).then_some(place.row.seq));
        }
    }
    (by_rev, by_seq)
}

#[test]
fn who_follows_by_seq_hears_of_an_edited_message_in_its_place() {
    let rows = [(2, 3), (4, 5), (1, 6), (5, 7), (3, 8)].map(row);
    let heard_of = |after| heard(&rows, &[], after);
    assert_eq!(heard_of(0), (vec![2, 4, 1, 5, 3], vec![1, 2, 3, 4, 5]));
    assert_eq!(heard_of(2), (vec![4, 5, 3], vec![3, 4, 5]));
}

#[test]
fn what_a_node_with_a_wrong_clock_took_is_new_like_its_neighbours() {
    let mut rows = [(1, 1), (2, 2), (3, 3), (4, 4)].map(row);
    let since = rows[0].created_at;
    assert_eq!(first_said_since(&rows, 4, since + SLACK), i64::MAX);
    for late in [1, 3] {
        rows[late].created_at = since + SLACK;
    }
    rows[2].created_at = since - TimeDelta::days(1);
    assert_eq!(first_said_since(&rows, 4, since + SLACK), 2);
}

#[test]
fn before_a_hole_nothing_is_new() {
    // What lies between changed too long ago to be read.
    let rows = [(7, 20), (5, 21), (8, 22), (2, 23), (9, 24)].map(row);
    assert_eq!(first_said_since(&rows, 9, rows[0].created_at), 7);
    assert_eq!(first_said_since(&[], 9, rows[0].created_at), i64::MAX);
}

#[test]
fn what_is_read_later_has_its_place_too() {
    let (rows, ahead) = ([(2, 3), (5, 6)].map(row), [(1, 9), (4, 8)].map(row));
    assert_eq!(heard(&rows, &ahead, 0), (vec![2, 5], vec![1, 2, 4, 5]));
}

#[test]
fn what_was_deleted_before_it_was_told_is_not_told_as_new() {
    let mut rows = [(2, 3), (3, 4), (1, 5)].map(row);
    rows[0].deleted_at = Some(store::now());
    assert_eq!(heard(&rows, &[], 0), (vec![3, 1], vec![1, 3]));
}

/// Messages that are read at a time here.
const LIMIT: usize = 3;

/// Something that happens in a conversation; `usize` chooses the message.
#[derive(Debug, Clone)]
enum Step {
    Send,
    Edit(usize),
    Delete(usize),
    /// The hole is read once.
    Read,
}

/// A conversation, and what two who follow it heard of it since they came.
#[derive(Default)]
struct Scene {
    /// By `seq`.
    rows: Vec<MessageRow>,
    last_rev: i64,
    told: (i64, i64),
    by_rev: Vec<i64>,
    by_seq: Vec<i64>,
    /// What was told by `rev`, as new or as changed: `rev` and `seq`.
    changed: Vec<(i64, i64)>,
}

impl Scene {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Send => {
                self.last_rev += 1;
                let seq = self.rows.len() as i64 + 1;
                self.rows.push(row((seq, self.last_rev)));
            }
            Step::Edit(index) | Step::Delete(index) if !self.rows.is_empty() => {
                let index = index % self.rows.len();
                let row = &mut self.rows[index];
                if row.deleted_at.is_none() {
                    self.last_rev += 1;
                    row.rev = self.last_rev;
                    let is_deleted = matches!(step, Step::Delete(_));
                    row.deleted_at = is_deleted.then(store::now);
                }
            }
            Step::Edit(_) | Step::Delete(_) => {}
            Step::Read => self.read(),
        }
    }

    /// What `Store::list_changes_after` and [`Chat::read_repair`] do.
    fn read(&mut self) {
        let (after_rev, after_seq) = self.told;
        let mut rows: Vec<_> = self.rows.clone();
        rows.retain(|row| row.rev > after_rev);
        rows.sort_by_key(|row| row.rev);
        rows.truncate(LIMIT);
        let mut head = (self.last_rev, self.rows.len() as i64);
        let mut ahead = Vec::new();
        if let Some(last) = rows.last().filter(|_| rows.len() == LIMIT) {
            let said = rows.iter().filter(|row| row.deleted_at.is_none());
            let seqs = said.map(|row| row.seq);
            head = (last.rev, seqs.fold(after_seq, i64::max));
            ahead = self.rows.clone();
            ahead.retain(|row| {
                let is_between = row.seq > after_seq && row.seq < head.1;
                is_between && row.rev > head.0 && row.deleted_at.is_none()
            });
            ahead.truncate(LIMIT);
        }
        if ahead.len() == LIMIT {
            let first = first_of(&rows, &ahead, |row| row.seq > after_seq);
            self.by_seq.extend(first.iter().map(|row| row.seq));
            self.told.1 = ahead[LIMIT - 1].seq;
            return;
        }
        let (by_rev, by_seq) = heard(&rows, &ahead, after_seq);
        self.by_rev.extend(by_rev);
        self.changed
            .extend(rows.iter().map(|row| (row.rev, row.seq)));
        self.by_seq.extend(by_seq);
        self.told = (head.0, head.1.max(after_seq));
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Send),
        3 => any::<usize>().prop_map(Step::Edit),
        1 => any::<usize>().prop_map(Step::Delete),
        1 => Just(Step::Read),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    /// Whatever happens before and between reads.
    #[test]
    fn each_new_message_is_heard_once_and_in_order(before in steps(), steps in steps()) {
        let mut scene = Scene::default();
        before.iter().for_each(|step| scene.take(step));
        let n_before = scene.rows.len() as i64;
        scene.told = (scene.last_rev, n_before);
        (scene.by_rev, scene.by_seq, scene.changed) = Default::default();
        steps.iter().for_each(|step| scene.take(step));
        while scene.told.0 < scene.last_rev {
            scene.read();
        }
        let is_new = |row: &&MessageRow| row.seq > n_before && row.deleted_at.is_none();
        for row in scene.rows.iter().filter(is_new) {
            let n_heard = |heard: &[i64]| heard.iter().filter(|seq| **seq == row.seq).count();
            prop_assert_eq!(n_heard(&scene.by_seq), 1, "{} of {:?}", row.seq, scene.by_seq);
            // Where there was more than is read at a time it may be told as changed at first.
            prop_assert!(n_heard(&scene.by_rev) <= 1, "{} of {:?}", row.seq, scene.by_rev);
            prop_assert_eq!(scene.changed.iter().filter(|it| **it == (row.rev, row.seq)).count(), 1);
        }
        prop_assert!(scene.by_seq.is_sorted_by(|a, b| a < b), "{:?}", scene.by_seq);
        prop_assert!(scene.changed.is_sorted_by(|a, b| a.0 < b.0), "{:?}", scene.changed);
    }
}
