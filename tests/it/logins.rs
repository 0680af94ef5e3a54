//! Token mode without a token: the host application's login cookie, and its trusted address.

use chrono::{NaiveDateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, Value as DbValue};
use serde_json::{Value, json};

use crate::support::client::{Arrival, Client};
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::postgres::connect;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;

/// The user of every login.
const USER: i32 = 7;
const VALID: &str = "a-login-that-lasts";
const EXPIRED: &str = "a-login-of-yesterday";
const ENDING: &str = "a-login-that-is-not-prolonged";
const CONVERSATION: u64 = 42;
const TOKEN_MODE: (&str, &str) = ("JWT_SECRET", SECRET);
const TRUSTING: [(&str, &str); 2] = [TOKEN_MODE, ("TRUSTED_ADDRESSES", "127.0.0.1")];
const FORWARDED: (&str, &str) = ("X-Forwarded-For", "127.0.0.1");

on_both_stores!(
    a_login_of_the_host_application_counts_for_rest_until_it_expires,
    a_socket_with_a_login_is_that_user_and_nobody_else,
    a_socket_with_an_expired_login_is_refused,
    a_live_socket_ends_when_its_login_is_no_longer_in_the_table,
    a_live_socket_ends_when_its_login_expires,
    a_login_that_the_host_application_prolongs_goes_on,
    the_cookie_of_a_dialect_goes_before_a_login,
    a_trusted_peer_may_broadcast_and_nothing_else,
    a_peer_is_trusted_only_by_its_own_listed_address,
    an_ordinary_user_may_not_broadcast,
);

async fn a_login_of_the_host_application_counts_for_rest_until_it_expires(store: Store) {
    let server = beside_host_application(&store).await;
    let answer = who_am_i(&server, VALID).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["id"], json!(USER));
    for login in [EXPIRED, "unknown", ""] {
        let answer = who_am_i(&server, login).await;
        assert_eq!(answer.status, 401, "{login}: {}", answer.text());
    }
}

async fn a_socket_with_a_login_is_that_user_and_nobody_else(store: Store) {
    let server = beside_host_application(&store).await;
    let mut client = connect_with(&server, ("Cookie", &cookies(VALID)))
        .await
        .unwrap();
    let joined = client.ask_ok("join_user_room", json!(USER)).await;
    assert_eq!(joined["userId"], json!(USER));
    assert_refused(&mut client, "join_user_room", json!(USER + 1), "FORBIDDEN").await;
    let foreign = draft(json!({"senderId": USER + 1}));
    assert_refused(&mut client, "send_message", foreign, "FORBIDDEN").await;
}

async fn a_socket_with_an_expired_login_is_refused(store: Store) {
    let server = beside_host_application(&store).await;
    for login in [EXPIRED, "unknown", ""] {
        let refused = connect_with(&server, ("Cookie", &cookies(login))).await;
        assert_eq!(refused.err(), Some(authentication_error()), "{login}");
    }
}

async fn a_live_socket_ends_when_its_login_is_no_longer_in_the_table(store: Store) {
    let server = beside_host_application(&store).await;
    let mut other = token_user(&server, 2).await;
    let mut client = with_login(&server, VALID).await;
    let delete = r#"DELETE FROM "Session" WHERE "sessionToken" = $1"#;
    change_login(&store, delete, vec![VALID.into()]).await;
    let heard = client.until_closed().await;
    assert!(!heard.contains(&Arrival::Disconnect), "it may come back");
    let refused = connect_with(&server, ("Cookie", &cookies(VALID))).await;
    assert_eq!(refused.err(), Some(authentication_error()));
    other.ask_ok("join_user_room", json!(2)).await;
}

async fn a_live_socket_ends_when_its_login_expires(store: Store) {
    let server = beside_host_application(&store).await;
    expire(&store, VALID, TimeDelta::seconds(3)).await;
    let mut client = with_login(&server, VALID).await;
    let heard = client.until_closed().await;
    assert!(!heard.contains(&Arrival::Disconnect), "it may come back");
}

