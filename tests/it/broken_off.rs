//! What breaks off in its middle: because the database says nothing in time, or because the client has gone.

use std::pin::pin;
use std::sync::Arc;

use serde_json::{Value, json};
use sohbet::chat::{Dialect, Session};
use sohbet::store::{NewPair, Pair};
use tokio_util::sync::CancellationToken;

use crate::support::locks::TableLock;
use crate::support::parts::{CLOSED, Heard, Parts, begin, events, until};
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores, on_postgres};

/// The dialect in which messages wait for who is away.
const DIRECT: Dialect = Dialect::Direct;
const NATIVE: Dialect = Dialect::Native;
const STARTER: Dialect = Dialect::Starter;

on_both_stores!(
    what_is_told_while_somebody_comes_is_told_once,
    who_leaves_before_its_answer_sends_its_others_back_for_what_waits,
);

#[tokio::test]
async fn what_is_told_to_who_does_not_get_what_waits_waits_with_it() {
    on_postgres(async |store: Store| {
        let parts = Parts::start(&store).await;
        let (ali, _) = parts.connect(DIRECT, None).await;
        for number in 1..=2 {
            say(&parts, &ali, "9", number).await;
        }
        let (ben, at_ben) = parts.connect(DIRECT, None).await;
        parts.ask(&ben, "register", &json!("2")).await;
        say(&parts, &ali, "2", 1).await;
        let (nine, at_nine) = parts.connect(DIRECT, None).await;
        let name = json!("9");
        let lock = TableLock::take(&store, "participant").await;
        let mut registering = Box::pin(parts.ask(&nine, "register", &name));
        let sessions = &parts.chat.sessions;
        let listens = || sessions.is_heard_in(&"9".into(), DIRECT);
        begin(registering.as_mut(), listens).await;
        parts.deliver();
        soon("what is told last", until(|| chats(&at_ben) == [1])).await;
        drop(registering);
        lock.release().await;
        assert_eq!(events(&at_nine), [CLOSED]);
        parts.chat.save_delivered().await.unwrap();
        assert_eq!(n_waiting(&parts, "9").await, 2);

        let (again, at_again) = parts.connect(DIRECT, None).await;
        parts.ask(&again, "register", &json!("9")).await;
        soon("what waited", until(|| chats(&at_again) == [1, 2])).await;
        parts.finish().await;
    })
    .await;
}

async fn what_is_told_while_somebody_comes_is_told_once(store: Store) {
    let parts = Parts::start(&store).await;
    let (ali, _) = parts.connect(DIRECT, None).await;
    say(&parts, &ali, "9", 1).await;
    let (nine, at_nine) = parts.connect(DIRECT, None).await;
    parts.ask(&nine, "register", &json!("9")).await;
    // What waits is read, and not told yet.
    say(&parts, &ali, "9", 2).await;
    parts.deliver();
    soon("both", until(|| chats(&at_nine) == [1, 2])).await;
    parts.chat.save_delivered().await.unwrap();
    assert_eq!(n_waiting(&parts, "9").await, 0);
    parts.finish().await;
    assert_eq!(chats(&at_nine), [1, 2]);
}

async fn who_leaves_before_its_answer_sends_its_others_back_for_what_waits(store: Store) {
    let parts = Parts::start(&store).await;
    let (ali, _) = parts.connect(DIRECT, None).await;
    say(&parts, &ali, "9", 1).await;
    let (first, at_first) = parts.connect(DIRECT, None).await;
    let (second, at_second) = parts.connect(DIRECT, None).await;
    for socket in [&first, &second] {
        parts.ask(socket, "register", &json!("9")).await;
    }
    parts.chat.forget(&first).await;
    assert_eq!(events(&at_second), [CLOSED]);
    parts.chat.forget(&second).await;
    let (third, at_third) = parts.connect(DIRECT, None).await;
    parts.ask(&third, "register", &json!("9")).await;
    parts.finish().await;
    assert_eq!(chats(&at_third), [1]);
    assert!(chats(&at_first).is_empty() && chats(&at_second).is_empty());
}

#[tokio::test]
async fn who_is_not_greeted_comes_online_the_next_time() {
    on_postgres(async |store: Store| {
        let parts = Parts::start(&store).await;
        let at_ben = friend_of_ada(&parts).await;
        let lock = TableLock::take(&store, "participant").await;
        {
            let mut coming = pin!(parts.connect(NATIVE, Some("ada")));
            let is_there = || parts.chat.is_online(NATIVE, &"ada".into());
            begin(coming.as_mut(), is_there).await;
        }
        lock.release().await;
        parts.connect(NATIVE, Some("ada")).await;
        parts.finish().await;
        assert_eq!(presence(&at_ben), [true]);
    })
    .await;
}

