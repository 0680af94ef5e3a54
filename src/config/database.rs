//! `DATABASE_URL` in the forms people have it, brought into the one form the driver takes.
//!
//! Prisma's parameters: <https://www.prisma.io/docs/orm/overview/databases/postgresql>. The
//! driver refuses or repeats in the log what it does not know, so only what it knows is kept.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// What may stand in the path of a SQLite URL as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');
/// Endings by which a plain path is known to be a database.
const FILE_ENDINGS: [&str; 4] = [".db", ".db3", ".sqlite", ".sqlite3"];
/// Parameters of PostgreSQL that the driver knows and that need no look.
const KNOWN_TO_DRIVER: [&str; 14] = [
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];
/// Values of `sslmode` that the driver knows.
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

const FORMS: &str = "write postgres://user:password@host/name, or a file name that ends in .db";

/// Name and value after the `?` of an address.
type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A database as the driver wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// `sqlite://…?mode=rwc` or `postgres://…`.
    pub url: String,
    /// PostgreSQL schema, when it is not `public`.
    pub schema: Option<String>,
    /// The file of a SQLite database.
    pub file: Option<PathBuf>,
}

impl Database {
    /// Reads any of the accepted forms. The error says what to write and never repeats the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => postgres(rest),
            "sqlite" => sqlite(&percent_decode_str(rest).decode_utf8_lossy()),
            "file" => sqlite(rest),
            "prisma+postgres" | "prisma" => Err(
                "this address of Prisma's proxy does not speak PostgreSQL; write the direct one, postgres://…".to_owned(),
            ),
            "" if has_file_ending(text) => sqlite(text),
            _ => Err(format!("Sohbet stores in PostgreSQL or SQLite; {FORMS}")),
        }
    }
}

/// A database URL for people: a plain path, or the address without password.
pub fn shown_database(url: &str) -> String {
    if let Some(rest) = url.strip_prefix("sqlite://") {
        let path = rest.split('?').next().unwrap_or(rest);
        return percent_decode_str(path).decode_utf8_lossy().into_owned();
    }
    let Ok(mut url) = Url::parse(url) else {
        return "***".to_owned();
    };
    if url.password().is_some() {
        // Fails only for addresses without a host, and those have no password.
        let _ = url.set_password(Some("***"));
    }
    // Any parameter may be a secret; the rest says which database it is.
    url.set_query(None);
    url.into()
}

