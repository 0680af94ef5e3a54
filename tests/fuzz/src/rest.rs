//! Whole REST calls to a server in this process: every call has an answer, and no fault is ours.
//!
//! An input is a request as it goes over the wire: method and target, headers, a blank line, a body.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde_json::Value;

use crate::answers::assert_error;
use crate::server::{Answer, Embedded, text};
use crate::{MAX_INPUT_BYTES, Target, first_line};

/// REST calls.
pub struct Rest {
    server: Embedded,
}

impl Target for Rest {
    fn start() -> Self {
        Self {
            server: Embedded::start(),
        }
    }

    fn run(&self, input: &[u8]) {
        let Some(request) = read(&input[..input.len().min(MAX_INPUT_BYTES)]) else {
            return;
        };
        let path = request.uri().path().to_owned();
        // Sockets are another target's.
        if !path.starts_with("/socket.io") && !request.headers().contains_key("upgrade") {
            assert_answer(&path, &self.server.call(request));
        }
    }
}

fn read(input: &[u8]) -> Option<Request<Body>> {
    let (line, mut rest) = first_line(input);
    let (method, target) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.parse::<Method>().ok()?;
    *request.uri_mut() = target.trim_end().parse::<Uri>().ok()?;
    let headers = request.headers_mut();
    loop {
        let (line, after) = first_line(rest);
        rest = after;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            break;
        };
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(name, value);
    }
    headers
        .entry(HOST)
        .or_insert(HeaderValue::from_static("localhost"));
    *request.body_mut() = Body::from(rest.to_vec());
    Some(request)
}

fn assert_answer(path: &str, answer: &Answer) {
    let (status, headers) = (answer.head.status, &answer.head.headers);
    assert!(!status.is_server_error(), "{path}: {status}");
    assert_eq!(text(headers, "x-content-type-options"), "nosniff");
    let is_json = text(headers, "content-type").starts_with("application/json");
    let has_body = !answer.body.is_empty();
    if !is_json || !has_body {
        return;
    }
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let is_refused = status.is_client_error();
    if path.starts_with("/api/v1/") && is_refused && status != StatusCode::FORBIDDEN {
        let says_so = !body["error"].is_null() || !body["message"].is_null();
        assert!(says_so, "{path}: {body}");
        if body["error"]["requestId"].is_string() {
            assert_error(&body["error"]);
        }
    }
}