#[tokio::test]
async fn who_has_another_socket_is_online_when_the_first_is_not_greeted() {
    on_postgres(async |store: Store| {
        let parts = Parts::start(&store).await;
        let at_ben = friend_of_ada(&parts).await;
        parts.deliver();
        let lock = TableLock::take(&store, "participant").await;
        {
            let mut coming = pin!(parts.connect(NATIVE, Some("ada")));
            let is_there = || parts.chat.is_online(NATIVE, &"ada".into());
            begin(coming.as_mut(), is_there).await;
            lock.release().await;
            parts.connect(NATIVE, Some("ada")).await;
        }
        let stop = CancellationToken::new();
        let clock = parts.chat.watch_clock(stop.clone());
        let told = async {
            soon("who is there", until(|| presence(&at_ben) == [true])).await;
            stop.cancel();
        };
        tokio::join!(clock, told);
        parts.finish().await;
        assert_eq!(presence(&at_ben), [true]);
    })
    .await;
}

#[tokio::test]
async fn a_room_that_was_not_entered_is_not_heard() {
    on_postgres(async |store: Store| {
        let parts = Parts::start(&store).await;
        parts.deliver();
        let (ada, at_ada) = parts.connect(STARTER, None).await;
        let name = json!({"username": "ada", "room": "tech"});
        parts.ask(&ada, "user_join", &name).await;
        let lock = TableLock::take(&store, "message").await;
        {
            let room = json!({"room": "gaming"});
            let mut entering = pin!(parts.ask(&ada, "join_room", &room));
            let listens = || {
                let mut listens = false;
                let sessions = &parts.chat.sessions;
                sessions.each_of_conversation(&"gaming".into(), |it| listens |= it.id == ada.id);
                listens
            };
            begin(entering.as_mut(), listens).await;
        }
        lock.release().await;
        // As whoever answers that it failed.
        ada.let_go();
        let n_heard = events(&at_ada).len();
        let (ben, at_ben) = parts.connect(STARTER, None).await;
        let name = json!({"username": "ben", "room": "gaming"});
        parts.ask(&ben, "user_join", &name).await;
        parts.ask(&ben, "send_message", &json!("hello")).await;
        parts.finish().await;
        assert_eq!(bodies(&at_ben, "receive_message").len(), 1);
        assert_eq!(events(&at_ada).split_off(n_heard), [""; 0]);
    })
    .await;
}

/// Somebody who is to hear of `ada`, who is not there.
async fn friend_of_ada(parts: &Parts) -> Heard {
    let (_, heard) = parts.connect(NATIVE, Some("ben")).await;
    let pair = NewPair {
        pair: Pair::new("ada".into(), "ben".into()),
        wanted_id: None,
        is_numbered: true,
    };
    parts.store.find_or_create_pair(pair).await.unwrap();
    heard
}

/// Says the number, and waits until it is stored.
async fn say(parts: &Parts, from: &Arc<Session>, to: &str, number: u64) {
    let n_before = n_waiting(parts, to).await;
    let draft = json!({ "recipientId": to, "messageContent": number });
    parts.ask(from, "chat", &draft).await;
    soon("a message", async {
        while n_waiting(parts, to).await == n_before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn n_waiting(parts: &Parts, user: &str) -> usize {
    let waiting = parts.store.list_waiting(&user.into(), u32::MAX).await;
    waiting.unwrap().len()
}

/// The numbers that were said to a client.
fn chats(heard: &Heard) -> Vec<u64> {
    let number = |body: &Value| body["messageContent"].as_u64().unwrap();
    bodies(heard, "chat").iter().map(number).collect()
}

fn presence(heard: &Heard) -> Vec<bool> {
    let is_online = |body: &Value| body["online"].as_bool().unwrap();
    bodies(heard, "presence").iter().map(is_online).collect()
}

fn bodies(heard: &Heard, event: &str) -> Vec<Value> {
    let heard = heard.lock().unwrap();
    let of_event = heard.iter().filter(|(name, _)| name == event);
    of_event.map(|(_, body)| body.clone()).collect()
}
