use chrono::DateTime;

use super::*;
use crate::store::tests_support;

/// One message, and so many people.
async fn fill(txn: &DatabaseTransaction, n_people: usize) {
    let now = "'2026-01-01 00:00:00+00:00'";
    let person = |number| format!("('u{number}', 'MEMBER', false, {now}, {now})");
    let people: Vec<String> = (0..n_people).map(person).collect();
    for sql in [
        format!(
            "INSERT INTO \"user\" (id, role, disabled, created_at, updated_at) VALUES {}",
            people.join(", ")
        ),
        format!(
            "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at) \
             VALUES ('c', 'room', 1, 1, {now}, {now})"
        ),
        format!(
            "INSERT INTO message (id, conversation_id, seq, rev, sender_id, kind, created_at) \
             VALUES ('m', 'c', 1, 1, 'u0', 'text', {now})"
        ),
    ] {
        txn.execute_unprepared(&sql).await.unwrap();
    }
}

fn reaction(person: usize, way: usize) -> NewChange {
    NewChange {
        message: "m".into(),
        by: format!("u{person}").into(),
        change: Change::React {
            emoji: format!("way {way}"),
            is_added: true,
        },
        at: DateTime::UNIX_EPOCH,
        admitted_in: None,
    }
}

#[tokio::test]
async fn a_message_takes_a_thousand_reactions_and_of_one_user_twenty() {
    let n_people = MAX_REACTIONS / MAX_WAYS + 1;
    let (_folder, store) = tests_support::open_sqlite().await;
    let txn = store.begin().await.unwrap();
    fill(&txn, n_people).await;
    let mut n_taken = Vec::new();
    for person in 0..n_people {
        let wanted: Vec<NewChange> = (0..=MAX_WAYS).map(|way| reaction(person, way)).collect();
        let made = make(&txn, &wanted.iter().collect::<Vec<_>>())
            .await
            .unwrap();
        n_taken.push(
            made.iter()
                .flatten()
                .filter(|made| made.has_changed)
                .count(),
        );
    }
    let (last, others) = n_taken.split_last().unwrap();
    assert!(others.iter().all(|n| *n == MAX_WAYS), "{n_taken:?}");
    assert_eq!(*last, 0, "the message is full");
    let sql = "SELECT COUNT(*) FROM reaction";
    let counted = txn.query_one_raw(statement(&txn, sql, [])).await.unwrap();
    let n_stored: i64 = counted.unwrap().try_get_by_index(0).unwrap();
    assert_eq!(n_stored, MAX_REACTIONS as i64);
}
