//! Is there anything by which logins are proved, and does it answer?

use super::{Finding, place};
use crate::auth::{self, Fetcher};
use crate::cli::block_on;
use crate::config::{Settings, is_open_to_others, table};

/// A secret with fewer different bytes than this was typed, not drawn.
const MIN_DISTINCT_BYTES: usize = 8;
const REMEDY: &str = "JWT_SECRET=<the output of: openssl rand -base64 48>";

/// Asks the servers that publish keys and the host application.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let config = &settings.auth;
    let mut findings = Vec::new();
    if config.is_development() {
        let cause = "JWT_SECRET is not set, nor JWT_PUBLIC_KEY, JWKS_URL or AUTH_SESSION_URL: development mode, every client is believed";
        findings.push(Finding::warn("secret", cause, REMEDY));
    }
    findings.extend(config.secret.as_deref().map(secret));
    if !config.public_keys.is_empty() {
        let cause = format!("JWT_PUBLIC_KEY has {} usable", config.public_keys.len());
        findings.push(Finding::ok("keys", cause));
    }
    if !config.key_urls.is_empty() || config.session.is_some() {
        findings.extend(ask(settings).unwrap_or_else(|error| {
            vec![Finding::fail(
                "keys",
                format!("{error:#}"),
                "the certificates of this machine",
            )]
        }));
    }
    if !config.key_urls.is_empty()
        && config.rules.issuers.is_empty()
        && config.rules.audiences.is_empty()
    {
        findings.push(Finding::warn(
            "keys",
            "every token that the provider ever signs opens this server, also those for other applications",
            "JWT_AUDIENCE, JWT_ISSUER",
        ));
    }
    findings
}

fn ask(settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    let fetcher = Fetcher::new()?;
    block_on(async {
        let mut findings = Vec::new();
        for url in &settings.auth.key_urls {
            let place = place(settings, &table::JWKS_URL);
            findings.push(match auth::probe_keys(&fetcher, url).await {
                Ok(n_keys) => Finding::ok("keys", format!("{url} has {n_keys} usable")),
                Err(cause) => Finding::fail("keys", format!("{url}: {cause}"), place.clone()),
            });
            findings.extend(open_to_others("keys", url, place));
        }
        if let Some(session) = &settings.auth.session {
            let (url, place) = (&session.url, place(settings, &table::AUTH_SESSION_URL));
            findings.push(match auth::probe_session(&fetcher, session).await {
                Ok(()) => Finding::ok(
                    "session",
                    format!("{url} knows nobody without a cookie, as it should"),
                ),
                Err(cause) => Finding::fail("session", format!("{url}: {cause}"), place.clone()),
            });
            findings.extend(open_to_others("session", url, place));
        }
        Ok(findings)
    })
}

fn open_to_others(subject: &'static str, url: &url::Url, place: String) -> Option<Finding> {
    let cause = || format!("{url} is not encrypted: whoever is on the way can be anybody here");
    is_open_to_others(url).then(|| Finding::warn(subject, cause(), place))
}

fn secret(secret: &str) -> Finding {
    let distinct: std::collections::HashSet<u8> = secret.bytes().collect();
    match distinct.len() < MIN_DISTINCT_BYTES {
        true => Finding::warn(
            "secret",
            "JWT_SECRET can be guessed: it repeats a few characters",
            REMEDY,
        ),
        false => Finding::ok("secret", format!("JWT_SECRET has {} bytes", secret.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn secrets_that_can_be_guessed_are_pointed_out() {
        assert_eq!(secret(&"ab".repeat(16)).level, Level::Warn);
        assert_eq!(secret("0123456789abcdef0123456789abcdef").level, Level::Ok);
    }
}
