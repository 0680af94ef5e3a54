//! What is too much is refused, in words that the client knows, and harms nobody else.

mod caps;
mod files;
mod logins;
mod plain;
mod traffic;

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Arrival, Client};
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::polling;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token, token_with_role};
use crate::support::wire::Wire;

const TOKEN_MODE: (&str, &str) = ("JWT_SECRET", SECRET);
/// More than a socket may be refused before it is closed.
const FLOOD: usize = 2_000;

#[tokio::test]
async fn events_over_the_budget_are_refused_and_can_be_sent_again() {
    let settings = [("LIMIT_SOCKET_EVENTS", "5/10"), ("DIALECT", "messaging")];
    let server = limited(&settings).await;
    let mut client = user(&server, 1).await;
    let drafts: Vec<Value> = (0..20).map(numbered).collect();
    let asked: Vec<u64> = drafts
        .iter()
        .map(|draft| client.ask("send_message", draft))
        .collect();
    let mut refused = Vec::new();
    for (draft, id) in drafts.iter().zip(asked) {
        let answer = client.ack(id).await;
        if answer["ok"] == true {
            continue;
        }
        let error = &answer["error"];
        assert_eq!(error["code"], "RATE_LIMITED", "{answer}");
        assert_eq!(error["message"], "Too many messages");
        assert!(error["retryAfterMs"].as_u64().unwrap() > 0, "{answer}");
        let told = client.event("message_error").await;
        assert_eq!(told["error"], "Too many messages", "{told}");
        refused.push(draft);
    }
    assert!((5..=10).contains(&refused.len()), "{}", refused.len());
    for draft in refused {
        let answer = until_accepted(&mut client, draft).await;
        assert_ne!(answer["duplicate"], true, "what was refused was not stored");
    }
}

#[tokio::test]
async fn an_address_has_a_budget_for_events_over_all_its_sockets() {
    let server = limited(&[("LIMIT_ADDRESS_EVENTS", "1/8")]).await;
    let (mut one, mut two) = (user(&server, 1).await, user(&server, 2).await);
    let mut n_refused = 0;
    for number in 0..10 {
        let answer = one.call("send_message", numbered(number)).await;
        n_refused += usize::from(answer["error"]["code"] == "RATE_LIMITED");
    }
    assert!(n_refused > 0);
    let refused = two.call(
        "send_message",
        draft(json!({"senderId": 2, "receiverId": 1})),
    );
    assert_eq!(refused.await["error"]["code"], "RATE_LIMITED");
    let mut elsewhere = Wire::open_from(server.port, Ipv4Addr::new(127, 0, 0, 2)).await;
    let auth = json!({"token": token("3", None, SECRET)});
    let id = elsewhere.join(Some(&auth)).await.unwrap();
    let mut elsewhere = Client::over(elsewhere, id);
    let draft = draft(json!({"senderId": 3, "receiverId": 1}));
    elsewhere.ask_ok("send_message", draft).await;
}

#[tokio::test]
async fn a_client_that_does_not_stop_is_closed_and_its_user_has_no_new_budget() {
    let settings = [
        ("LIMIT_SOCKET_EVENTS", "1/10"),
        ("LIMIT_USER_EVENTS", "1/15"),
    ];
    let server = limited(&settings).await;
    let mut other = user(&server, 2).await;
    let mut flooding = user(&server, 1).await;
    for number in 0..FLOOD {
        flooding.ask("send_message", &numbered(number));
    }
    let heard = flooding.until_closed().await;
    assert!(!heard.contains(&Arrival::Disconnect), "it may come back");
    let is_accepted = |arrival: &&Arrival| match arrival {
        Arrival::Ack(_, answer) => answer["ok"] == true,
        _ => false,
    };
    assert!(heard.iter().filter(is_accepted).count() <= 12);
    let mut again = user(&server, 1).await;
    let asked: Vec<u64> = (0..10)
        .map(|number| again.ask("send_message", &numbered(number)))
        .collect();
    let mut n_accepted = 0;
    for id in asked {
        n_accepted += usize::from(again.ack(id).await["ok"] == true);
    }
    assert!(n_accepted < 10, "the flood has cost its user nothing");
    talks_on(&mut other).await;
}