fn has_file_ending(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or(text);
    FILE_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// `rest` is what follows the scheme, or the whole text of a plain path.
fn sqlite(rest: &str) -> Result<Database, String> {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.contains(":memory:") || parameters.contains("mode=memory") {
        return Err(
            "a database in memory loses every message; write a file name such as data/sohbet.db"
                .to_owned(),
        );
    }
    if path.is_empty() || path.ends_with('/') {
        return Err(format!("the file name is missing; {FORMS}"));
    }
    let url = format!("sqlite://{}?mode=rwc", utf8_percent_encode(path, PATH));
    match Url::parse(&url) {
        Ok(_) => Ok(Database {
            url,
            schema: None,
            file: Some(Path::new(path).to_path_buf()),
        }),
        Err(_) => Err(
            "this is no file name the driver can take; write a plain one such as data/sohbet.db"
                .to_owned(),
        ),
    }
}

fn postgres(rest: &str) -> Result<Database, String> {
    let broken = || {
        format!("this is no address; {FORMS}, and in a password %23 for #, %2F for /, %40 for @")
    };
    let mut url = Url::parse(&format!("postgres:{rest}")).map_err(|_| broken())?;
    if !url.has_host() || url.fragment().is_some() || url.path().contains('@') {
        return Err(broken());
    }
    let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let kept = parameters(&given)?;
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    Ok(Database {
        url: url.into(),
        schema: schema(&given)?,
        file: None,
    })
}

/// The schema that Prisma's `?schema=` names.
fn schema(given: &[(String, String)]) -> Result<Option<String>, String> {
    let named = given
        .iter()
        .find(|(key, value)| key == "schema" && !value.is_empty());
    let Some((_, name)) = named else {
        return Ok(None);
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.len() > 63 || !name.chars().all(is_plain) {
        return Err("write a schema of letters, digits and underscores after ?schema=".to_owned());
    }
    Ok((name != "public").then(|| name.clone()))
}

/// The parameters that the driver knows, and Prisma's in the driver's words. The rest
/// (`connection_limit`, `pool_timeout`, `channel_binding`…) has no meaning here.
fn parameters(given: &[(String, String)]) -> Result<Vec<Parameter<'_>>, String> {
    let has = |name: &str, wanted: &str| {
        given
            .iter()
            .any(|(key, value)| key == name && value == wanted)
    };
    // Prisma's `sslcert` is the server's certificate, the driver's is the client's.
    let is_prisma = given
        .iter()
        .any(|(key, _)| key == "sslaccept" || key == "sslidentity");
    let mut kept = Vec::new();
    for (key, value) in given {
        match key.as_str() {
            "sslmode" | "ssl-mode" => {
                let mode = ssl_mode(value, has("sslaccept", "strict"))?;
                kept.push(("sslmode".into(), mode.into()));
            }
            "sslcert" if is_prisma => kept.push(("sslrootcert".into(), value.into())),
            "sslcert" => kept.push(("sslcert".into(), value.into())),
            // A pooler hands every transaction another connection, without our statements.
            "pgbouncer" if value == "true" => {
                kept.push(("statement-cache-capacity".into(), "0".into()));
            }
            "statement_cache_size" if value.parse::<u16>().is_ok() => {
                kept.push(("statement-cache-capacity".into(), value.into()));
            }
            known if KNOWN_TO_DRIVER.contains(&known) || known.starts_with("options") => {
                kept.push((known.into(), value.into()));
            }
            _ => {}
        }
    }
    Ok(kept)
}

fn ssl_mode(value: &str, is_strict: bool) -> Result<String, String> {
    let mode = value.to_ascii_lowercase();
    match mode.as_str() {
        "require" if is_strict => Ok("verify-full".to_owned()),
        // Node's driver calls it so.
        "no-verify" => Ok("require".to_owned()),
        known if SSL_MODES.contains(&known) => Ok(mode),
        _ => Err(format!(
            "write one of {} after sslmode=",
            SSL_MODES.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        Database::parse(text).unwrap().url
    }

    #[test]
    fn every_way_to_name_a_file_means_the_same() {
        for text in [
            "data/chat.db",
            "./data/chat.db",
            "file:./data/chat.db",
            "file:data/chat.db?connection_limit=1",
            "sqlite:data/chat.db",
            "sqlite://data/chat.db",
            "sqlite://data/chat.db?mode=ro&cache=shared",
        ] {
            assert_eq!(url(text), "sqlite://data/chat.db?mode=rwc", "{text}");
        }
        assert_eq!(url("file:///srv/chat.db"), "sqlite:///srv/chat.db?mode=rwc");
        assert_eq!(
            url("/srv/chat.sqlite3"),
            "sqlite:///srv/chat.sqlite3?mode=rwc"
        );
        let spaced = Database::parse("my chat?.db").unwrap_err();
        assert!(spaced.contains(".db"));
        assert_eq!(
            url("my #1 chat.db"),
            "sqlite://my%20%231%20chat.db?mode=rwc"
        );
    }

    #[test]
    fn what_is_left_of_prisma_is_what_the_driver_knows() {
        let url = "postgresql://me:pass%23word@db:5433/chat?schema=talk&connection_limit=5&pool_timeout=2\
                   &socket_timeout=3&connect_timeout=9&single_use_connections=true&channel_binding=require&sslmode=require";
        let database = Database::parse(url).unwrap();
        assert_eq!(
            database.url,
            "postgres://me:pass%23word@db:5433/chat?sslmode=require"
        );
        assert_eq!(database.schema.as_deref(), Some("talk"));
        let public = Database::parse("postgres://db/chat?schema=public").unwrap();
        assert_eq!(
            (public.url.as_str(), public.schema),
            ("postgres://db/chat", None)
        );
    }

    #[test]
    fn a_pooler_and_strict_certificates_are_understood() {
        assert_eq!(
            url(
                "postgres://db/chat?pgbouncer=true&sslmode=require&sslaccept=strict&sslcert=ca.pem"
            ),
            "postgres://db/chat?statement-cache-capacity=0&sslmode=verify-full&sslrootcert=ca.pem"
        );
        assert_eq!(
            url("postgres://db/chat?sslmode=no-verify"),
            "postgres://db/chat?sslmode=require"
        );
    }

    #[test]
    fn wrong_addresses_are_refused_without_repeating_them() {
        for text in [
            "prisma+postgres://accelerate.example/?api_key=sesame",
            "mysql://me:sesame@db/chat",
            "sesame",
            "postgres://me:ses#ame@db/chat",
            "postgres://me:12/ses@ame@db/chat",
            "postgres:sesame",
            "sqlite::memory:",
            "file:sesame.db?mode=memory",
            "file:",
            "data/",
            "postgres://db/chat?sslmode=sesame",
            "postgres://db/chat?schema=a;sesame",
        ] {
            let error = Database::parse(text).unwrap_err();
            assert!(!error.contains("sesame"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_has_no_password() {
        assert_eq!(
            shown_database("postgres://me:sesame@db:5433/chat?password=x"),
            "postgres://me:***@db:5433/chat"
        );
        assert_eq!(
            shown_database("sqlite://my%20chat.db?mode=rwc"),
            "my chat.db"
        );
    }
}
