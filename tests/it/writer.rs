//! The group-commit writer, batch by batch, on both databases.

use sohbet::error::Error;
use sohbet::store::{Change, MessageRow, Outcome, Write, Writer};

use crate::support::desk::{Desk, change, edit};
use crate::support::stores::{self, on_both_stores};

on_both_stores!(
    a_row_that_the_database_refuses_fails_alone_and_leaves_no_hole,
    a_repeat_gives_the_first_row,
    a_send_whose_commit_answer_was_lost_is_no_repeat,
    a_message_of_the_same_batch_stays_unread,
    a_full_queue_refuses_and_gives_back_what_it_was_given,
    conversations_are_numbered_apart_in_one_batch,
    messages_and_changes_take_their_rev_in_the_order_of_asking,
    what_changes_nothing_takes_no_rev,
    a_deleted_message_says_nothing_any_more,
);

async fn a_row_that_the_database_refuses_fails_alone_and_leaves_no_hole(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let outcomes = desk
        .commit(vec![
            desk.message("m1"),
            with(desk.message("m2"), |row| row.sender_id = "nobody".into()),
            with(desk.message("m3"), |row| {
                row.conversation_id = "none".into()
            }),
            desk.message("m4"),
        ])
        .await;
    assert_eq!(stored(&outcomes[0]), ("m1".into(), 1, false));
    assert_eq!(code(&outcomes[1]), "INVALID_PAYLOAD");
    assert_eq!(code(&outcomes[2]), "NOT_FOUND");
    assert_eq!(stored(&outcomes[3]), ("m4".into(), 2, false));
}

async fn a_repeat_gives_the_first_row(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let named = |id| with(desk.message(id), |row| row.client_id = Some("k".into()));
    let first = desk.commit(vec![named("m1"), named("m2")]).await;
    assert_eq!(stored(&first[0]), ("m1".into(), 1, false));
    assert_eq!(stored(&first[1]), ("m1".into(), 1, true));
    let later = desk.commit(vec![desk.message("m3"), named("m4")]).await;
    assert_eq!(stored(&later[0]), ("m3".into(), 2, false));
    assert_eq!(stored(&later[1]), ("m1".into(), 1, true));
}

async fn a_send_whose_commit_answer_was_lost_is_no_repeat(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let first = desk.commit(vec![desk.message("m1")]).await;
    assert_eq!(stored(&first[0]), ("m1".into(), 1, false));
    // The second try of a batch hands in the very same rows.
    let second = desk.commit(vec![desk.message("m1")]).await;
    assert_eq!(stored(&second[0]), ("m1".into(), 1, false));
}

async fn a_message_of_the_same_batch_stays_unread(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let outcomes = desk.commit(vec![desk.message("m1"), desk.read()]).await;
    assert_eq!(marked(&outcomes[1]), 0);
    let outcomes = desk.commit(vec![desk.read(), desk.read()]).await;
    assert_eq!([marked(&outcomes[0]), marked(&outcomes[1])], [1, 0]);
}

async fn a_full_queue_refuses_and_gives_back_what_it_was_given(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let (_writer, queue, _batches) = Writer::new(&desk.store);
    let mut n_taken = 0;
    let (tag, error) = loop {
        match queue.submit(desk.read(), n_taken) {
            Ok(()) => n_taken += 1,
            Err(refused) => break refused,
        }
        assert!(n_taken < 100_000, "the queue has no end");
    };
    assert_eq!(tag, n_taken);
    assert_eq!(error.code(), "UNAVAILABLE");
}

async fn conversations_are_numbered_apart_in_one_batch(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let other = desk.conversation("1", "3").await;
    let elsewhere = |id: &str| with(desk.message(id), |row| row.conversation_id = other.clone());
    let mut writes = Vec::new();
    for n in 0..100 {
        writes.push(desk.message(&format!("a{n}")));
        writes.push(elsewhere(&format!("b{n}")));
    }
    let outcomes = desk.commit(writes).await;
    for (n, pair) in outcomes.chunks(2).enumerate() {
        let seq = i64::try_from(n).unwrap() + 1;
        assert_eq!(stored(&pair[0]), (format!("a{n}"), seq, false));
        assert_eq!(stored(&pair[1]), (format!("b{n}"), seq, false));
    }
}

