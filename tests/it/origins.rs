//! Pages of other origins: what they may not do, and whose cookies count.

use serde_json::json;

use crate::support::http::{Answer, Call};
use crate::support::polling::{PATH, Polling, upgrade};
use crate::support::provider::Provider;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};

const ALLOWED: &str = "https://app.example.com";
/// What looks like an allowed origin, or like none.
const FOREIGN: [&str; 17] = [
    "https://app.example.com.evil.test",
    "https://evil.test/https://app.example.com",
    "https://APP.example.com",
    "HTTPS://app.example.com",
    "http://app.example.com",
    "https://app.example.com:444",
    "https://app.example.com:443",
    "https://app.example.com/",
    "https://app.example.com.",
    "https://sub.app.example.com",
    "https://example.com",
    "https://appXexample.com",
    "https://app.example.com@evil.test",
    "https://app.example.com, https://evil.test",
    "app.example.com",
    "http://localhost:3000",
    "null",
];

#[tokio::test]
async fn a_socket_is_opened_by_allowed_origins_and_by_programs_only() {
    let server = in_token_mode().await;
    for origin in FOREIGN {
        for call in [Call::get(PATH), upgrade(None)] {
            let answer = call.header("Origin", origin).send(server.port).await;
            assert_forbidden(&answer, origin);
        }
    }
    for (call, status) in [(Call::get(PATH), 200), (upgrade(None), 101)] {
        let answer = call.header("Origin", ALLOWED).send(server.port).await;
        assert_eq!(answer.status, status);
    }
    for (call, status) in [(Call::get(PATH), 200), (upgrade(None), 101)] {
        assert_eq!(
            call.send(server.port).await.status,
            status,
            "without an origin"
        );
    }
    for call in [Call::get(PATH), upgrade(None)] {
        let call = call.header("Sec-Fetch-Site", "cross-site");
        assert_forbidden(&call.send(server.port).await, "another site");
    }
}

