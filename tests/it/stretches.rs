//! What a hole in a conversation is filled with from the database.

use chrono::{TimeDelta, Utc};
use sohbet::store::{Change, ChangedStretch, MessageRow, Page, Stretch, Write};

use crate::support::desk::{Desk, change, edit};
use crate::support::stores::{self, on_both_stores};

on_both_stores!(
    what_changed_after_a_rev_comes_with_what_was_sent_before_it,
    a_deleted_message_does_not_hide_those_before_it,
    what_was_said_since_a_time_comes_with_every_change_since,
    of_long_messages_fewer_come_at_a_time,
    nothing_is_left_out_wherever_it_is_asked_from,
);

/// More than there are.
const MANY: u32 = 100;
/// Of two messages that are so long only one comes at a time.
const LONG: usize = 600_000;

async fn what_changed_after_a_rev_comes_with_what_was_sent_before_it(store: stores::Store) {
    let desk = Desk::open(&store).await;
    say(&desk, 1..=6).await;
    // 1 3 5 6 keep their rev; 2 and 4 get the next ones.
    desk.commit(vec![edit("m2", "new"), edit("m4", "new")])
        .await;
    let read = async |told, limit| {
        let found = desk
            .store
            .list_changes_after(&desk.conversation, told, limit);
        found.await.unwrap().unwrap()
    };
    let all = read((0, 0), MANY).await;
    assert_eq!(seqs(&all.rows), [1, 3, 5, 6, 2, 4]);
    assert_eq!((all.ahead.len(), all.head), (0, (8, 6)));
    let part = read((0, 0), 3).await;
    assert_eq!(
        (seqs(&part.rows), seqs(&part.ahead)),
        (vec![1, 3, 5], vec![2, 4])
    );
    assert_eq!(part.head, (5, 5));
    let rest = read(part.head, 3).await;
    assert_eq!((seqs(&rest.rows), rest.ahead.len()), (vec![6, 2, 4], 0));
    // So many of them are left out.
    assert_eq!(seqs(&read((0, 0), 1).await.ahead), Vec::<i64>::new());
    assert_eq!(seqs(&read((2, 2), 2).await.ahead), [4]);
}

async fn a_deleted_message_does_not_hide_those_before_it(store: stores::Store) {
    let desk = Desk::open(&store).await;
    say(&desk, 1..=6).await;
    // 5 6 keep their place by `rev`, then come 2 and 4.
    desk.commit(vec![change("m6", Change::Delete)]).await;
    desk.commit(vec![edit("m2", "new"), edit("m4", "new")])
        .await;
    let found = desk.store.list_changes_after(&desk.conversation, (3, 3), 2);
    let part = found.await.unwrap().unwrap();
    assert_eq!((seqs(&part.rows), seqs(&part.ahead)), (vec![5, 6], vec![4]));
    assert_eq!(part.head, (7, 5), "6 was told to nobody");
}

async fn what_was_said_since_a_time_comes_with_every_change_since(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let since = Utc::now() + TimeDelta::days(1);
    say(&desk, 1..=3).await;
    desk.commit(vec![edit("m1", "new")]).await;
    let later = |id: &str| match desk.message(id) {
        Write::Message(mut new) => {
            new.row.created_at = since + TimeDelta::seconds(1);
            Write::Message(new)
        }
        other => other,
    };
    let read = async || -> ChangedStretch {
        let found = desk
            .store
            .list_changes_since(&desk.conversation, since, MANY);
        found.await.unwrap().unwrap()
    };
    assert_eq!(seqs(&read().await.rows), [1], "what changed last");
    desk.commit(vec![later("m4"), edit("m2", "new"), later("m5")])
        .await;
    assert_eq!(seqs(&read().await.rows), [4, 2, 5]);
}

async fn of_long_messages_fewer_come_at_a_time(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let since = Utc::now() - TimeDelta::days(1);
    let long = |number: u32| match desk.message(&format!("m{number}")) {
        Write::Message(mut new) => {
            new.row.content = Some("x".repeat(LONG));
            Write::Message(new)
        }
        other => other,
    };
    desk.commit((1..=5).map(long).collect()).await;
    desk.commit(vec![edit("m2", "short")]).await;
    let of_time = desk
        .store
        .list_changes_since(&desk.conversation, since, MANY);
    let mut part = of_time.await.unwrap().unwrap();
    let mut parts = Vec::new();
    loop {
        parts.push((seqs(&part.rows), seqs(&part.ahead), part.head));
        if part.head == (6, 5) {
            break;
        }
        let rest = desk
            .store
            .list_changes_after(&desk.conversation, part.head, MANY);
        part = rest.await.unwrap().unwrap();
    }
    assert_eq!(
        parts,
        [
            (vec![1], vec![], (1, 1)),
            (vec![3], vec![2], (3, 3)),
            (vec![4], vec![], (4, 4)),
            (vec![5, 2], vec![], (6, 5)),
        ]
    );
}

async fn nothing_is_left_out_wherever_it_is_asked_from(store: stores::Store) {
    let desk = Desk::open(&store).await;
    mix(&desk, 60).await;
    let page = Page {
        after: Some(0),
        before: None,
        limit: 1_000,
    };
    let listed = desk.store.list_messages(&desk.conversation, page).await;
    let mut all = listed.unwrap();
    let last_seq = all.last().unwrap().seq;
    all.sort_by_key(|row| row.rev);
    let last_rev = all.last().unwrap().rev;
    assert!(
        last_rev > last_seq && all.iter().any(|row| row.rev < last_seq),
        "some changed, and some did not"
    );
    for after in 0..=last_rev {
        let expected = || all.iter().filter(|row| row.rev > after).cloned();
        for limit in [1, 7, MANY] {
            let told = (after, last_seq);
            let found = desk
                .store
                .list_changes_after(&desk.conversation, told, limit);
            let found = found.await.unwrap().unwrap().rows;
            let expected: Vec<_> = expected().take(limit as usize).collect();
            assert_eq!(found, expected, "after {after}, at most {limit}");
        }
        for up_to in [after, after + 5, last_rev] {
            let stretch = Stretch {
                conversation: desk.conversation.clone(),
                after,
                up_to,
                n_changes: last_rev - last_seq,
            };
            let found = desk.store.list_changes(&[stretch]).await.unwrap();
            let expected: Vec<_> = expected().filter(|row| row.rev <= up_to).collect();
            assert_eq!(found, expected, "after {after} up to {up_to}");
        }
    }
}

/// So many messages, and changes of some of them in between, each in a batch of its own.
async fn mix(desk: &Desk, n_messages: u32) {
    let mut turns = Vec::new();
    for number in 1..=n_messages {
        turns.push(vec![desk.message(&format!("m{number}"))]);
        // Earlier ones, some of them more than once, in no order.
        let earlier = format!("m{}", number * 7 % number.max(2) + 1);
        match number % 5 {
            0 => turns.push(vec![edit(&earlier, &number.to_string())]),
            1 if number % 3 == 0 => turns.push(vec![change(&earlier, Change::Delete)]),
            2 => {
                let emoji = "x".to_owned();
                let is_added = number % 2 == 0;
                turns.push(vec![change(&earlier, Change::React { emoji, is_added })]);
            }
            _ => {}
        }
    }
    desk.commit_in_turn(turns).await;
}

async fn say(desk: &Desk, numbers: std::ops::RangeInclusive<u32>) {
    let messages = numbers.map(|number| desk.message(&format!("m{number}")));
    desk.commit(messages.collect()).await;
}

fn seqs(rows: &[MessageRow]) -> Vec<i64> {
    rows.iter().map(|row| row.seq).collect()
}
