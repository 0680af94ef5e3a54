//! What other nodes committed is found by looking, a limited part at a time, however long some
//! transaction is open elsewhere.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sohbet::store::{self, Head, HeadPlace, Horizon};

use crate::support::postgres;
use crate::support::stores::{Store, on_postgres};

const N_ROOMS: usize = 25;
const LIMIT: u32 = 10;

#[tokio::test]
async fn a_long_transaction_makes_nobody_read_the_same_again() {
    on_postgres(async |database: Store| {
        let store = database.open().await;
        let [long, brief] = [open(&database).await, open(&database).await];
        let insert = format!(
            "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at)
             SELECT 'r' || i, 'room', 0, 0, now(), now() FROM generate_series(1, {N_ROOMS}) AS i"
        );
        let before = store.horizon().await.unwrap();
        // It has a number from now on.
        run(&long, "BEGIN; SELECT pg_current_xact_id()").await;
        run(&brief, &insert).await;
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

fn change(room: &str) -> String {
    format!("UPDATE conversation SET last_rev = last_rev + 1 WHERE id = '{room}'")
}

async fn open(store: &Store) -> DatabaseConnection {
    postgres::connect(&store.database_url().parse().unwrap()).await
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}