#[tokio::test]
async fn a_conversation_has_a_budget_whoever_writes_and_over_whatever_surface() {
    let server = limited(&[("LIMIT_CONVERSATION_WRITES", "1/4")]).await;
    let (mut one, mut two) = (user(&server, 1).await, user(&server, 2).await);
    for number in 0..2 {
        one.ask_ok("send_message", numbered(number)).await;
        let answer = draft(json!({"senderId": 2, "receiverId": 1}));
        two.ask_ok("send_message", answer).await;
    }
    let refused = one.call("send_message", numbered(5)).await;
    assert_eq!(refused["error"]["code"], "RATE_LIMITED", "{refused}");
    let posted = Call::post(
        "/api/messages",
        &json!({"senderId": 1, "receiverId": 2, "content": "hi"}),
    );
    let posted = as_user(posted, 1).send(server.port).await;
    assert_eq!(
        (posted.status, wait_seconds(&posted)),
        (429, 1),
        "{}",
        posted.text()
    );
    let elsewhere = draft(json!({"conversationId": 43, "receiverId": 3}));
    one.ask_ok("send_message", elsewhere).await;
}

#[tokio::test]
async fn calls_are_refused_with_429_in_the_shape_of_the_dialect() {
    let shapes = [
        ("messaging", "/api/user/me", "/message"),
        ("native", "/api/v1/users/me", "/error/code"),
        ("gallery", "/chats/rooms", "/error/code"),
        ("school", "/api/messages/unread-count", "/error"),
        ("chatsphere", "/api/rooms", "/error"),
        ("starter", "/api/rooms", "/error"),
    ];
    for budget in ["LIMIT_USER_CALLS", "LIMIT_ADDRESS_CALLS"] {
        for (dialect, path, place) in shapes {
            let server = limited(&[(budget, "1/2"), ("DIALECT", dialect)]).await;
            let (mut refused, mut last) = (None, String::new());
            for _ in 0..5 {
                let answer = as_teacher(Call::get(path), 1).send(server.port).await;
                last = answer.text().to_owned();
                refused = refused.or((answer.status == 429).then_some(answer));
            }
            let Some(refused) = refused else {
                // Here this token makes nobody a user.
                let is_nobody = dialect == "starter";
                assert!(is_nobody && budget == "LIMIT_USER_CALLS", "{last}");
                continue;
            };
            assert!(wait_seconds(&refused) >= 1, "{dialect}");
            let body = refused.json();
            assert!(body.pointer(place).is_some(), "{dialect} {budget}: {body}");
            let health = Call::get("/healthz").send(server.port).await;
            assert_eq!(health.status, 200, "probes are not counted");
        }
    }
}

