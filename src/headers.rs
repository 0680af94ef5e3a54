//! What is read off the head of a request, the same on every surface.

use http::header::{HeaderMap, HeaderName, UPGRADE};
use http::uri::Uri;

/// Whether a WebSocket is asked for. Who lets sockets in and who keeps foreign pages out must agree
/// on it, so both ask here.
pub fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_word(headers, &UPGRADE, "websocket")
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
}
