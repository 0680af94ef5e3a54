//! Logins that the host application knows (`AUTH_SESSION_URL`): front ends with cookie logins need no line
//! of code.

use std::time::Duration;

use axum::http::HeaderMap;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::client::{Arrival, Client};
use crate::support::command::sohbet;
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::provider::{self, Provider};
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};
use crate::support::wire::Wire;

const COOKIE: &str = "theme=dark; authjs.session-token=ada";
const ORIGIN: &str = "http://app.test";
const REFUSED: &str = "Authentication error";
const UNAVAILABLE: &str = "Service unavailable";

#[tokio::test]
async fn a_cookie_of_auth_js_is_enough() {
    let app = auth_js().await;
    let server = before(&app, &[]).await;
    let mut client = connect(&server, COOKIE).await.unwrap();
    client.ask_ok("join_user_room", json!(7)).await;
    let foreign = client.call("join_user_room", json!(8)).await;
    assert_eq!(foreign["error"]["code"], "FORBIDDEN");
    let me = who_am_i(&server, &[("Cookie", COOKIE)]).await;
    assert_eq!(me.json()["user"]["id"], 7, "{}", me.text());
    for cookie in ["authjs.session-token=eve", "other=1"] {
        assert_eq!(
            connect(&server, cookie).await.err().as_deref(),
            Some(REFUSED)
        );
        assert_eq!(who_am_i(&server, &[("Cookie", cookie)]).await.status, 401);
    }
    // Who shows nothing is nobody, without a question.
    let n_asked = app.asked().len();
    assert_eq!(
        Client::try_connect(server.port, None).await.err(),
        Some(json!({"message": REFUSED}))
    );
    assert_eq!(who_am_i(&server, &[("x-user-id", "7")]).await.status, 401);
    assert_eq!(app.asked().len(), n_asked);
}

#[tokio::test]
async fn nothing_is_shown_to_the_application_but_what_proves_the_login() {
    let app = auth_js().await;
    let server = before(&app, &[("RUST_LOG", "trace")]).await;
    let headers = [
        ("Cookie", COOKIE),
        ("Authorization", "Bearer abc"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Origin", ORIGIN),
        ("Referer", "http://app.test/secret"),
        ("User-Agent", "a browser"),
    ];
    assert_eq!(who_am_i(&server, &headers).await.status, 200);
    let asked = app.asked().remove(0);
    let mut names: Vec<&str> = asked.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "authorization", "cookie", "host", "user-agent"]
    );
    assert_eq!(asked["cookie"], COOKIE);
    assert_eq!(asked["authorization"], "Bearer abc");
    assert!(asked["user-agent"].to_str().unwrap().starts_with("sohbet/"));
    for secret in ["authjs", "Bearer", "abc"] {
        assert!(!server.log().contains(secret), "{secret}: {}", server.log());
    }
}

#[tokio::test]
async fn a_token_that_no_key_proves_is_shown_too() {
    let app = Provider::start(200, &json!(null)).await;
    let session = json!({"session": {"userId": "7", "expiresAt": later(60)}, "user": {"id": "7", "name": "Ada"}});
    app.decide(
        move |headers| match is(headers, "authorization", "Bearer good.one") {
            true => json_answer(200, &session),
            false => json_answer(200, &json!(null)),
        },
    );
    // Keys beside it: what has the form of a JWT is theirs alone.
    let server = before(&app, &[("JWT_SECRET", SECRET)]).await;
    let login = async |token: &str| {
        let auth = json!({ "token": token });
        let client = Client::try_connect(server.port, Some(&auth)).await;
        client.map_err(|error| error["message"].as_str().unwrap().to_owned())
    };
    for token in ["good.one", "Bearer good.one"] {
        login(token)
            .await
            .unwrap()
            .ask_ok("join_user_room", json!(7))
            .await;
    }
    assert_eq!(login("bad.one").await.err().as_deref(), Some(REFUSED));
    let n_asked = app.asked().len();
    login(&token("9", None, SECRET))
        .await
        .unwrap()
        .ask_ok("join_user_room", json!(9))
        .await;
    let forged = token("9", None, "another-secret-of-at-least-32-bytes");
    assert_eq!(login(&forged).await.err().as_deref(), Some(REFUSED));
    assert_eq!(app.asked().len(), n_asked);
}

