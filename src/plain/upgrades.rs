//! The handshake of a WebSocket (RFC 6455, section 4.2).

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Uri};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Body;

/// The one version that there is.
const VERSION: &str = "13";

/// Whether a request asks for a WebSocket.
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET && has(request.headers(), &UPGRADE, "websocket")
}

/// The answer that completes the handshake; `None` for a request that does not follow the rules.
pub fn accept(headers: &HeaderMap) -> Option<Response<Body>> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let follows =
        has(headers, &CONNECTION, "upgrade") && has(headers, &SEC_WEBSOCKET_VERSION, VERSION);
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

/// A parameter of the query.
pub fn query(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    let (_, value) = pairs.find(|(key, _)| key == name)?;
    Some(value.into_owned()).filter(|value| !value.is_empty())
}

/// Whether one of the words in a header is that one, in any case.
fn has(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter();
    let mut words = lists.filter_map(|list| list.to_str().ok());
    words.any(|list| {
        let mut words = list.split(',');
        words.any(|other| other.trim().eq_ignore_ascii_case(word))
    })
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
