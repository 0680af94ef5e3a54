//! The handshake of a WebSocket (RFC 6455, section 4.2).

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Body;
use crate::headers::{asks_for_websocket, has_word};

/// The one version that there is.
const VERSION: &str = "13";

/// Whether a request begins the handshake.
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET && asks_for_websocket(request.headers())
}

/// The answer that completes the handshake; `None` for a request that does not follow the rules.
pub fn accept(headers: &HeaderMap) -> Option<Response<Body>> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let follows = has_word(headers, &CONNECTION, "upgrade")
        && has_word(headers, &SEC_WEBSOCKET_VERSION, VERSION);
    let accepted = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()?;
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accepted),
    ];
    response.headers_mut().extend(fields);
    follows.then_some(response)
}

/// `{"error":"..."}`, as the REST of the dialect has it.
pub fn refuse(status: StatusCode, error: &str) -> Response<Body> {
    let body = serde_json::json!({ "error": error }).to_string();
    let mut response = Response::new(Body::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, value) in fields {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }
        request
    }

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        // Key and answer of the example in RFC 6455, section 1.3.
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn a_good_handshake_is_completed() {
        let request = request(&GOOD);
        assert!(is_upgrade(&request));
        let response = accept(request.headers()).unwrap();
        assert_eq!(
            response.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn nothing_may_be_missing() {
        for missing in ["connection", "sec-websocket-version", "sec-websocket-key"] {
            let mut request = request(&GOOD);
            request.headers_mut().remove(missing);
            assert!(accept(request.headers()).is_none(), "{missing}");
        }
        let mut posted = request(&GOOD);
        *posted.method_mut() = Method::POST;
        assert!(!is_upgrade(&posted));
        assert!(!is_upgrade(&request(&[("upgrade", "h2c")])));
    }
}