async fn a_login_that_the_host_application_prolongs_goes_on(store: Store) {
    let server = beside_host_application(&store).await;
    expire(&store, VALID, TimeDelta::seconds(9)).await;
    expire(&store, ENDING, TimeDelta::seconds(10)).await;
    let mut client = with_login(&server, VALID).await;
    let mut ending = with_login(&server, ENDING).await;
    expire(&store, VALID, TimeDelta::days(1)).await;
    ending.until_closed().await;
    client.ask_ok("join_user_room", json!(USER)).await;
}

async fn the_cookie_of_a_dialect_goes_before_a_login(store: Store) {
    let server = beside_host_application(&store).await;
    let of_dialect = token("9", None, SECRET);
    for (first, user) in [(of_dialect.as_str(), 9), ("not a token", USER)] {
        let cookies = format!("session_token={VALID}; auth-token={first}");
        let mut client = connect_with(&server, ("Cookie", &cookies)).await.unwrap();
        client.ask_ok("join_user_room", json!(user)).await;
    }
}

async fn a_trusted_peer_may_broadcast_and_nothing_else(store: Store) {
    let server = Server::start_with(&store, &TRUSTING).await;
    let mut listener = token_user(&server, 2).await;
    let mut peer = Client::connect(server.port, None).await;
    peer.ask_ok("broadcast_new_message", broadcast()).await;
    assert_eq!(
        listener.event("new_message").await,
        broadcast()["message"],
        "it is heard word for word"
    );
    assert_nothing_heard(&mut listener).await;

    for (event, body, code) in [
        ("send_message", draft(json!({})), "FORBIDDEN"),
        ("join_user_room", json!(2), "FORBIDDEN"),
        ("join_conversation", json!(CONVERSATION), "NOT_FOUND"),
    ] {
        assert_refused(&mut peer, event, body, code).await;
    }
    assert_nothing_heard(&mut listener).await;
}

async fn a_peer_is_trusted_only_by_its_own_listed_address(store: Store) {
    let mut trusting = Server::start_with(&store, &TRUSTING).await;
    let forwarded = connect_with(&trusting, FORWARDED).await;
    assert_eq!(forwarded.err(), Some(authentication_error()));
    trusting.stop().await;
    for settings in [
        [TOKEN_MODE].as_slice(),
        &[TOKEN_MODE, ("TRUSTED_ADDRESSES", "127.0.0.2")],
    ] {
        let mut server = Server::start_with(&store, settings).await;
        let refused = Client::try_connect(server.port, None).await;
        assert_eq!(refused.err(), Some(authentication_error()), "{settings:?}");
        server.stop().await;
    }
}

async fn an_ordinary_user_may_not_broadcast(store: Store) {
    // A user who comes from a trusted address is a user all the same.
    let server = Server::start_with(&store, &TRUSTING).await;
    let mut listener = token_user(&server, 2).await;
    let mut user = token_user(&server, 1).await;
    assert_refused(&mut user, "broadcast_new_message", broadcast(), "FORBIDDEN").await;
    assert_nothing_heard(&mut listener).await;
}

/// A server on a database in which the host application keeps a valid and an expired login.
async fn beside_host_application(store: &Store) -> Server {
    let settings = [TOKEN_MODE, ("JWT_LEEWAY_S", "0")];
    let mut server = Server::start_with(store, &settings).await;
    server.stop().await;
    let db = connect(&store.database_url().parse().unwrap()).await;
    create_login_table(&db).await;
    let now = Utc::now().naive_utc();
    insert_login(&db, VALID, now + TimeDelta::days(1)).await;
    insert_login(&db, EXPIRED, now - TimeDelta::seconds(1)).await;
    insert_login(&db, ENDING, now + TimeDelta::days(1)).await;
    db.close().await.unwrap();
    server.restart().await;
    server
}

