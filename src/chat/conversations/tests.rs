use futures_util::FutureExt;

use super::outdated::Outdated;
use super::*;

/// A room with those members, as it was after a transaction.
fn room(facts_in: i64, members: &[&str]) -> Arc<Conversation> {
    let member = |id: &&str| (UserId::from(*id), ParticipantRole::Member);
    Arc::new(Conversation {
        id: "r".into(),
        kind: Kind::Room(Room {
            room_type: RoomType::Group,
            name: "r".into(),
            description: None,
            is_open: false,
            is_active: true,
            galleries: None,
            members: members.iter().map(member).collect(),
        }),
        facts_in,
        head: (0, 0),
    })
}

/// What is in memory, with one snapshot.
fn with(snapshot: &Arc<Conversation>) -> Conversations {
    let conversations = Conversations::new();
    conversations.keep(snapshot, false);
    conversations
}

#[test]
fn what_holds_takes_the_place_of_what_was_known() {
    let (before, now) = (room(0, &["a", "b"]), room(0, &["a"]));
    assert_eq!(with(&now).newer(&before), now);
}

#[test]
fn what_holds_no_longer_does_so_only_if_it_was_read_later() {
    let (before, now) = (room(0, &["a", "b"]), room(0, &["a"]));
    let conversations = with(&before);
    conversations.forget(&before.id);
    assert_eq!(conversations.peek(&before.id), None);
    assert_eq!(
        conversations.newer(&now),
        now,
        "which is later nobody knows"
    );
    let (before, now) = (room(1, &["a", "b"]), room(2, &["a"]));
    let conversations = with(&now);
    conversations.forget(&now.id);
    assert_eq!(conversations.newer(&before), now);
    assert_eq!(conversations.newer(&room(3, &["c"])), room(3, &["c"]));
}

#[test]
fn what_may_hold_no_longer_is_known_to_be_later_all_the_same() {
    let (before, now) = (room(1, &["a"]), room(2, &["a", "b"]));
    let conversations = with(&before);
    conversations.keep(&now, true);
    assert_eq!(conversations.peek(&now.id), None);
    assert_eq!(conversations.newer(&before), now);
    // What is older, or nobody knows to be newer, takes nothing's place.
    let conversations = with(&now);
    for stale in [&before, &room(2, &["c"])] {
        conversations.keep(stale, true);
        assert_eq!(conversations.peek(&now.id).as_ref(), Some(&now));
    }
}

#[tokio::test]
async fn what_is_different_is_told_against_what_everybody_knew_last() {
    let outdated = Outdated::default();
    outdated.put(room(1, &["a", "b"]), false);
    outdated.put(room(2, &["a"]), false);
    outdated.compare(&room(3, &["a", "c"]));
    let found = outdated.next().await;
    let [difference] = found.as_slice() else {
        panic!("one difference");
    };
    assert_eq!(difference.before, room(1, &["a", "b"]));
    assert_eq!(difference.now, room(3, &["a", "c"]));
    assert!(!difference.is_told);
    outdated.compare(&room(4, &["d"]));
    assert!(outdated.next().now_or_never().is_none(), "it is told once");
}

#[tokio::test]
async fn what_is_the_same_is_not_told() {
    let outdated = Outdated::default();
    outdated.put(room(1, &["a"]), false);
    outdated.compare(&room(1, &["a"]));
    assert!(outdated.next().now_or_never().is_none());
}

#[tokio::test]
async fn what_somebody_else_tells_is_not_told_twice() {
    let outdated = Outdated::default();
    outdated.put(room(1, &["a", "b"]), false);
    outdated.put(room(1, &["a", "b"]), true);
    outdated.compare(&room(2, &["a"]));
    assert!(outdated.next().await[0].is_told);
}

#[test]
fn who_is_removed_is_told_so_once_and_again_after_coming_back() {
    let outdated = Outdated::default();
    let (gone, gone_again) = (room(2, &["a"]), room(4, &["a"]));
    let b = UserId::from("b");
    assert!(outdated.is_first_to_part(&gone, &b, 1), "another node says");
    assert!(!outdated.is_first_to_part(&gone, &b, 1), "it was read anew");
    assert!(outdated.is_first_to_part(&gone, &UserId::from("c"), 1));
    assert!(outdated.is_first_to_part(&gone_again, &b, 3), "came back");
}

/// What is found different when the room is read as it is now.
async fn differences(conversations: &Conversations, now: &Arc<Conversation>) -> Vec<Vec<UserId>> {
    conversations.outdated.compare(now);
    let found = conversations.outdated.next().now_or_never();
    let gone = |it: outdated::Difference| {
        let gone = it.before.users().filter(|user| !it.now.has_member(user));
        gone.cloned().collect()
    };
    found.into_iter().flatten().map(gone).collect()
}

#[tokio::test]
async fn a_change_that_nobody_saw_the_end_of_is_found_out() {
    for is_stored in [false, true] {
        let (before, now) = (room(0, &["a", "b"]), room(0, &["a"]));
        let conversations = with(&before);
        let mut change = conversations.change(&before.id);
        if is_stored {
            change.note_stored(None);
        }
        drop(change);
        assert_eq!(conversations.peek(&before.id), None);
        let found = differences(&conversations, &now).await;
        assert_eq!(found, [[UserId::from("b")]]);
    }
}

#[tokio::test]
async fn a_change_that_was_told_is_not_told_again() {
    let (before, now) = (room(0, &["a", "b"]), room(0, &["a"]));
    let conversations = with(&before);
    let mut change = conversations.change(&before.id);
    change.note_stored(Some(&"b".into()));
    change.end();
    assert_eq!(conversations.peek(&before.id), None);
    assert!(differences(&conversations, &now).await.is_empty());
}

#[tokio::test]
async fn who_was_removed_elsewhere_is_seen_with_a_change_made_here() {
    let (before, now) = (room(1, &["a", "b", "c"]), room(3, &["a"]));
    let conversations = with(&before);
    let mut change = conversations.change(&before.id);
    change.note_stored(Some(&"b".into()));
    let found = differences(&conversations, &now).await;
    change.end();
    assert_eq!(found, [[UserId::from("c")]], "b is told by who removed it");
}

#[tokio::test]
async fn who_parted_unheard_is_found_when_somebody_else_is_said_to_have() {
    let conversations = with(&room(1, &["a", "b", "c"]));
    conversations.renew_without(&"r".into(), &"b".into());
    conversations.outdated.compare(&room(3, &["a"]));
    let found = conversations.outdated.next().await;
    let [difference] = found.as_slice() else {
        panic!("one difference");
    };
    assert_eq!(difference.before, room(1, &["a", "c"]));
}

#[tokio::test]
async fn what_holds_no_longer_is_compared_with_what_is_read_next_too() {
    let conversations = with(&room(1, &["a", "b"]));
    conversations.forget(&"r".into());
    conversations.doubt(&"r".into());
    conversations.outdated.compare(&room(2, &["a"]));
    let found = conversations.outdated.next().await;
    assert_eq!(found[0].before, room(1, &["a", "b"]));
}

#[tokio::test]
async fn who_listens_and_takes_part_no_longer_is_found_without_a_snapshot() {
    let (outdated, now) = (Outdated::default(), room(3, &["a"]));
    outdated.compare_with(vec!["a".into()], &now);
    assert!(outdated.next().now_or_never().is_none());
    outdated.compare_with(vec!["a".into(), "b".into()], &now);
    let found = outdated.next().await;
    assert_eq!((found.len(), found[0].is_guessed), (1, true));
    assert_eq!(found[0].before, room(2, &["a", "b"]));
}
