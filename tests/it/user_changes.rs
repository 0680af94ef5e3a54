//! Users who are moved to another gallery or get another role, and nobody tells the server: it finds out
//! by itself, within a second.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use sohbet::store::DirectoryEntry;
use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::UserId;

use crate::support::api_tokens::{ApiToken, create};
use crate::support::client::{Arrival, Client};
use crate::support::http::{Answer, Call};
use crate::support::postgres::connect as open_database;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores, on_postgres};
use crate::support::tokens::{SECRET, token};
use crate::support::within;

/// The promise is a second; a busy machine gets more.
const AT_ONCE: Duration = Duration::from_secs(3);
/// What a store that does not answer is waited for is much longer.
const SOON_AFTER_THE_END: Duration = Duration::from_secs(9);

on_both_stores!(an_api_token_has_the_role_that_its_owner_has_now);

#[tokio::test]
async fn a_change_that_no_node_tells_is_found_in_the_store() {
    on_postgres(async |store: Store| {
        // What another node would do that nobody hears.
        let elsewhere = store.open().await;
        elsewhere.save_entry(&member("ua", "Can")).await.unwrap();
        let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
        let [seven, eight, nine] = ["7", "8", "9"].map(|user| token(user, None, SECRET));
        let mut moved = connect(&server, &seven).await;
        let mut raised = connect(&server, &eight).await;
        let mut spared = connect(&server, &nine).await;
        assert_eq!(who_am_i(&server, &seven).await["fullName"], "Can");

        elsewhere.save_entry(&member("uc", "Ada")).await.unwrap();
        assert_comes_back(&mut moved).await;
        assert_eq!(who_am_i(&server, &seven).await["fullName"], "Ada");
        let role = Some(UserRole::Admin);
        let eight = UserId::from("8");
        elsewhere.register_user(&eight, "x", role).await.unwrap();
        assert_comes_back(&mut raised).await;
        // Nobody has to go twice, nor whom nothing was changed about.
        let mut moved = connect(&server, &seven).await;
        elsewhere.save_entry(&member("uc", "Ece")).await.unwrap();
        assert_eq!(moved.next_within(AT_ONCE / 2).await, None);
        spared.ask_ok("join_user_room", json!(9)).await;
        elsewhere.close().await;
    })
    .await;
}

async fn an_api_token_has_the_role_that_its_owner_has_now(store: Store) {
    let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
    let (token, other) = (
        create(&store, "7", &[]).await,
        create(&store, "8", &[]).await,
    );
    let db = open(&store).await;
    let mut spared = connect(&server, &other.secret).await;
    for (role, status) in [("ADMIN", 200), ("MEMBER", 403)] {
        let mut client = connect(&server, &token.secret).await;
        let sql = format!(r#"UPDATE "user" SET role = '{role}' WHERE id = '7'"#);
        db.execute_unprepared(&sql).await.unwrap();
        assert_comes_back(&mut client).await;
        within(AT_ONCE, "the rights of the new role", async {
            while list_sockets(&server, &token).await.status != status {}
        })
        .await;
    }
    spared.ask_ok("join_user_room", json!(8)).await;
}

#[tokio::test]
async fn a_token_ends_in_time_while_the_store_does_not_answer() {
    on_postgres(async |store: Store| {
        let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
        let brief = create(&store, "7", &["--ttl", "6s"]).await;
        let mut client = connect(&server, &brief.secret).await;
        let db = open(&store).await;
        let lock = "BEGIN; LOCK TABLE api_token, server_meta IN ACCESS EXCLUSIVE MODE";
        db.execute_unprepared(lock).await.unwrap();
        let heard = within(SOON_AFTER_THE_END, "the end", client.until_closed()).await;
        assert!(heard.contains(&Arrival::Disconnect), "{heard:?}");
        db.execute_unprepared("ROLLBACK").await.unwrap();
        db.close().await.unwrap();
    })
    .await;
}

/// User 7, as the directory may have them.
fn member(gallery: &str, name: &str) -> DirectoryEntry {
    DirectoryEntry::User {
        id: "7".into(),
        name: Some(name.to_owned()),
        avatar_url: None,
        gallery: Some(gallery.into()),
    }
}

async fn open(store: &Store) -> DatabaseConnection {
    open_database(&store.database_url().parse().unwrap()).await
}

async fn connect(server: &Server, token: &str) -> Client {
    Client::connect(server.port, Some(&json!({ "token": token }))).await
}

/// The connection ends, and nobody says that the client is not wanted.
async fn assert_comes_back(client: &mut Client) {
    let heard = within(AT_ONCE, "the end of the socket", client.until_closed()).await;
    assert!(!heard.contains(&Arrival::Disconnect), "{heard:?}");
}

async fn who_am_i(server: &Server, token: &str) -> Value {
    as_user("/api/user/me", server, token).await.json()["user"].take()
}

async fn list_sockets(server: &Server, token: &ApiToken) -> Answer {
    as_user("/api/v1/admin/sessions", server, &token.secret).await
}

async fn as_user(path: &str, server: &Server, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let call = Call::get(path).header("Authorization", &bearer);
    call.send(server.port).await
}
