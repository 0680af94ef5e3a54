//! API tokens over the wire: accepted wherever a JWT is, until they are revoked or over.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::api_tokens::{ApiToken, create, revoke};
use crate::support::client::{Arrival, Client};
use crate::support::http::Call;
use crate::support::locks::Lock;
use crate::support::messages::draft;
use crate::support::postgres::connect;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::SECRET;

on_both_stores!(
    a_token_opens_what_a_jwt_opens_until_another_process_revokes_it,
    a_socket_ends_with_its_token,
    a_disabled_user_has_no_live_token,
    a_use_is_written_down_and_not_again_within_the_minute,
    a_bad_token_counts_as_absent_in_development_mode,
);

async fn a_token_opens_what_a_jwt_opens_until_another_process_revokes_it(store: Store) {
    let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
    let (token, other) = (
        create(&store, "7", &[]).await,
        create(&store, "7", &[]).await,
    );
    assert_eq!(user_of(&server, &token.secret).await, json!(7));
    let mut client = connect_with(&server, &token).await.unwrap();
    client.ask_ok("join_user_room", json!(7)).await;
    let foreign = client
        .call("send_message", draft(json!({"senderId": 8})))
        .await;
    assert_eq!(foreign["error"]["code"], "FORBIDDEN");
    let mut spared = connect_with(&server, &other).await.unwrap();

    revoke(&store, &token).await;
    let heard = client.until_closed().await;
    assert!(
        heard.contains(&Arrival::Disconnect),
        "it must not come back: {heard:?}"
    );
    until_refused(&server, &token).await;
    let refused = connect_with(&server, &token).await.err();
    assert_eq!(refused, Some(json!({"message": "Authentication error"})));
    spared.ask_ok("join_user_room", json!(7)).await;
    assert!(!server.log().contains(&token.secret));
}

async fn a_socket_ends_with_its_token(store: Store) {
    let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
    let token = create(&store, "7", &["--ttl", "5s"]).await;
    let mut client = connect_with(&server, &token).await.unwrap();
    let heard = client.until_closed().await;
    assert!(heard.contains(&Arrival::Disconnect), "{heard:?}");
    assert_eq!(user_of(&server, &token.secret).await, Value::Null);
}

#[tokio::test]
async fn what_a_socket_has_queued_is_not_done_when_its_token_ends() {
    const N_ASKED: usize = 700;
    /// Those on their way to the store, and the one that waits for its turn there.
    const MAX_STORED: i64 = 513;
    let store = Store::sqlite();
    let settings = [("JWT_SECRET", SECRET), ("UNLIMITED_ADDRESSES", "127.0.0.1")];
    let mut server = Server::start_with(&store, &settings).await;
    let token = create(&store, "1", &["--ttl", "5s"]).await;
    let mut client = connect_with(&server, &token).await.unwrap();
    client.ask_ok("send_message", draft(json!({}))).await;
    let lock = Lock::take(&store).await;
    for number in 0..N_ASKED {
        client.ask(
            "send_message",
            &draft(json!({"content": number.to_string()})),
        );
    }
    let heard = client.until_closed().await;
    assert!(heard.contains(&Arrival::Disconnect), "{heard:?}");
    lock.release().await;
    // What is to be done is done before it stops.
    server.stop().await;
    let n_stored = count_messages(&store).await;
    assert!((2..=1 + MAX_STORED).contains(&n_stored), "{n_stored}");
}

async fn a_disabled_user_has_no_live_token(store: Store) {
    let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
    let token = create(&store, "7", &[]).await;
    let mut client = connect_with(&server, &token).await.unwrap();
    run(
        &store,
        r#"UPDATE "user" SET disabled = true WHERE id = '7'"#,
    )
    .await;
    client.until_closed().await;
    until_refused(&server, &token).await;
    // Removing the user removes the token, too.
    let token = create(&store, "8", &[]).await;
    let mut client = connect_with(&server, &token).await.unwrap();
    run(&store, r#"DELETE FROM "user" WHERE id = '8'"#).await;
    client.until_closed().await;
}

async fn a_use_is_written_down_and_not_again_within_the_minute(store: Store) {
    let mut server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
    let token = create(&store, "7", &[]).await;
    assert_eq!(last_use(&store).await, None);
    assert_eq!(user_of(&server, &token.secret).await, json!(7));
    soon("the last use", async {
        while last_use(&store).await.is_none() {}
    })
    .await;
    let first = last_use(&store).await;
    assert_eq!(user_of(&server, &token.secret).await, json!(7));
    // A stop writes what is left to be written.
    server.stop().await;
    assert_eq!(last_use(&store).await, first);
}

async fn a_bad_token_counts_as_absent_in_development_mode(store: Store) {
    let server = Server::start(&store).await;
    let revoked = create(&store, "7", &[]).await;
    revoke(&store, &revoked).await;
    let auth = json!({"token": revoked.secret, "userId": 9});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    let sent = client
        .ask_ok("send_message", draft(json!({"senderId": 9})))
        .await;
    assert_eq!(sent["message"]["senderId"], 9);
    // A good one comes before what is claimed.
    let valid = create(&store, "7", &[]).await;
    let auth = json!({"token": valid.secret, "userId": 9});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    let sent = client
        .ask_ok("send_message", draft(json!({"senderId": 9})))
        .await;
    assert_eq!(sent["message"]["senderId"], 7);
    revoke(&store, &valid).await;
    client.until_closed().await;
}

/// A socket with that token, or the `connect_error`.
async fn connect_with(server: &Server, token: &ApiToken) -> Result<Client, Value> {
    Client::try_connect(server.port, Some(&json!({"token": token.secret}))).await
}

/// Who REST says the holder of a token is; `null` when it is refused.
async fn user_of(server: &Server, secret: &str) -> Value {
    let answer = Call::get("/api/user/me")
        .header("Authorization", &format!("Bearer {secret}"))
        .send(server.port)
        .await;
    assert!([200, 401].contains(&answer.status), "{}", answer.text());
    answer.json()["user"]["id"].take()
}

/// Waits until REST refuses a token, which takes a second at most.
async fn until_refused(server: &Server, token: &ApiToken) {
    soon("a refusal", async {
        while user_of(server, &token.secret).await != Value::Null {}
    })
    .await;
}

/// When the only token was used last, as the database has it.
async fn last_use(store: &Store) -> Option<String> {
    let db = connect(&store.database_url().parse().unwrap()).await;
    let sql = "SELECT CAST(last_used_at AS text) AS used FROM api_token";
    let select = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(select).await.unwrap().expect("a token");
    db.close().await.unwrap();
    row.try_get("", "used").unwrap()
}

async fn count_messages(store: &Store) -> i64 {
    let db = connect(&store.database_url().parse().unwrap()).await;
    let sql = "SELECT COUNT(*) AS n FROM message";
    let select = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(select).await.unwrap().expect("a count");
    db.close().await.unwrap();
    row.try_get("", "n").unwrap()
}

async fn run(store: &Store, sql: &str) {
    let db = connect(&store.database_url().parse().unwrap()).await;
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}