async fn messages_and_changes_take_their_rev_in_the_order_of_asking(store: stores::Store) {
    let desk = Desk::open(&store).await;
    desk.commit(vec![desk.message("m1")]).await;
    let outcomes = desk
        .commit(vec![
            react("m1", "a"),
            desk.message("m2"),
            edit("m1", "new"),
            edit("none", "x"),
            react("m1", "b"),
            desk.message("m3"),
        ])
        .await;
    assert_eq!(code(&outcomes[3]), "NOT_FOUND");
    let revs: Vec<i64> = outcomes.iter().flatten().map(rev).collect();
    assert_eq!(revs, [2, 3, 4, 5, 6]);
    // The row has the last of its changes.
    let row = desk
        .store
        .find_message(&"m1".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.rev, row.content.as_deref()), (5, Some("new")));
    assert_eq!(stored(&outcomes[5]), ("m3".into(), 3, false));
}

async fn what_changes_nothing_takes_no_rev(store: stores::Store) {
    let desk = Desk::open(&store).await;
    desk.commit(vec![desk.message("m1")]).await;
    let outcomes = desk
        .commit(vec![
            react("m1", "a"),
            react("m1", "a"),
            edit("m1", "hi"),
            desk.message("m2"),
        ])
        .await;
    let changed: Vec<bool> = outcomes[..3].iter().map(has_changed).collect();
    assert_eq!(changed, [true, false, false]);
    let revs: Vec<i64> = outcomes.iter().flatten().map(rev).collect();
    assert_eq!(revs, [2, 2, 2, 3]);
    for outcome in &outcomes[..3] {
        let Ok(Outcome::Changed(changed)) = outcome else {
            panic!("no change: {outcome:?}");
        };
        assert_eq!(changed.reactions.len(), 1, "asked about twice, told once");
    }
}

async fn a_deleted_message_says_nothing_any_more(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let last = with(desk.message("m2"), |row| {
        row.content = Some("secret".into())
    });
    desk.commit(vec![desk.message("m1"), last]).await;
    let outcomes = desk
        .commit(vec![
            react("m2", "a"),
            change("m2", Change::Delete),
            react("m2", "b"),
            edit("m2", "back"),
            change("m2", Change::Delete),
        ])
        .await;
    assert_eq!(code(&outcomes[2]), "NOT_FOUND");
    assert_eq!(code(&outcomes[3]), "NOT_FOUND");
    assert!(has_changed(&outcomes[1]) && !has_changed(&outcomes[4]));
    let row = desk
        .store
        .find_message(&"m2".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.rev, row.content, row.deleted_at.is_some()),
        (4, None, true)
    );
    let ids = ["m2".into()];
    let ids: Vec<_> = ids.iter().collect();
    assert!(
        desk.store
            .list_reactions(&ids, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let conversation = desk.store.find_conversation(&desk.conversation).await;
    let preview = conversation.unwrap().unwrap().last_message_preview;
    assert_eq!(
        preview.as_deref(),
        Some("hi"),
        "what the newest message says that is left"
    );
}

fn react(message: &str, emoji: &str) -> Write {
    let emoji = emoji.to_owned();
    change(
        message,
        Change::React {
            emoji,
            is_added: true,
        },
    )
}

fn rev(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Message(stored) => stored.row.rev,
        Outcome::Changed(changed) => changed.row.rev,
        Outcome::Read(_) => panic!("a marker has no rev"),
    }
}

fn has_changed(outcome: &Result<Outcome, Error>) -> bool {
    match outcome {
        Ok(Outcome::Changed(changed)) => changed.has_changed,
        other => panic!("no change: {other:?}"),
    }
}

fn with(mut write: Write, change: impl FnOnce(&mut MessageRow)) -> Write {
    if let Write::Message(new) = &mut write {
        change(&mut new.row);
    }
    write
}

/// Id, number and whether it had been stored before.
fn stored(outcome: &Result<Outcome, Error>) -> (String, i64, bool) {
    match outcome {
        Ok(Outcome::Message(stored)) => {
            let row = &stored.row;
            (row.id.to_string(), row.seq, stored.duplicate)
        }
        other => panic!("no message: {other:?}"),
    }
}

fn marked(outcome: &Result<Outcome, Error>) -> u64 {
    match outcome {
        Ok(Outcome::Read(read)) => read.n_marked,
        other => panic!("no marker: {other:?}"),
    }
}

fn code(outcome: &Result<Outcome, Error>) -> &'static str {
    match outcome {
        Err(error) => error.code(),
        Ok(other) => panic!("no error: {other:?}"),
    }
}
