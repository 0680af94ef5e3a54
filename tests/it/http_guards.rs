//! Requests that nobody sends by mistake, and what every answer says of itself.

use std::net::Ipv4Addr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::forms;
use crate::support::http::Call;
use crate::support::polling::{PATH, upgrade};
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;
use crate::support::tokens::{SECRET, token};

#[tokio::test]
async fn a_request_that_two_servers_would_read_differently_is_refused() {
    let server = Server::start(&Store::sqlite()).await;
    let head =
        "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    // What a second request would look like that is hidden in the first.
    let hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (what, fields) in [
        ("two lengths", "Content-Length: 5\r\nContent-Length: 0\r\n"),
        ("two lengths in one", "Content-Length: 5, 0\r\n"),
        ("a length with a sign", "Content-Length: +5\r\n"),
        ("a length that is none", "Content-Length: 0x5\r\n"),
        ("a coding that is none", "Transfer-Encoding: xchunked\r\n"),
        ("a folded line", "X-A: b\r\n c\r\nContent-Length: 0\r\n"),
        ("a space before the colon", "Content-Length : 5\r\n"),
        ("a line feed in a name", "X\nA: b\r\nContent-Length : 0\r\n"),
        ("a NUL", "X-A: b\0c\r\n"),
    ] {
        let answer = raw(&server, &format!("{head}{fields}\r\n{hidden}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{what}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{what}: {answer}");
    }
    // The coding wins over the length, and then the connection is not used again.
    let both =
        format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}");
    let answer = raw(&server, &both).await;
    assert!(!answer.contains("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start_with(&Store::sqlite(), &[("HEADER_TIMEOUT_MS", "500")]).await;
    let many: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(1_048_576));
    for fields in [many, long] {
        let answer = raw(
            &server,
            &format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"),
        )
        .await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
            "{answer}"
        );
    }
    let path = "a".repeat(100_000);
    let answer = raw(
        &server,
        &format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    )
    .await;
    assert!(!answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = raw(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert_eq!(Call::get("/healthz").send(server.port).await.status, 200);
}

#[tokio::test]
async fn a_websocket_is_opened_as_the_protocol_says_or_not_at_all() {
    let server = Server::start(&Store::sqlite()).await;
    let path = "/socket.io/?EIO=4&transport=websocket";
    let fields = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let open = |path: &str, missing: &str, other: Option<(&str, &str)>| {
        let kept = fields.into_iter().filter(|(name, _)| *name != missing);
        kept.chain(other)
            .fold(Call::get(path), |call, (name, value)| {
                call.header(name, value)
            })
    };
    for path in [path, "/ws"] {
        assert_ne!(
            open(path, "", None).send(server.port).await.status,
            400,
            "{path}"
        );
        for (missing, other) in [
            ("Upgrade", None),
            ("Sec-WebSocket-Key", None),
            ("Sec-WebSocket-Version", None),
            (
                "Sec-WebSocket-Version",
                Some(("Sec-WebSocket-Version", "8")),
            ),
            ("Upgrade", Some(("Upgrade", "h2c"))),
        ] {
            let status = open(path, missing, other).send(server.port).await.status;
            assert!(
                (400..500).contains(&status),
                "{path} {missing} {other:?}: {status}"
            );
        }
    }
    let answer = upgrade(None)
        .header(
            "Sec-WebSocket-Extensions",
            "permessage-deflate; client_max_window_bits",
        )
        .send(server.port)
        .await;
    assert_eq!(answer.status, 101);
    assert_eq!(
        answer.header("sec-websocket-extensions"),
        None,
        "no compression is agreed on"
    );
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let server = Server::start_with(&Store::sqlite(), &[("MAX_UPLOAD_BYTES", "1000")]).await;
    let html = || Call::get("/").header("Accept", "text/html");
    let calls = [
        Call::get("/"),
        html(),
        Call::get("/health"),
        Call::get("/nowhere"),
        Call::get("/api/messages?conversationId=1"),
        Call::get("/api/v1/users/me"),
        Call::get("/chats"),
        Call::new("DELETE", "/health"),
        Call::get(PATH),
        Call::get("/socket.io/?EIO=4&transport=polling&sid=x"),
        Call::get(PATH).header("Origin", "https://evil.test"),
        Call::new("OPTIONS", "/api/messages")
            .header("Access-Control-Request-Method", "PUT")
            .header("Origin", "https://x.test"),
        Call::post("/api/messages", &json!({})),
    ];
    for call in calls {
        let answer = call.send(server.port).await;
        let header = |name| answer.header(name).unwrap_or_default();
        let text = answer.text();
        assert_eq!(header("x-content-type-options"), "nosniff", "{text}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{text}");
        assert!(
            header("content-security-policy").contains("frame-ancestors 'none'"),
            "{text}"
        );
        assert!(
            header("content-security-policy").starts_with("default-src 'none'"),
            "{text}"
        );
        assert_eq!(
            header("cross-origin-resource-policy"),
            "same-origin",
            "{text}"
        );
        assert_eq!(
            header("cross-origin-opener-policy"),
            "same-origin",
            "{text}"
        );
        assert_eq!(header("cache-control"), "no-store", "{text}");
        assert_eq!(
            header("strict-transport-security"),
            "",
            "whoever has the certificate says that"
        );
    }
    // A file is shown by pages of other origins, and kept.
    let url = forms::upload_picture(&server, 100).await;
    let answer = Call::get(&url).send(server.port).await;
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        Some("cross-origin")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .ends_with("sandbox")
    );
    assert!(answer.header("cache-control").unwrap().contains("max-age"));
}

#[tokio::test]
async fn what_is_for_administrators_is_for_nobody_else() {
    let server = Server::start_with(&Store::sqlite(), &[("JWT_SECRET", SECRET)]).await;
    let bearer = format!("Bearer {}", token("7", None, SECRET));
    for (method, path) in [
        ("GET", "/api/v1/admin/sessions"),
        ("GET", "/api/v1/admin/rooms"),
        ("POST", "/api/v1/admin/users/7/sign-out"),
    ] {
        let nobody = Call::new(method, path).send(server.port).await;
        assert_eq!(nobody.status, 401, "{path}");
        let user = Call::new(method, path).header("Authorization", &bearer);
        assert_eq!(user.send(server.port).await.status, 403, "{path}");
    }
    for path in [
        "/admin",
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/status",
        "/console",
        "/socket.io-admin",
        "/actuator",
        "/.git/config",
        "/config",
    ] {
        let answer = Call::get(path)
            .header("Authorization", &bearer)
            .send(server.port)
            .await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    // A namespace for administration is the door that `@socket.io/admin-ui` uses.
    let mut wire = crate::support::wire::Wire::open(server.port).await;
    wire.say(r#"40/admin,{"username":"admin","password":"admin"}"#)
        .await;
    let heard = wire.hear().await.unwrap_or_default();
    assert!(heard.starts_with("44/admin,"), "{heard}");
}

#[tokio::test]
async fn a_name_that_is_not_of_this_machine_reaches_no_development_mode() {
    let store = Store::sqlite();
    let settings = [("FRONTEND_URL", "http://app.test:3000")];
    let mut server = Server::start_with(&store, &settings).await;
    let as_host =
        |host: &str| format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:3001", 200),
        ("app.test:3001", 200),
        ("evil.test:3001", 403),
    ] {
        let answer = raw(&server, &as_host(host)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{host}: {answer}"
        );
    }
    server.stop().await;
    let server = Server::start_with(&store, &[("JWT_SECRET", SECRET)]).await;
    let answer = raw(&server, &as_host("chat.example.com")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Sends bytes, and takes what comes until the connection ends.
async fn raw(server: &Server, bytes: &str) -> String {
    let address = (Ipv4Addr::LOCALHOST, server.port);
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may end the connection before it has read everything.
    let _ = stream.write_all(bytes.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = soon("the end of the connection", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
