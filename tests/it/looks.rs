//! What other nodes committed is found by looking, a limited part at a time, however long some
//! transaction is open elsewhere.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use sohbet::chat::{Dialect, Hole, Listening, Moved, Sight};
use sohbet::store::{self, Head, HeadPlace, Horizon, NewPair, Pair};
use sohbet_entity::ids::{ConversationId, UserId};
use tokio_util::sync::CancellationToken;

use crate::support::locks::TableLock;
use crate::support::parts::{Parts, events, until};
use crate::support::postgres;
use crate::support::soon;
use crate::support::stores::{Store, on_postgres};

const N_ROOMS: usize = 25;
const LIMIT: u32 = 10;
/// As many conversations as one part of a look has.
const N_IN_PART: usize = 1_000;

#[tokio::test]
async fn a_long_transaction_makes_nobody_read_the_same_again() {
    on_postgres(async |database: Store| {
        let store = database.open().await;
        let [long, brief] = [open(&database).await, open(&database).await];
        let before = store.horizon().await.unwrap();
        // It has a number from now on.
        run(&long, "BEGIN; SELECT pg_current_xact_id()").await;
        run(&brief, &insert_rooms(N_ROOMS)).await;
        let begun = store.horizon().await.unwrap();
        let parts = look(&store, &before).await;
        let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 5]);
        let mut found = ids(parts);
        found.dedup();
        assert_eq!(found.len(), N_ROOMS);

        assert_eq!(look(&store, &begun).await.concat(), []);
        run(&brief, &change("r3")).await;
        let later = store.horizon().await.unwrap();
        assert_eq!(ids(look(&store, &begun).await), ["r3"]);
        run(&long, &format!("{}; COMMIT", change("r4"))).await;
        run(&brief, &change("r5")).await;
        assert_eq!(ids(look(&store, &later).await), ["r4", "r5"]);
        let last = store.horizon().await.unwrap();
        assert_eq!(look(&store, &last).await.concat(), []);
        store.close().await;
        for db in [long, brief] {
            db.close().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_look_that_fails_in_its_middle_goes_on_from_there() {
    on_postgres(async |database: Store| {
        let parts = Parts::start(&database).await;
        let (_, heard) = parts.connect(Dialect::Native, Some("ben")).await;
        let pair = NewPair {
            pair: Pair::new("ada".into(), "ben".into()),
            wanted_id: None,
            is_numbered: true,
        };
        let (pair, _) = parts.store.find_or_create_pair(pair).await.unwrap();
        let outside = open(&database).await;
        let mut sight = Sight::default();
        parts.chat.look_on(&mut sight).await.unwrap();
        run(&outside, &insert_rooms(N_IN_PART)).await;
        let change = format!("updated_at = '2030-01-01' WHERE id = '{}'", pair.id);
        run(&outside, &format!("UPDATE conversation SET {change}")).await;

        let first = parts.chat.look_on(&mut sight).await.unwrap();
        assert_eq!((first.moved.len(), first.is_all), (N_IN_PART, false));
        let lock = TableLock::take(&database, "participant").await;
        let (seen, ()) = tokio::join!(parts.chat.look_on(&mut sight), lock.end_who_wait());
        assert!(seen.is_err());
        lock.release().await;
        // Somebody reads it meanwhile, who tells nobody.
        let read = parts.chat.find_conversation(&pair.id).await;
        assert!(read.unwrap().is_some());
        let last = parts.chat.look_on(&mut sight).await.unwrap();
        let found: Vec<_> = last.moved.iter().map(|it| &it.conversation).collect();
        assert_eq!((found, last.is_all), (vec![&pair.id], true));
        let next = parts.chat.look_on(&mut sight).await.unwrap();
        assert_eq!((next.moved.len(), next.is_all), (0, true));

        parts.finish().await;
        let heard = heard.lock().unwrap().clone();
        let names: Vec<_> = heard.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["session", "conversation_updated"]);
        let changed = &heard[1].1["conversation"]["updatedAt"];
        assert_eq!(changed, "2030-01-01T00:00:00.000Z");
        outside.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_hole_is_read_with_the_time_of_the_look_that_found_it() {
    on_postgres(async |database: Store| {
        let [here, there] = [Parts::start(&database).await, Parts::start(&database).await];
        let mut sight = Sight::default();
        here.chat.look_on(&mut sight).await.unwrap();
        let (ali, _) = there.connect(Dialect::Direct, Some("1")).await;
        let chat = json!({"recipientId": "9", "messageContent": "Selam"});
        there.ask(&ali, "chat", &chat).await;
        there.finish().await;

        let seen = here.chat.look_on(&mut sight).await.unwrap();
        assert_eq!(seen.moved.len(), 1);
        let is_new = async |said_since| {
            let after = Moved {
                rev: -1,
                seq: -1,
                ..seen.moved[0].clone()
            };
            let hole = Hole { after, said_since };
            let repair = here.chat.read_repair(&hole).await.unwrap().unwrap();
            repair.changes.iter().any(|retold| retold.is_new)
        };
        assert!(is_new(seen.said_since).await);
        assert!(!is_new(Utc::now() + TimeDelta::hours(1)).await);
        here.finish().await;
    })
    .await;
}

#[tokio::test]
async fn who_was_removed_hears_no_more_although_the_room_was_not_in_memory() {
    on_postgres(async |database: Store| {
        let [here, there] = [Parts::start(&database).await, Parts::start(&database).await];
        let (ben, at_ben) = here.connect(Dialect::Native, Some("ben")).await;
        let (cem, _) = here.connect(Dialect::Native, Some("cem")).await;
        let (root, _) = here.connect(Dialect::Native, Some("root")).await;
        let (ada, at_ada) = there.connect(Dialect::Native, Some("ada")).await;
        there.deliver();
        let members = json!({"name": "Bahçe", "userIds": ["ben", "cem"]});
        soon("an answer", there.ask(&ada, "create_room", &members)).await;
        soon("the room", until(|| events(&at_ada).len() > 1)).await;
        let told = at_ada.lock().unwrap()[1].1.clone();
        let room = ConversationId::from(told["conversation"]["id"].as_str().unwrap());
        let sessions = &here.chat.sessions;
        for (session, access) in [
            (&ben, Listening::Member("ben".into())),
            (&cem, Listening::Member("cem".into())),
            (&root, Listening::Guest),
        ] {
            sessions.listen(session, &room, access).unwrap();
        }
        let removed = json!({"conversationId": room.as_str(), "userId": "ben"});
        soon("an answer", there.ask(&ada, "remove_participant", &removed)).await;

        here.deliver();
        here.chat.find_conversation(&room).await.unwrap();
        let (chat, stop) = (Arc::clone(&here.chat), CancellationToken::new());
        let stopped = stop.clone();
        let watching = tokio::spawn(async move { chat.watch_conversations(stopped).await });
        let listening = || {
            let mut listening = Vec::new();
            sessions.each_of_conversation(&room, |session| listening.extend(session.user()));
            listening.sort();
            listening
        };
        let others = [UserId::from("cem"), UserId::from("root")];
        soon("the end of it", until(|| listening() == others)).await;
        stop.cancel();
        watching.await.unwrap();
        there.finish().await;
        here.finish().await;
        assert_eq!(events(&at_ben), ["session", "conversation_removed"]);
    })
    .await;
}

/// What changed since then, as it is read part by part.
async fn look(store: &store::Store, since: &Horizon) -> Vec<Vec<Head>> {
    let mut parts = Vec::new();
    let mut at = HeadPlace::start();
    loop {
        let part = store.list_heads(since, &at, LIMIT).await.unwrap();
        let is_last = part.len() < LIMIT as usize;
        if let Some(last) = part.last() {
            at = last.place();
        }
        parts.push(part);
        if is_last {
            return parts;
        }
    }
}

fn ids(parts: Vec<Vec<Head>>) -> Vec<String> {
    let heads = parts.into_iter().flatten();
    let mut ids: Vec<_> = heads.map(|it| it.conversation.to_string()).collect();
    ids.sort();
    ids
}

fn insert_rooms(n: usize) -> String {
    format!(
        "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at)
         SELECT 'r' || i, 'room', 0, 0, now(), now() FROM generate_series(1, {n}) AS i"
    )
}

fn change(room: &str) -> String {
    format!("UPDATE conversation SET last_rev = last_rev + 1 WHERE id = '{room}'")
}

async fn open(store: &Store) -> DatabaseConnection {
    postgres::connect(&store.database_url().parse().unwrap()).await
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}