#[tokio::test]
async fn an_application_that_does_not_say_lets_nobody_in() {
    let app = auth_js().await;
    let server = before(&app, &[("AUTH_SESSION_CACHE_S", "0")]).await;
    let somebody = json!({"user": {"id": "7"}});
    let elsewhere = Provider::start(200, &somebody).await;
    let to = elsewhere.url.clone();
    app.decide(move |_| (302, vec![("location", to.clone())], String::new()));
    assert_eq!(
        connect(&server, COOKIE).await.err().as_deref(),
        Some(UNAVAILABLE)
    );
    assert_eq!(elsewhere.asked().len(), 0, "a redirect was followed");
    let long = json!({"user": {"id": "7", "name": "x".repeat(100_000)}});
    for (status, body) in [
        (500, somebody.to_string()),
        (404, somebody.to_string()),
        (200, "<html>".into()),
        (200, long.to_string()),
    ] {
        app.decide(move |_| (status, vec![], body.clone()));
        assert_eq!(
            connect(&server, COOKIE).await.err().as_deref(),
            Some(UNAVAILABLE),
            "{status}"
        );
        assert_eq!(who_am_i(&server, &[("Cookie", COOKIE)]).await.status, 503);
    }
    for (status, body) in [
        (401, somebody.clone()),
        (403, somebody),
        (200, json!({})),
        (200, json!({"user": {"name": "Ada"}})),
    ] {
        app.answer(status, &body);
        assert_eq!(
            connect(&server, COOKIE).await.err().as_deref(),
            Some(REFUSED),
            "{status} {body}"
        );
    }
    assert!(
        server.log().contains("AUTH_SESSION_USER_FIELD"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn many_who_show_the_same_are_one_question() {
    let app = auth_js().await;
    let server = before(&app, &[]).await;
    let connected = (0..50).map(|_| connect(&server, COOKIE));
    for client in futures_util::future::join_all(connected).await {
        client.unwrap();
    }
    assert_eq!(app.asked().len(), 1);
}

#[tokio::test]
async fn a_live_socket_ends_when_the_application_no_longer_knows_it() {
    let app = auth_js().await;
    let again = [
        ("AUTH_SESSION_CACHE_S", "0"),
        ("AUTH_SESSION_RECHECK_S", "1"),
    ];
    let server = before(&app, &again).await;
    let mut client = connect(&server, COOKIE).await.unwrap();
    app.asked_times(3).await;
    client.ask_ok("join_user_room", json!(7)).await;
    // While the application is away, its last word holds.
    app.answer(500, &json!(null));
    let n_asked = app.asked().len();
    app.asked_times(n_asked + 2).await;
    client.ask_ok("join_user_room", json!(7)).await;
    app.answer(200, &json!(null));
    let heard = client.until_closed().await;
    assert!(
        !heard.contains(&Arrival::Disconnect),
        "it may come back: {heard:?}"
    );
    soon("a refusal", async {
        while connect(&server, COOKIE).await.is_ok() {}
    })
    .await;
}

#[tokio::test]
async fn a_login_that_a_socket_shows_later_is_asked_about_again() {
    let app = Provider::start(200, &json!({"user": {"id": "7"}})).await;
    let settings = [
        ("JWT_SECRET", SECRET),
        ("AUTH_SESSION_CACHE_S", "0"),
        ("AUTH_SESSION_RECHECK_S", "1"),
    ];
    let server = before(&app, &settings).await;
    let connect = async || {
        let auth = json!({"dialect": "native", "token": token("7", None, SECRET)});
        Client::connect(server.port, Some(&auth)).await
    };
    let show = |token: &str| json!({ "token": token });
    let mut client = connect().await;
    client.ask_ok("auth_refresh", show("opaque")).await;
    // A login of one's own that takes its place is no matter of the application.
    let mut spared = connect().await;
    spared.ask_ok("auth_refresh", show("opaque")).await;
    let own = show(&token("7", None, SECRET));
    spared.ask_ok("auth_refresh", own).await;
    app.answer(200, &json!(null));
    let heard = client.until_closed().await;
    assert!(
        !heard.contains(&Arrival::Disconnect),
        "it may come back: {heard:?}"
    );
    spared.ask_ok("list_conversations", json!({})).await;
}

#[tokio::test]
async fn a_live_socket_ends_with_its_session() {
    let app = Provider::start(200, &json!(null)).await;
    app.answer(200, &json!({"user": {"id": "7"}, "expires": later(3)}));
    let server = before(&app, &[("JWT_LEEWAY_S", "0")]).await;
    let mut client = connect(&server, COOKIE).await.unwrap();
    client.ask_ok("join_user_room", json!(7)).await;
    client.until_closed().await;
    assert_eq!(
        connect(&server, COOKIE).await.err().as_deref(),
        Some(REFUSED)
    );
}

#[tokio::test]
async fn the_fields_of_ones_own_application_can_be_named() {
    let app = Provider::start(
        200,
        &json!({"user": {"email": "ada@x.test", "acl": ["x", "ADMIN"]}}),
    )
    .await;
    let settings = [
        ("AUTH_SESSION_USER_FIELD", "/user/email"),
        ("AUTH_SESSION_ROLE_FIELD", "/user/acl"),
    ];
    let server = before(&app, &settings).await;
    let me = Call::get("/api/v1/users/me")
        .header("Cookie", COOKIE)
        .send(server.port)
        .await;
    assert_eq!(
        (&me.json()["user"]["id"], &me.json()["role"]),
        (&json!("ada@x.test"), &json!("ADMIN"))
    );
}

#[tokio::test]
async fn check_asks_the_application() {
    let app = auth_js().await;
    let check = async || {
        let settings = [("AUTH_SESSION_URL", app.url.as_str())];
        sohbet(&Store::sqlite(), &["check", "--port", "0"], &settings).await
    };
    let ended = check().await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    app.answer(200, &json!({"user": {"id": "7"}}));
    let ended = check().await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(
        ended.stdout.contains("nobody is logged in"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn nothing_is_handled_while_it_is_decided_who_connects() {
    let app = auth_js().await;
    let server = before(&app, &[]).await;
    let mut witness = connect(&server, COOKIE).await.unwrap();
    witness.join_user(7).await;
    app.take_time(Duration::from_millis(500));
    let headers = [("Cookie", "authjs.session-token=eve"), ("Origin", ORIGIN)];
    let mut wire = Wire::open_with_headers(server.port, &headers).await;
    let n_asked = app.asked().len();
    wire.say("40").await;
    app.asked_times(n_asked + 1).await;
    let message = draft(json!({"senderId": 9, "receiverId": 7}));
    wire.say(&format!(r#"421["send_message",{message}]"#)).await;
    wire.say(r#"422["join_user_room",7]"#).await;
    let mut heard = Vec::new();
    while let Some(frame) = wire.hear().await {
        heard.push(frame);
    }
    // It may be closed for what it said too early, before it is refused.
    let is_answer = |frame: &String| frame.starts_with("43") || frame.starts_with("42");
    assert!(!heard.iter().any(is_answer), "{heard:?}");
    assert!(
        !heard.iter().any(|frame| frame.starts_with("40")),
        "{heard:?}"
    );
    witness.call("leave_conversation", json!(1)).await;
    assert_eq!(witness.take_kept(), []);
}

/// Plays Auth.js with ids in its sessions: one cookie is Ada's, who is user 7.
async fn auth_js() -> Provider {
    let app = Provider::start(200, &json!(null)).await;
    let session =
        json!({"user": {"id": "7", "name": "Ada", "email": "ada@x.test"}, "expires": later(3_600)});
    app.decide(move |headers| match is(headers, "cookie", COOKIE) {
        true => json_answer(200, &session),
        false => json_answer(200, &json!(null)),
    });
    app
}

fn is(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|found| found == value)
}

fn json_answer(status: u16, body: &Value) -> provider::Answer {
    (
        status,
        vec![("content-type", "application/json".to_owned())],
        body.to_string(),
    )
}

fn later(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).to_rfc3339()
}

async fn before(app: &Provider, settings: &[(&str, &str)]) -> Server {
    let own = [
        ("AUTH_SESSION_URL", app.url.as_str()),
        ("FRONTEND_URL", ORIGIN),
    ];
    Server::start_with(&Store::sqlite(), &[own.as_slice(), settings].concat()).await
}

/// A socket that shows a cookie, or the message of the refusal.
async fn connect(server: &Server, cookie: &str) -> Result<Client, String> {
    let headers = [("Cookie", cookie), ("Origin", ORIGIN)];
    let mut wire = Wire::open_with_headers(server.port, &headers).await;
    match wire.join(None).await {
        Ok(id) => Ok(Client::over(wire, id)),
        Err(error) => Err(error["message"].as_str().unwrap().to_owned()),
    }
}

async fn who_am_i(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let call = headers
        .iter()
        .fold(Call::get("/api/user/me"), |call, (name, value)| {
            call.header(name, value)
        });
    call.send(server.port).await
}