#[tokio::test]
async fn uploads_have_a_budget() {
    let server = limited(&[("LIMIT_USER_UPLOADS", "1/2")]).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
        let call = Call::new("POST", "/api/upload")
            .header("Content-Type", "multipart/form-data; boundary=x")
            .body(form);
        statuses.push(as_user(call, 1).send(server.port).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn handshakes_have_a_budget_and_a_forged_address_brings_no_other() {
    let server = limited(&[("LIMIT_HANDSHAKES", "1/3")]).await;
    let mut statuses = Vec::new();
    for number in 0..4 {
        let forged = format!("203.0.113.{number}");
        let call = Call::get(polling::PATH).header("X-Forwarded-For", &forged);
        statuses.push(call.send(server.port).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    let refused = polling::upgrade(None).send(server.port).await;
    assert!(refused.status == 429 && wait_seconds(&refused) == 1);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_budget() {
    let settings = [
        ("LIMIT_HANDSHAKES", "1/2"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let server = limited(&settings).await;
    let from = async |addresses: &str| {
        let call = Call::get(polling::PATH).header("X-Forwarded-For", addresses);
        call.send(server.port).await.status
    };
    for client in ["203.0.113.1", "203.0.113.2", "2001:db8:0:1::1"] {
        for expected in [200, 200, 429] {
            // What stands further left anybody can write.
            let addresses = format!("198.51.100.{expected}, {client}");
            assert_eq!(from(&addresses).await, expected, "{client}");
        }
    }
    assert_eq!(from("2001:db8:0:1:ffff::9").await, 429, "the same /64");
    assert_eq!(from("2001:db8:0:2::1").await, 200);
}

#[tokio::test]
async fn who_guesses_tokens_is_refused_before_they_are_looked_at() {
    let settings = [
        ("LIMIT_FAILED_LOGINS", "1/3"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let server = limited(&settings).await;
    let me = async |address: &str, token: &str| {
        let call = Call::get("/api/user/me").header("X-Forwarded-For", address);
        let bearer = format!("Bearer {token}");
        call.header("Authorization", &bearer)
            .send(server.port)
            .await
    };
    let (guesser, other) = ("203.0.113.1", "203.0.113.2");
    let good = token("1", None, SECRET);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(me(guesser, "a guess").await.status);
    }
    assert_eq!(statuses[..3], [401; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let health = Call::get("/health").header("X-Forwarded-For", guesser);
    assert_eq!(health.send(server.port).await.status, 200);
    assert_eq!(me(other, &good).await.status, 200);
    // After a while it may try again.
    soon("the end of the wait", async {
        while me(guesser, &good).await.status != 200 {}
    })
    .await;
}

#[tokio::test]
async fn sockets_that_fail_to_log_in_are_refused_too() {
    let server = limited(&[("LIMIT_FAILED_LOGINS", "1/3")]).await;
    let bad = json!({"token": "a guess"});
    let mut refused = Vec::new();
    for _ in 0..3 {
        refused.push(Client::try_connect(server.port, Some(&bad)).await.err());
    }
    assert_eq!(
        refused,
        vec![Some(json!({"message": "Authentication error"})); 3]
    );
    let _ = Client::try_connect(server.port, Some(&bad)).await;
    let answer = polling::upgrade(None).send(server.port).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
}

#[tokio::test]
async fn addresses_without_limits_are_not_throttled() {
    let settings = [
        ("LIMIT_SOCKET_EVENTS", "1/1"),
        ("LIMIT_CONVERSATION_WRITES", "1/1"),
        ("LIMIT_USER_CALLS", "1/1"),
        ("MAX_USER_SOCKETS", "1"),
        ("UNLIMITED_ADDRESSES", "127.0.0.0/8"),
    ];
    let server = limited(&settings).await;
    let mut client = user(&server, 1).await;
    let _second = user(&server, 1).await;
    for number in 0..20 {
        client.ask_ok("send_message", numbered(number)).await;
        let me = as_user(Call::get("/api/user/me"), 1);
        assert_eq!(me.send(server.port).await.status, 200);
    }
}

#[tokio::test]
async fn bytes_over_the_budget_come_later_and_none_is_lost() {
    let server = limited(&[("LIMIT_CONNECTION_BYTES", "200000/200000")]).await;
    let mut client = user(&server, 1).await;
    let long = "x".repeat(10_000);
    let asked: Vec<u64> = (0..50)
        .map(|number| {
            let draft = draft(json!({"content": format!("{number} {long}")}));
            client.ask("send_message", &draft)
        })
        .collect();
    for id in asked {
        let answer = client.ack(id).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
}

#[tokio::test]
async fn empty_frames_without_end_end_the_connection() {
    let server = limited(&[("LIMIT_CONNECTION_BYTES", "100000/100000")]).await;
    let mut other = user(&server, 2).await;
    let mut flooding = Wire::open(server.port).await;
    let auth = json!({"token": token("1", None, SECRET)});
    flooding.join(Some(&auth)).await.unwrap();
    flooding.say_part("42[", true, false).await;
    soon("the end of the connection", async {
        while flooding.try_say_part("", false, false).await.is_ok() {}
    })
    .await;
    talks_on(&mut other).await;
}

/// A server that knows its clients, and limits them.
async fn limited(settings: &[(&str, &str)]) -> Server {
    let settings: Vec<_> = settings.iter().copied().chain([TOKEN_MODE]).collect();
    Server::start_with(&Store::sqlite(), &settings).await
}

async fn connect(server: &Server, id: u64) -> Result<Client, Value> {
    let auth = json!({"token": token(&id.to_string(), None, SECRET)});
    Client::try_connect(server.port, Some(&auth)).await
}

async fn user(server: &Server, id: u64) -> Client {
    connect(server, id).await.unwrap()
}

/// What somebody else does over a budget is not the business of user 2.
async fn talks_on(user: &mut Client) {
    let text = draft(json!({"senderId": 2, "receiverId": 1}));
    user.ask_ok("send_message", text).await;
}

fn as_user(call: Call, id: u64) -> Call {
    let bearer = format!("Bearer {}", token(&id.to_string(), None, SECRET));
    call.header("Authorization", &bearer)
}

/// As [`as_user`], with a role that makes somebody of the user in every dialect.
fn as_teacher(call: Call, id: u64) -> Call {
    let token = token_with_role(&id.to_string(), "teacher", SECRET);
    call.header("Authorization", &format!("Bearer {token}"))
}

fn numbered(number: usize) -> Value {
    draft(json!({
        "content": format!("number {number}"),
        "clientMessageId": format!("client-id {number}"),
    }))
}

/// Sends again as soon as the answer says that it may.
async fn until_accepted(client: &mut Client, draft: &Value) -> Value {
    soon("an accepted event", async {
        loop {
            let answer = client.call("send_message", draft.clone()).await;
            match answer["error"]["retryAfterMs"].as_u64() {
                Some(wait_ms) => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
                None => return answer,
            }
        }
    })
    .await
}

fn wait_seconds(answer: &Answer) -> u64 {
    let wait = answer.header("retry-after");
    wait.and_then(|wait| wait.parse().ok()).unwrap_or_default()
}
