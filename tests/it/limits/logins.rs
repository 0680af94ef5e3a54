//! Who guesses is stopped wherever a token may stand; who may not do something is not taken for a guesser.

use serde_json::{Value, json};

use super::{as_teacher, limited, user, wait_seconds};
use crate::support::client::Client;
use crate::support::http::Call;
use crate::support::polling;
use crate::support::provider::Provider;
use crate::support::soon;
use crate::support::tokens::{SECRET, token};

/// Three failures of an address, and one more in a second.
const FEW: (&str, &str) = ("LIMIT_FAILED_LOGINS", "1/3");
/// More than that.
const GUESSES: usize = 6;

#[tokio::test]
async fn guesses_in_a_body_are_counted_and_no_longer_looked_at() {
    let server = limited(&[FEW, ("DIALECT", "chatsphere")]).await;
    let make_room = async |token: &str| {
        let body = json!({"token": token, "name": "room", "userId": "1"});
        Call::post("/api/rooms", &body).send(server.port).await
    };
    let mut statuses = Vec::new();
    for _ in 0..GUESSES {
        statuses.push(make_room("a guess").await.status);
    }
    assert_eq!(statuses[..3], [401; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
    // A good one has to wait as well, which shows that nothing is looked up, and so has a handshake.
    let good = token("1", None, SECRET);
    let refused = soon("a wait", async {
        loop {
            make_room("a guess").await;
            let refused = make_room(&good).await;
            let handshake = polling::upgrade(None).send(server.port).await;
            if (refused.status, handshake.status) == (429, 429) {
                return refused;
            }
        }
    })
    .await;
    assert!(wait_seconds(&refused) >= 1 && refused.json()["error"].is_string());
}

#[tokio::test]
async fn bad_tokens_on_an_open_socket_are_counted_and_ask_nobody_any_more() {
    let app = Provider::start(200, &json!(null)).await;
    let settings = [
        FEW,
        ("DIALECT", "native"),
        ("AUTH_SESSION_URL", app.url.as_str()),
        ("AUTH_SESSION_CACHE_S", "0"),
    ];
    let server = limited(&settings).await;
    let mut client = user(&server, 1).await;
    let mut codes = Vec::new();
    for number in 0..GUESSES {
        let refused = refresh(&mut client, &format!("guess {number}")).await;
        codes.push(refused["error"]["code"].as_str().unwrap().to_owned());
    }
    assert_eq!(codes[..3], ["UNAUTHENTICATED"; 3]);
    assert!(codes.contains(&"RATE_LIMITED".to_owned()), "{codes:?}");
    let good = token("1", None, SECRET);
    soon("a wait", async {
        loop {
            let n_asked = app.asked().len();
            let guessed = refresh(&mut client, "a guess").await;
            let refused = refresh(&mut client, &good).await;
            if [&guessed, &refused].map(|answer| &answer["error"]["code"]) == ["RATE_LIMITED"; 2] {
                assert!(refused["error"]["retryAfterMs"].as_u64() > Some(0));
                assert_eq!(app.asked().len(), n_asked, "the application was asked");
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_good_login_that_may_not_do_something_is_no_failed_login() {
    let server = limited(&[FEW, ("DIALECT", "school")]).await;
    let mut statuses = Vec::new();
    for _ in 0..GUESSES {
        for path in [
            "/api/messages/student?teacherId=1&studentId=2",
            "/api/messages/teacher?teacherId=9&studentId=2",
        ] {
            let call = as_teacher(Call::get(path), 1);
            statuses.push(call.send(server.port).await.status);
        }
    }
    assert_eq!(statuses, [401; 2 * GUESSES], "these are only forbidden");
    let own = as_teacher(Call::get("/api/messages/unread-count"), 1);
    assert_eq!(own.send(server.port).await.status, 200);
}

#[tokio::test]
async fn guesses_count_where_an_answer_is_never_an_error() {
    let server = limited(&[FEW, ("DIALECT", "school")]).await;
    let mut statuses = Vec::new();
    for _ in 0..GUESSES {
        let path = "/api/debug/messages?teacherId=1&studentId=2";
        let call = Call::get(path).header("Authorization", "Bearer a guess");
        statuses.push(call.send(server.port).await.status);
    }
    assert_eq!(statuses[..3], [200; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

async fn refresh(client: &mut Client, token: &str) -> Value {
    client.call("auth_refresh", json!({ "token": token })).await
}
