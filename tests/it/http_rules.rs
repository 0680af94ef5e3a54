//! What holds for every HTTP request, whatever it asks for.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{Answer, Call};
use crate::support::polling;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};

const ALLOWED: &str = "https://chat.example.com";
const PATHS: [&str; 4] = [
    "/health",
    "/api/messages?conversationId=1",
    "/nowhere",
    polling::PATH,
];

#[tokio::test]
async fn a_request_head_that_does_not_arrive_ends_the_connection() {
    let server = Server::start_with(&Store::sqlite(), &[("HEADER_TIMEOUT_MS", "500")]).await;
    for half in [
        "",
        "GET /health HT",
        "GET /health HTTP/1.1\r\nHost: localhost\r\n",
    ] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))
            .await
            .unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The end may come as a reset.
        let _ = soon("the end of the connection", stream.read_to_end(&mut answer)).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{half:?}");
    }
    assert_eq!(Call::get("/health").send(server.port).await.status, 200);
}

#[tokio::test]
async fn an_allowed_origin_is_echoed_with_credentials() {
    let server = on_allowed_origin().await;
    for path in PATHS {
        let answer = Call::get(path)
            .header("Origin", ALLOWED)
            .send(server.port)
            .await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(ALLOWED),
            "{path}"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true"),
            "{path}"
        );
        assert!(varies_with_origin(&answer), "{path}");
    }
}

#[tokio::test]
async fn any_other_origin_is_not() {
    let server = on_allowed_origin().await;
    let others = [
        "https://chat.example.com.evil.test",
        "http://chat.example.com",
        "https://chat.example.com:444",
        "http://localhost:3000",
        "null",
    ];
    for origin in others {
        for path in PATHS {
            let answer = Call::get(path)
                .header("Origin", origin)
                .send(server.port)
                .await;
            assert_eq!(
                answer.header("access-control-allow-origin"),
                None,
                "{origin} {path}"
            );
            assert_eq!(
                answer.header("access-control-allow-credentials"),
                None,
                "{origin}"
            );
            assert!(varies_with_origin(&answer), "{path}");
        }
        let answer = preflight(server.port, "/api/messages", origin).await;
        assert_eq!(answer.status, 204);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_page_of_any_other_origin_cannot_do_anything() {
    let server = on_allowed_origin().await;
    let acts = || {
        let text = json!({"senderId": 1, "receiverId": 2, "content": "hi"});
        [
            Call::post("/api/messages", &text),
            Call::get(polling::PATH),
            polling::upgrade(None),
        ]
    };
    for act in acts() {
        let answer = act
            .header("Origin", "https://evil.test")
            .send(server.port)
            .await;
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    for act in acts() {
        let answer = act.header("Origin", ALLOWED).send(server.port).await;
        assert!(
            [101, 200, 401].contains(&answer.status),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_every_path() {
    let server = on_allowed_origin().await;
    for path in PATHS {
        let answer = preflight(server.port, path, ALLOWED).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(ALLOWED));
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true")
        );
        assert!(
            answer
                .header("access-control-allow-methods")
                .unwrap()
                .contains("PUT")
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization,x-test")
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_right_ones() {
    let server = Server::start(&Store::sqlite()).await;
    let wrong = [
        ("PATCH", "/api/messages", ["GET", "POST", "PUT"].as_slice()),
        ("DELETE", "/api/messages/conversations", &["GET"]),
        ("GET", "/api/upload", &["POST"]),
        ("POST", "/health", &["GET"]),
        ("POST", "/", &["GET"]),
    ];
    for (method, path, right) in wrong {
        let answer = Call::new(method, path).send(server.port).await;
        assert_refused(&answer, 405, "Method Not Allowed");
        let allow = answer.header("allow").unwrap_or_default();
        assert!(
            right.iter().all(|method| allow.contains(method)),
            "{path}: {allow}"
        );
    }
}

#[tokio::test]
async fn every_refusal_is_json() {
    let server = Server::start(&Store::sqlite()).await;
    let json_type = ("Content-Type", "application/json");
    let post = |body: &str| {
        Call::new("POST", "/api/messages")
            .header(json_type.0, json_type.1)
            .body(body)
    };
    for path in [
        "/nowhere",
        "/api",
        "/api/messages/",
        "//",
        "/uploads/nothing",
        "/%00",
        "/.env",
    ] {
        assert_refused(&Call::get(path).send(server.port).await, 404, "Not Found");
    }
    for body in ["{", "[1", "nothing", "\u{0}", "{\"a\":1}x"] {
        assert_refused(&post(body).send(server.port).await, 400, "Invalid JSON");
    }
    let answer = post(&"x".repeat(1_000_001)).send(server.port).await;
    assert_refused(&answer, 413, "Payload too large");
    let long = json!({"senderId": 1, "receiverId": 2, "content": "x".repeat(65_537)});
    assert_refused(
        &post(&long.to_string()).send(server.port).await,
        413,
        "Message is too long",
    );
    let form = post("--x")
        .header("Content-Type", "multipart/form-data")
        .send(server.port)
        .await;
    assert_eq!(form.status, 400);
}

#[tokio::test]
async fn health_and_readiness_answer_programs() {
    let server = Server::start(&Store::sqlite()).await;
    let health = Call::get("/health").send(server.port).await;
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["ok"], true);
    assert!(health.json()["uptime"].is_number());
    for path in ["/healthz", "/readyz"] {
        let answer = Call::get(path).send(server.port).await;
        assert_eq!(
            (answer.status, &answer.json()["ok"]),
            (200, &Value::Bool(true)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_root_is_a_page_for_browsers_and_json_for_programs() {
    let server = Server::start(&Store::sqlite()).await;
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = Call::get("/")
        .header("Accept", accept)
        .send(server.port)
        .await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.text().contains("Sohbet"));
    for accept in ["*/*", "application/json", ""] {
        let answer = Call::get("/")
            .header("Accept", accept)
            .send(server.port)
            .await;
        assert_eq!(
            (answer.status, &answer.json()["ok"]),
            (200, &Value::Bool(true))
        );
        assert!(answer.json()["uptime"].is_number());
    }
}

/// Token mode, in which no local origin is allowed by itself.
async fn on_allowed_origin() -> Server {
    let settings = [
        ("FRONTEND_URL", "https://chat.example.com/path/"),
        ("JWT_SECRET", SECRET),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let bearer = format!("Bearer {}", token("1", None, SECRET));
    let me = Call::get("/api/user/me")
        .header("Authorization", &bearer)
        .send(server.port)
        .await;
    assert_eq!(me.status, 200, "{}", me.text());
    server
}

async fn preflight(port: u16, path: &str, origin: &str) -> Answer {
    Call::new("OPTIONS", path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "authorization,x-test")
        .send(port)
        .await
}

fn varies_with_origin(answer: &Answer) -> bool {
    let mut vary = answer.headers.iter().filter(|(name, _)| name == "vary");
    vary.any(|(_, value)| value.to_ascii_lowercase().contains("origin"))
}

fn assert_refused(answer: &Answer, status: u16, message: &str) {
    let body = json!({"success": false, "message": message});
    assert_eq!((answer.status, answer.json()), (status, body));
}