/// The table as Prisma makes it. On SQLite it keeps times in milliseconds.
async fn create_login_table(db: &DatabaseConnection) {
    let time = match db.get_database_backend() {
        DbBackend::Sqlite => "INTEGER",
        _ => "TIMESTAMP(3)",
    };
    let sql = format!(
        r#"CREATE TABLE "Session" ("sessionToken" TEXT PRIMARY KEY, "userId" INTEGER, "expiresAt" {time})"#
    );
    db.execute_unprepared(&sql).await.unwrap();
}

async fn insert_login(db: &DatabaseConnection, login: &str, expires_at: NaiveDateTime) {
    let sql =
        r#"INSERT INTO "Session" ("sessionToken", "userId", "expiresAt") VALUES ($1, $2, $3)"#;
    let values = [login.into(), USER.into(), time(db, expires_at)];
    let insert = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(insert).await.unwrap();
}

fn time(db: &DatabaseConnection, at: NaiveDateTime) -> DbValue {
    match db.get_database_backend() {
        DbBackend::Sqlite => at.and_utc().timestamp_millis().into(),
        _ => at.into(),
    }
}

/// The host application lets a login end after that time.
async fn expire(store: &Store, login: &str, after: TimeDelta) {
    let db = connect(&store.database_url().parse().unwrap()).await;
    let sql = r#"UPDATE "Session" SET "expiresAt" = $1 WHERE "sessionToken" = $2"#;
    let values = vec![time(&db, Utc::now().naive_utc() + after), login.into()];
    db.close().await.unwrap();
    change_login(store, sql, values).await;
}

/// Does something to the host application's table while the server runs.
async fn change_login(store: &Store, sql: &str, values: Vec<DbValue>) {
    let db = connect(&store.database_url().parse().unwrap()).await;
    let change = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let changed = db.execute_raw(change).await.unwrap();
    assert_eq!(changed.rows_affected(), 1, "{sql}");
    db.close().await.unwrap();
}

async fn with_login(server: &Server, login: &str) -> Client {
    let mut client = connect_with(server, ("Cookie", &cookies(login)))
        .await
        .unwrap();
    client.ask_ok("join_user_room", json!(USER)).await;
    client
}

fn cookies(login: &str) -> String {
    format!("other=1; session_token={login}")
}

async fn who_am_i(server: &Server, login: &str) -> Answer {
    Call::get("/api/user/me")
        .header("Cookie", &cookies(login))
        .send(server.port)
        .await
}

/// Connects with a header and without a token, or returns the `connect_error`.
async fn connect_with(server: &Server, header: (&'static str, &str)) -> Result<Client, Value> {
    let mut wire = Wire::open_with_headers(server.port, &[header]).await;
    let id = wire.join(None).await?;
    Ok(Client::over(wire, id))
}

/// A socket with a token of that user, which listens for them.
async fn token_user(server: &Server, id: u64) -> Client {
    let auth = json!({"token": token(&id.to_string(), None, SECRET)});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    client.join_user(id).await;
    client
}

fn broadcast() -> Value {
    json!({
        "message": {"id": 9, "conversationId": CONVERSATION, "content": "z"},
        "conversationId": CONVERSATION, "receiverId": 2,
    })
}

fn authentication_error() -> Value {
    json!({"message": "Authentication error"})
}

async fn assert_refused(client: &mut Client, event: &str, body: Value, code: &str) {
    let answer = client.call(event, body).await;
    assert_eq!(answer["ok"], false, "{event} was answered {answer}");
    assert_eq!(
        answer["error"]["code"], code,
        "{event} was answered {answer}"
    );
}

/// An answer that comes after everything else shows that no message is on its way.
async fn assert_nothing_heard(listener: &mut Client) {
    listener.call("leave_conversation", json!(1)).await;
    let heard = listener.take_kept();
    let is_message =
        |arrival: &Arrival| matches!(arrival, Arrival::Event(name, _) if name == "new_message");
    assert!(!heard.iter().any(is_message), "heard: {heard:?}");
}
