//! Who proves logins.

use std::time::Duration;

use url::{Host, Url};

use super::reader::{Reader, list, number, switch};
use super::sources::Sources;
use super::table::{self, Setting};
use crate::auth;

/// HS256 needs a key as long as its hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Longest file that can be a key.
const MAX_KEY_FILE_BYTES: u64 = 262_144;
/// Identity providers that one server believes.
const MAX_KEY_URLS: usize = 8;
/// Settings of which each ends development mode.
const PROOFS: [&Setting; 4] = [
    &table::JWT_SECRET,
    &table::JWT_PUBLIC_KEY,
    &table::JWKS_URL,
    &table::AUTH_SESSION_URL,
];

/// Whether nothing is set by which anybody could prove who they are.
pub(super) fn is_development(sources: &Sources) -> bool {
    PROOFS.iter().all(|proof| sources.find(proof).is_none())
}

pub(super) fn read(reader: &mut Reader<'_>) -> auth::Config {
    let public_keys = reader.optional(&table::JWT_PUBLIC_KEY, public_keys);
    if let Some(keys) = &public_keys {
        reader.show(&table::JWT_PUBLIC_KEY, &format!("{keys:?}"));
    }
    auth::Config {
        secret: reader.optional(&table::JWT_SECRET, secret),
        api_secret: reader.optional(&table::JWT_API_SECRET, secret),
        public_keys: public_keys.unwrap_or_default(),
        key_urls: reader
            .optional(&table::JWKS_URL, key_urls)
            .unwrap_or_default(),
        rules: auth::TokenRules {
            issuers: names(reader, &table::JWT_ISSUER),
            audiences: names(reader, &table::JWT_AUDIENCE),
            leeway: reader.value(&table::JWT_LEEWAY_S, seconds(0, 60)),
            claims: auth::FieldNames {
                user: names(reader, &table::JWT_USER_CLAIM),
                name: names(reader, &table::JWT_NAME_CLAIM),
                role: names(reader, &table::JWT_ROLE_CLAIM),
                gallery: names(reader, &table::JWT_GALLERY_CLAIM),
            },
        },
        session: read_session(reader),
        allow_query_token: reader.value(&table::ALLOW_QUERY_TOKEN, switch),
    }
}

fn read_session(reader: &mut Reader<'_>) -> Option<auth::SessionConfig> {
    let url = reader.optional(&table::AUTH_SESSION_URL, address);
    let fields = auth::FieldNames {
        user: names(reader, &table::AUTH_SESSION_USER_FIELD),
        name: names(reader, &table::AUTH_SESSION_NAME_FIELD),
        role: names(reader, &table::AUTH_SESSION_ROLE_FIELD),
        gallery: names(reader, &table::AUTH_SESSION_GALLERY_FIELD),
    };
    let believed_for = reader.value(&table::AUTH_SESSION_CACHE_S, seconds(0, 3_600));
    let recheck = reader.value(&table::AUTH_SESSION_RECHECK_S, seconds(1, 86_400));
    url.map(|url| auth::SessionConfig {
        url,
        fields,
        believed_for,
        recheck,
    })
}

/// A key of HS256, taken as it stands.
fn secret(text: &str) -> Result<String, String> {
    match text.len() {
        _ if text.trim().is_empty() => Err(
            "it is set, but empty; write 32 bytes or more, or remove the line for development mode"
                .to_owned(),
        ),
        MIN_SECRET_BYTES.. => Ok(text.to_owned()),
        n_bytes => Err(format!(
            "a secret of {n_bytes} bytes can be guessed; write 32 or more, such as the output of: openssl rand -base64 48"
        )),
    }
}

/// Keys as text, or in a file.
fn public_keys(text: &str) -> Result<auth::PublicKeys, String> {
    let text = text.trim();
    let is_path = !text.starts_with('{') && !text.contains("-----");
    if !is_path || text.is_empty() {
        return auth::PublicKeys::parse(text);
    }
    let unreadable = |cause: String| format!("the file cannot be read: {cause}");
    let facts = std::fs::metadata(text).map_err(|error| unreadable(error.to_string()))?;
    if facts.len() > MAX_KEY_FILE_BYTES {
        return Err(unreadable("it is too long for a key".to_owned()));
    }
    let file = std::fs::read_to_string(text).map_err(|error| unreadable(error.to_string()))?;
    auth::PublicKeys::parse(&file)
}

fn key_urls(text: &str) -> Result<Vec<Url>, String> {
    let urls = list(text).map(address).collect::<Result<Vec<_>, _>>()?;
    match urls.len() {
        1..=MAX_KEY_URLS => Ok(urls),
        _ => Err(format!(
            "write 1 to {MAX_KEY_URLS} addresses, such as https://login.example.com/.well-known/jwks.json"
        )),
    }
}

/// An address that we ask ourselves.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("write an address that begins with https:// or http://")?;
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(url),
        false => Err("an address with a password in it ends up in logs; leave it out".to_owned()),
    }
}

/// Whether what goes to an address and comes from it could be read and changed on its way.
pub fn is_open_to_others(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_local
}

fn names(reader: &mut Reader<'_>, setting: &'static Setting) -> Vec<String> {
    reader.value(setting, |text| {
        Ok(list(text).map(str::to_owned).collect::<Vec<_>>())
    })
}

/// A time in seconds.
fn seconds(min: u64, max: u64) -> impl Fn(&str) -> Result<Duration, String> {
    let parse = number(min, max);
    move |text| Ok(Duration::from_secs(parse(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_whole_and_without_passwords() {
        assert!(address("https://login.example.com/keys").is_ok());
        for wrong in [
            "",
            "login.example.com/keys",
            "ftp://a/b",
            "https://me:pw@a.test/",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            key_urls("https://a.test/k, http://b.test/k").unwrap().len(),
            2
        );
        assert!(key_urls(" , ").is_err());
    }

    #[test]
    fn only_encrypted_and_local_addresses_are_safe() {
        let is_open = |text: &str| is_open_to_others(&Url::parse(text).unwrap());
        assert!(is_open("http://login.example.com/"));
        for safe in [
            "https://login.example.com/",
            "http://localhost:3000/",
            "http://[::1]/",
        ] {
            assert!(!is_open(safe), "{safe}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused_with_the_remedy() {
        assert!(public_keys("").is_err());
        assert!(public_keys("{}").is_err());
        let missing = public_keys("no/such/file.pem").unwrap_err();
        assert!(missing.contains("cannot be read"), "{missing}");
        let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert!(public_keys(private).unwrap_err().contains("private"));
    }
}
