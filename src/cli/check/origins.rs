//! Will browsers reach the server from the pages they come from?

use url::Url;

use super::{Finding, place};
use crate::config::{Settings, table};

/// Looks at the allowed origins and at the addresses that front ends are told.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let origins: Vec<Url> = settings
        .http
        .origins
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let place = place(settings, &table::FRONTEND_URL);
    let mut findings = allowed(&origins, settings.port, settings.is_development(), &place);
    for (name, text) in &settings.front_end {
        findings.extend(told(name, text, settings.port, &origins));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("origins", settings.http.origins.join(", ")));
    }
    findings
}

fn allowed(origins: &[Url], port: u16, is_development: bool, place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for own in origins
        .iter()
        .filter(|url| is_local(url) && port_of(url) == port)
    {
        let cause = format!(
            "{} is this server's own address, not the front end's",
            shown(own)
        );
        findings.push(Finding::warn(
            "origins",
            cause,
            format!(
                "{place} to what the browser's address line shows, such as http://localhost:3000"
            ),
        ));
    }
    let public: Vec<&Url> = origins.iter().filter(|url| !is_local(url)).collect();
    if public.iter().any(|url| url.scheme() == "https") {
        for plain in public.iter().filter(|url| url.scheme() == "http") {
            let cause = format!(
                "{} is http while other front ends are https; a browser's https page would be refused",
                shown(plain)
            );
            findings.push(Finding::warn(
                "origins",
                cause,
                format!(
                    "{place} to https://{}",
                    plain.host_str().unwrap_or_default()
                ),
            ));
        }
    }
    if public.is_empty() && !is_development {
        let cause = "only pages on this machine are allowed, although JWT_SECRET is set";
        findings.push(Finding::warn(
            "origins",
            cause,
            format!("{place} to the address of the site, such as https://chat.example.com"),
        ));
    }
    findings
}

/// What a front end is told must be where the server is.
fn told(name: &str, text: &str, port: u16, origins: &[Url]) -> Option<Finding> {
    let warn = |cause: String, remedy: String| Some(Finding::warn("frontend", cause, remedy));
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        _ => {
            let cause = format!("{name} has no scheme");
            return warn(cause, format!("{name}=http://localhost:{port}"));
        }
    };
    if !url.path().trim_matches('/').is_empty() {
        let cause = format!("{name} has a path, which socket.io-client takes for a namespace");
        return warn(
            cause,
            format!("{name}={}", url.origin().ascii_serialization()),
        );
    }
    if is_local(&url) && port != 0 && port_of(&url) != port {
        let cause = format!(
            "{name} points to port {}, the server listens on {port}",
            port_of(&url)
        );
        return warn(
            cause,
            format!(
                "SOCKET_PORT={}, or {name}={}://localhost:{port}",
                port_of(&url),
                url.scheme()
            ),
        );
    }
    let is_secure = |origin: &Url| origin.scheme() == "https" && !is_local(origin);
    if matches!(url.scheme(), "http" | "ws") && !is_local(&url) && origins.iter().any(is_secure) {
        let cause = format!(
            "{name} is {}, and browsers block that from https pages",
            url.scheme()
        );
        return warn(
            cause,
            format!("{name}=https://{}", url.host_str().unwrap_or_default()),
        );
    }
    None
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<Url> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn causes(origins: &[&str], is_development: bool) -> String {
        let findings = allowed(&urls(origins), 3001, is_development, "FRONTEND_URL");
        findings
            .into_iter()
            .map(|finding| finding.cause + "\n")
            .collect()
    }

    #[test]
    fn origins_that_look_wrong_are_pointed_out() {
        assert_eq!(causes(&["http://localhost:3000"], true), "");
        assert!(causes(&["http://localhost:3001"], true).contains("own address"));
        assert!(
            causes(&["https://a.example", "http://b.example"], false)
                .contains("http://b.example is http")
        );
        assert!(causes(&["http://localhost:3000"], false).contains("only pages on this machine"));
        assert_eq!(
            causes(&["https://a.example", "http://localhost:3000"], false),
            ""
        );
    }

    #[test]
    fn front_ends_that_look_elsewhere_are_pointed_out() {
        let secure = urls(&["https://chat.example"]);
        let cause =
            |text| told("VITE_SOCKET_URL", text, 3001, &secure).map(|finding| finding.cause);
        assert_eq!(cause("http://localhost:3001"), None);
        assert_eq!(cause("https://socket.chat.example"), None);
        assert!(
            cause("http://localhost:4000")
                .unwrap()
                .contains("port 4000")
        );
        assert!(cause("localhost:3001").unwrap().contains("no scheme"));
        assert!(
            cause("http://localhost:3001/socket.io")
                .unwrap()
                .contains("namespace")
        );
        assert!(
            cause("http://socket.chat.example")
                .unwrap()
                .contains("block")
        );
    }
}
