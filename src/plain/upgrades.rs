//! The handshake of a WebSocket (RFC 6455, section 4.2).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::Body;
use crate::headers::asks_for_websocket;

/// Whether a request begins the handshake.
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET && asks_for_websocket(request.headers())
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
    use http::header::UPGRADE;

    use super::*;

    #[test]
    fn only_a_get_begins_the_handshake() {
        let mut request = Request::new(());
        assert!(!is_upgrade(&request));
        let headers = request.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("h2c"));
        assert!(!is_upgrade(&request));
        let headers = request.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
        assert!(is_upgrade(&request));
        *request.method_mut() = Method::POST;
        assert!(!is_upgrade(&request));
    }
}
