//! Logins and tokens that were called back a moment ago, which the server that is asked does not know yet:
//! nothing that lasts is done with them.

use chrono::Utc;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, Value as DbValue};
use serde_json::{Value, json};

use crate::support::api_tokens::create;
use crate::support::http::{Answer, Call};
use crate::support::locks::somebody_waits;
use crate::support::postgres::connect;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores, on_postgres};
use crate::support::tokens::{SECRET, token_with_role};

const TOKEN_MODE: [(&str, &str); 1] = [("JWT_SECRET", SECRET)];
const TOKENS: &str = "SELECT count(*) FROM api_token";
const RECALL: &str = r#"UPDATE "user" SET tokens_valid_after = $1 WHERE id = $2"#;
const DISABLE: &str = r#"UPDATE "user" SET disabled = $1 WHERE id = $2"#;
const REVOKE: &str = "UPDATE api_token SET revoked_at = $1 WHERE id = $2";
const CHANGE_ROLE: &str = r#"UPDATE "user" SET role = $1 WHERE id = $2"#;

on_both_stores!(
    a_login_that_was_called_back_a_moment_ago_makes_no_token,
    a_token_that_was_called_back_a_moment_ago_makes_no_token,
    who_was_shut_out_a_moment_ago_lets_nobody_in,
);

async fn a_login_that_was_called_back_a_moment_ago_makes_no_token(store: Store) {
    let server = Server::start_with(&store, &TOKEN_MODE).await;
    let db = open(&store).await;
    let changes: [(_, _, fn() -> DbValue); 2] = [
        ("1", RECALL, || Utc::now().into()),
        ("2", DISABLE, || true.into()),
    ];
    for (user, sql, value) in changes {
        let jwt = token_with_role(user, "ADMIN", SECRET);
        let mut wanted = wanted("USER", "read");
        for owner in [user, "9"] {
            wanted["userId"] = owner.into();
            let made = make_token(&server, &jwt, &wanted).await;
            assert_eq!(made.status, 201, "{}", made.text());
        }
        run(&db, sql, value(), user).await;
        assert_refused(&make_token(&server, &jwt, &wanted).await);
    }
    assert_eq!(count(&db, TOKENS).await, 4);
    db.close().await.unwrap();
}

async fn a_token_that_was_called_back_a_moment_ago_makes_no_token(store: Store) {
    let server = Server::start_with(&store, &TOKEN_MODE).await;
    let db = open(&store).await;
    let token = create(&store, "1", &[]).await;
    assert_eq!(who_am_i(&server, &token.secret).await.status, 200);
    run(&db, REVOKE, Utc::now().into(), &token.id).await;
    assert_refused(&make_token(&server, &token.secret, &wanted("USER", "read")).await);

    let program = create(
        &store,
        "2",
        &["--type", "client", "--permissions", "fullAccess"],
    )
    .await;
    let on_behalf = |call| as_user(call, &program.secret).header("X-On-Behalf-Of", "9");
    let shown = on_behalf(Call::get("/api/v1/users/me"));
    assert_eq!(shown.send(server.port).await.status, 200);
    run(&db, RECALL, Utc::now().into(), "2").await;
    let made = on_behalf(Call::post("/api/v1/tokens", &wanted("USER", "read")));
    assert_refused(&made.send(server.port).await);

    // What a token permits is what its owner may.
    let of_admin = create(&store, "3", &[]).await;
    run(&db, CHANGE_ROLE, "ADMIN".into(), "3").await;
    assert_eq!(who_am_i(&server, &of_admin.secret).await.status, 200);
    run(&db, CHANGE_ROLE, "MEMBER".into(), "3").await;
    let client = wanted("CLIENT", "admin");
    assert_refused(&make_token(&server, &of_admin.secret, &client).await);
    assert_eq!(count(&db, TOKENS).await, 3);
    db.close().await.unwrap();
}

async fn who_was_shut_out_a_moment_ago_lets_nobody_in(store: Store) {
    let server = Server::start_with(&store, &TOKEN_MODE).await;
    let db = open(&store).await;
    let admin = token_with_role("1", "ADMIN", SECRET);
    let enable = async || {
        let call = Call::new("PATCH", "/api/v1/admin/users/1")
            .header("Content-Type", "application/json")
            .body(r#"{"disabled":false}"#);
        as_user(call, &admin).send(server.port).await
    };
    assert_eq!(enable().await.status, 200);
    assert_eq!(who_am_i(&server, &admin).await.status, 200);
    run(&db, DISABLE, true.into(), "1").await;
    assert_refused(&enable().await);
    let sql = r#"SELECT count(*) FROM "user" WHERE disabled"#;
    assert_eq!(count(&db, sql).await, 1);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_sign_out_that_is_under_way_is_waited_for() {
    on_postgres(async |store: Store| {
        let server = Server::start_with(&store, &TOKEN_MODE).await;
        let (db, other) = (open(&store).await, open(&store).await);
        let jwt = token_with_role("1", "MEMBER", SECRET);
        let wanted = wanted("USER", "read");
        assert_eq!(make_token(&server, &jwt, &wanted).await.status, 201);
        let sign_out = r#"BEGIN; UPDATE "user" SET tokens_valid_after = now() WHERE id = '1'"#;
        db.execute_unprepared(sign_out).await.unwrap();
        let overtaken = async {
            soon("who waits for the sign-out", somebody_waits(&other)).await;
            db.execute_unprepared("COMMIT").await.unwrap();
        };
        let (made, ()) = tokio::join!(make_token(&server, &jwt, &wanted), overtaken);
        assert_refused(&made);
        db.close().await.unwrap();
        other.close().await.unwrap();
    })
    .await;
}

fn as_user(call: Call, token: &str) -> Call {
    call.header("Authorization", &format!("Bearer {token}"))
}

async fn make_token(server: &Server, secret: &str, wanted: &Value) -> Answer {
    let call = Call::post("/api/v1/tokens", wanted);
    as_user(call, secret).send(server.port).await
}

fn wanted(token_type: &str, permission: &str) -> Value {
    json!({"type": token_type, "name": "made", "permissions": [permission]})
}

async fn who_am_i(server: &Server, secret: &str) -> Answer {
    let call = Call::get("/api/v1/users/me");
    as_user(call, secret).send(server.port).await
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "UNAUTHENTICATED");
    assert_eq!(error["message"], "Authentication error");
}

async fn open(store: &Store) -> DatabaseConnection {
    connect(&store.database_url().parse().unwrap()).await
}

/// Changes a row, which no server is told.
async fn run(db: &DatabaseConnection, sql: &str, value: DbValue, id: &str) {
    let values = [value, id.into()];
    let update = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let done = db.execute_raw(update).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

async fn count(db: &DatabaseConnection, sql: &str) -> i64 {
    let select = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(select).await.unwrap().expect("a count");
    row.try_get_by_index(0).unwrap()
}
