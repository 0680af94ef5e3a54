//! Origins of front ends, in the form in which a browser sends them.

use url::{Host, Url};

use super::reader::list;

/// A comma list of addresses. Path and trailing slash are cut, default ports left out.
pub(super) fn parse(text: &str) -> Result<Vec<String>, String> {
    list(text).map(origin).collect()
}

/// Scheme, host and port of an address as a browser's `Origin` header has them.
fn origin(text: &str) -> Result<String, String> {
    if text.contains('*') {
        return Err("* cannot go with cookies and tokens; write each origin in full, with commas between, such as http://localhost:3000".to_owned());
    }
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Ok(url) if url.has_host() => {
            return Err("write an address that begins with http:// or https://".to_owned());
        }
        _ => {
            return Err(format!(
                "the scheme is missing; write http://{text} or https://{text}"
            ));
        }
    };
    match url.host() {
        Some(Host::Ipv4(address)) if address.is_unspecified() => {
            Err("0.0.0.0 is no address that a browser shows; write what stands in its address line, such as http://localhost:3000".to_owned())
        }
        Some(_) => Ok(url.origin().ascii_serialization()),
        None => Err("write an address such as http://localhost:3000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_what_a_browser_sends() {
        let given = "HTTP://LocalHost:3000/app/, https://chat.example:443 ,https://chat.example:8443/,http://[::1]:80,";
        assert_eq!(
            parse(given).unwrap(),
            [
                "http://localhost:3000",
                "https://chat.example",
                "https://chat.example:8443",
                "http://[::1]"
            ]
        );
    }

    #[test]
    fn what_is_no_origin_is_refused_with_the_remedy() {
        assert!(parse("*").unwrap_err().contains("in full"));
        assert!(
            parse("https://*.example.com")
                .unwrap_err()
                .contains("in full")
        );
        assert!(
            parse("localhost:3000")
                .unwrap_err()
                .contains("http://localhost:3000")
        );
        assert!(
            parse("chat.example")
                .unwrap_err()
                .contains("https://chat.example")
        );
        assert!(
            parse("ftp://chat.example")
                .unwrap_err()
                .contains("begins with")
        );
    }
}
