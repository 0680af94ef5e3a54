//! What is read off the head of a request, the same on every surface.

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::uri::Uri;
use http::{Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The one version of WebSockets that there is.
const VERSION: &str = "13";

/// Whether a WebSocket is asked for. Who lets sockets in and who keeps foreign pages out must agree
/// on it, so both ask here.
pub fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_word(headers, &UPGRADE, "websocket")
}

/// The answer that completes the handshake of a WebSocket (RFC 6455, section 4.2); `None` for a request
/// that does not follow the rules.
pub fn accept_websocket(headers: &HeaderMap) -> Option<Response<()>> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let follows = has_word(headers, &CONNECTION, "upgrade") && has_version(headers);
    let accepted = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accepted),
    ];
    response.headers_mut().extend(fields);
    follows.then_some(response)
}

/// Whether a request for a WebSocket names the version that there is.
pub fn has_version(headers: &HeaderMap) -> bool {
    has_word(headers, &SEC_WEBSOCKET_VERSION, VERSION)
}

/// Whether one of the words in a header is that one, in any case and in any of its lines.
pub fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter();
    let mut words = lists.filter_map(|list| list.to_str().ok());
    words.any(|list| {
        let mut words = list.split(',');
        words.any(|other| other.trim().eq_ignore_ascii_case(word))
    })
}

/// A parameter of the query; an empty one counts as absent.
pub fn query(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    let (_, value) = pairs.find(|(key, _)| key == name)?;
    Some(value.into_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_is_asked_for_in_any_line_and_any_case() {
        let asks = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(UPGRADE, line.parse().unwrap());
            }
            asks_for_websocket(&headers)
        };
        assert!(asks(&["websocket"]));
        assert!(asks(&["h2c, WebSocket"]));
        assert!(asks(&["x", "websocket"]));
        assert!(!asks(&[]));
        assert!(!asks(&["websockets"]));
    }

    /// The handshake that RFC 6455 has as an example, section 1.3.
    fn handshake() -> HeaderMap {
        let fields = [
            (UPGRADE, "WebSocket"),
            (CONNECTION, "keep-alive, Upgrade"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let fields = fields.map(|(name, value)| (name, HeaderValue::from_static(value)));
        fields.into_iter().collect()
    }

    #[test]
    fn a_good_handshake_is_completed() {
        let response = accept_websocket(&handshake()).unwrap();
        assert_eq!(
            response.headers()[SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn nothing_of_a_handshake_may_be_missing() {
        for missing in [CONNECTION, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_KEY] {
            let mut headers = handshake();
            headers.remove(&missing);
            assert!(accept_websocket(&headers).is_none(), "{missing}");
        }
    }
}