#[tokio::test]
async fn a_session_is_used_by_allowed_origins_only() {
    let server = Server::start_with(&Store::sqlite(), &[("FRONTEND_URL", ALLOWED)]).await;
    let session = Polling::open(server.port).await;
    let path = format!("{PATH}&sid={}", session.secret);
    let foreign = FOREIGN
        .into_iter()
        .filter(|origin| !origin.contains("localhost"));
    for origin in foreign {
        let post = Call::new("POST", &path)
            .header("Content-Type", "text/plain")
            .body(r#"421["join_conversation",41]"#);
        for call in [Call::get(&path), post, upgrade(Some(&session.secret))] {
            let answer = call.header("Origin", origin).send(server.port).await;
            assert_forbidden(&answer, origin);
        }
    }
    session.say(r#"422["join_conversation",42]"#).await;
    let answer = r#"432[{"ok":true,"conversationId":42}]"#;
    assert_eq!(
        session.hear().await,
        [answer],
        "only its own event was handled"
    );
}

#[tokio::test]
async fn preflights_open_nothing_to_other_origins() {
    let server = in_token_mode().await;
    for (origin, is_allowed) in FOREIGN
        .map(|origin| (origin, false))
        .into_iter()
        .chain([(ALLOWED, true)])
    {
        for path in [
            "/api/messages",
            "/api/v1/conversations",
            "/uploads/x",
            "/nowhere",
            PATH,
        ] {
            let answer = Call::new("OPTIONS", path)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "PUT")
                .send(server.port)
                .await;
            assert_eq!(answer.status, 204, "{origin} {path}");
            let echoed = answer.header("access-control-allow-origin");
            assert_eq!(echoed, is_allowed.then_some(ALLOWED), "{origin} {path}");
            for name in [
                "access-control-allow-credentials",
                "access-control-allow-methods",
            ] {
                assert_eq!(
                    answer.header(name).is_some(),
                    is_allowed,
                    "{origin} {path} {name}"
                );
            }
            assert!(
                answer.headers.iter().all(|(_, value)| value != "*"),
                "{origin} {path}"
            );
            let mut vary = answer.headers.iter().filter(|(name, _)| name == "vary");
            assert!(
                vary.any(|(_, value)| value.contains("Origin")),
                "{origin} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let server = in_token_mode().await;
    let cookie = format!("auth-token={}", token("1", None, SECRET));
    let marks = [
        ("Origin", "https://evil.test"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    for (name, value) in marks {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            for (method, path) in [
                ("POST", "/api/messages"),
                ("POST", "/api/messages/send"),
                ("PUT", "/api/messages"),
                ("POST", PATH),
            ] {
                let call = Call::new(method, path)
                    .header("Content-Type", kind)
                    .header("Cookie", &cookie)
                    .header(name, value)
                    .body(r#"{"senderId":1,"receiverId":2,"content":"hi"}"#);
                let answer = call.send(server.port).await;
                assert_eq!(
                    answer.status,
                    403,
                    "{name}: {value} {kind} {path}: {}",
                    answer.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn cookies_count_unless_a_page_of_another_site_asks() {
    let app = Provider::start(200, &json!({"user": {"id": "7"}})).await;
    let settings = [
        ("AUTH_SESSION_URL", app.url.as_str()),
        ("FRONTEND_URL", ALLOWED),
        ("JWT_SECRET", SECRET),
        ("DIALECT", "school"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    for (marks, status) in [
        (vec![], 200),
        (vec![("Origin", ALLOWED)], 200),
        (
            vec![("Origin", ALLOWED), ("Sec-Fetch-Site", "cross-site")],
            200,
        ),
        (vec![("Sec-Fetch-Site", "same-origin")], 200),
        (vec![("Sec-Fetch-Site", "same-site")], 200),
        (vec![("Sec-Fetch-Site", "none")], 200),
        (vec![("Sec-Fetch-Site", "cross-site")], 401),
        (vec![("Origin", "https://evil.test")], 401),
        (
            vec![
                ("Origin", "https://evil.test"),
                ("Sec-Fetch-Site", "same-origin"),
            ],
            401,
        ),
        (vec![("Origin", "null")], 401),
    ] {
        let call = Call::get("/api/v1/users/me").header("X-Sohbet-Dialect", "native");
        let call = call.header("Cookie", "session=ada");
        let call = marks
            .iter()
            .fold(call, |call, (name, value)| call.header(name, value));
        let answer = call.send(server.port).await;
        assert_eq!(answer.status, status, "{marks:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_post_with_a_cookie_counts_unless_a_page_of_another_site_sends_it() {
    let app = Provider::start(200, &json!({"user": {"id": "7"}})).await;
    let settings = [
        ("AUTH_SESSION_URL", app.url.as_str()),
        ("FRONTEND_URL", ALLOWED),
        ("DIALECT", "messaging"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let body = json!({"senderId": 7, "receiverId": 2, "content": "hi"});
    for (mark, is_accepted) in [
        // A program, or a page of our own.
        (None, true),
        (Some(("Sec-Fetch-Site", "same-origin")), true),
        (Some(("Origin", ALLOWED)), true),
        (Some(("Sec-Fetch-Site", "cross-site")), false),
        (Some(("Origin", "https://evil.test")), false),
    ] {
        let call = Call::post("/api/messages", &body).header("Cookie", "session=ada");
        let call = match mark {
            Some((name, value)) => call.header(name, value),
            None => call,
        };
        let answer = call.send(server.port).await;
        let is_good = (200..300).contains(&answer.status);
        assert_eq!(is_good, is_accepted, "{mark:?}: {}", answer.text());
        assert!(is_good || answer.status == 403, "{mark:?}");
    }
}

#[tokio::test]
async fn a_plain_page_is_no_page_of_a_server_that_is_reached_encrypted() {
    let https = Some(("X-Forwarded-Proto", "https"));
    for (settings, forwarded, plain) in [
        (vec![], None, 200),
        // Anybody can write that header.
        (vec![], https, 200),
        (vec![("TRUSTED_PROXIES", "127.0.0.1")], https, 403),
        (vec![("TRUSTED_PROXIES", "127.0.0.1")], None, 200),
        (vec![("PUBLIC_URL", "https://localhost")], None, 403),
        (vec![("PUBLIC_URL", "https://chat.example.com")], None, 200),
        (vec![("FRONTEND_URL", "https://localhost")], None, 403),
    ] {
        let settings = [settings.as_slice(), &[("JWT_SECRET", SECRET)]].concat();
        let server = Server::start_with(&Store::sqlite(), &settings).await;
        for (origin, status) in [("http://localhost", plain), ("https://localhost", 200)] {
            let call = Call::get(PATH).header("Origin", origin);
            let call = match forwarded {
                Some((name, value)) => call.header(name, value),
                None => call,
            };
            let answer = call.send(server.port).await;
            assert_eq!(answer.status, status, "{settings:?} {forwarded:?} {origin}");
        }
    }
}

/// No origin of this machine is allowed by itself.
async fn in_token_mode() -> Server {
    let settings = [("FRONTEND_URL", ALLOWED), ("JWT_SECRET", SECRET)];
    Server::start_with(&Store::sqlite(), &settings).await
}

fn assert_forbidden(answer: &Answer, origin: &str) {
    assert_eq!(answer.status, 403, "{origin}: {}", answer.text());
    assert_eq!(
        answer.header("access-control-allow-origin"),
        None,
        "{origin}"
    );
    assert_eq!(
        answer.json(),
        json!({"code": 4, "message": "Forbidden"}),
        "{origin}"
    );
}
