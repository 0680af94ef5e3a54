//! The log on stderr, and the two lines on stdout that say where the server is.

use std::io::{IsTerminal, Write};
use std::str::FromStr;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// What a pattern of `DEBUG` turns on: the parts of the Node server and ours that do their work.
const DEBUG_NAMES: [(&str, &str); 2] = [
    (
        "socket.io",
        "sohbet::socket=debug,sohbet::wire=debug,sohbet::delivery=debug",
    ),
    ("engine", "sohbet::app=debug,sohbet::socket=debug"),
];

/// What is logged, and in which form.
#[derive(Debug, Clone)]
pub struct Config {
    /// Form of a line.
    pub format: Format,
    /// Directives as [`check_filter`] accepts them.
    pub filter: String,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: one line an event, in colour on a terminal.
    Pretty,
    /// For collectors: one JSON object a line.
    Json,
}

impl Format {
    /// The word in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let formats = [Self::Pretty, Self::Json];
        let found = formats.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| "write pretty or json".to_owned())
    }
}

/// Accepts what tracing-subscriber can read, such as `sohbet=debug,warn`.
pub fn check_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("write levels such as info or sohbet=debug,warn".to_owned()),
    }
}

/// Adds what `DEBUG=socket.io*`, `engine*` or `*` asks for. Patterns of other programs, and the
/// exceptions with a minus, mean nothing here.
pub fn with_debug(filter: &str, debug: &str) -> String {
    let mut filter = filter.to_owned();
    let patterns = debug
        .split([',', ' '])
        .filter(|pattern| !pattern.is_empty());
    for pattern in patterns {
        let name = pattern.trim_end_matches('*').trim_end_matches(':');
        let directives = match (pattern, name) {
            ("*", _) => Some("sohbet=debug"),
            _ => DEBUG_NAMES
                .iter()
                .find(|(known, _)| name.split(':').next() == Some(known))
                .map(|(_, directives)| *directives),
        };
        if let Some(directives) = directives {
            filter.push(',');
            filter.push_str(directives);
        }
    }
    filter
}

/// Starts the log for the whole process. A second call leaves the first one in force.
pub fn init(config: &Config) {
    let is_terminal = std::io::stderr().is_terminal();
    let subscriber = subscriber(config, is_terminal, std::io::stderr);
    // Fails only when a program that embeds the library has a log of its own, which then counts.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// What the start-up line says.
#[derive(Debug, Clone, Copy)]
pub struct StartUp<'a> {
    /// First address the server listens on.
    pub host: &'a str,
    /// The port that was bound.
    pub port: u16,
    /// The database without password.
    pub database: &'a str,
    /// How callers prove who they are, such as `development (clients are trusted)`.
    pub auth: &'a str,
    /// `auto` or the name of a dialect.
    pub dialect: &'a str,
}

/// Prints the line that scripts wait for (contract/README.md, section 6.11) and one for people.
pub fn announce(start_up: &StartUp<'_>) {
    // Without a reader of stdout the server runs all the same.
    let _ = std::io::stdout().write_all(announcement(start_up).as_bytes());
}

fn announcement(start_up: &StartUp<'_>) -> String {
    let StartUp {
        host,
        port,
        database,
        auth,
        dialect,
    } = start_up;
    let host = match *host {
        "127.0.0.1" | "::1" | "0.0.0.0" | "::" => "localhost".to_owned(),
        v6 if v6.contains(':') => format!("[{v6}]"),
        host => host.to_owned(),
    };
    format!(
        "Socket.IO server running on port {port}\n\
         Sohbet {}: http://{host}:{port} | database: {database} | auth: {auth} | dialect: {dialect}\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// Crates that we depend on log payloads, statements and addresses at their lower levels. They
/// are heard from WARN on, whatever the filter says.
fn may_pass(metadata: &Metadata<'_>) -> bool {
    let krate = metadata.target().split("::").next().unwrap_or_default();
    let is_ours = matches!(krate, "sohbet" | "sohbet_entity" | "sohbet_migration");
    is_ours || *metadata.level() <= Level::WARN
}

fn subscriber<W>(config: &Config, has_colour: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    // A closed stderr must not end the server, so a failed write is not reported there again.
    let layer = fmt::layer().log_internal_errors(false).with_writer(writer);
    let layer = match config.format {
        Format::Json => layer.json().flatten_event(true).boxed(),
        Format::Pretty if has_colour => layer.boxed(),
        Format::Pretty => layer.with_ansi(false).boxed(),
    };
    Registry::default()
        .with(EnvFilter::new(&config.filter))
        .with(filter_fn(may_pass))
        .with(layer)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: Format) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let config = Config {
            format,
            filter: filter.to_owned(),
        };
        let subscriber = subscriber(&config, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "sohbet::socket", "our trace");
            tracing::info!(target: "sohbet", { user.id = 7 }, "our info");
            tracing::info_span!(target: "socketioxide", "foreign", payload = "canary").in_scope(
                || {
                    tracing::info!(target: "socketioxide::client", "canary");
                    tracing::warn!(target: "socketioxide", "foreign warning");
                },
            );
            tracing::trace!(target: "sohbet_friend", "canary");
        });
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn no_filter_lets_other_crates_speak_below_a_warning() {
        for filter in [
            "trace",
            "socketioxide=trace,sohbet=trace",
            "[foreign{payload=canary}]=trace,trace",
        ] {
            let text = logged(filter, Format::Pretty);
            assert!(
                text.contains("our trace") && text.contains("foreign warning"),
                "{text}"
            );
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn the_default_is_our_info_and_one_json_object_a_line() {
        let text = logged("sohbet=info,warn", Format::Json);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(
            (&lines[0]["message"], &lines[0]["user.id"]),
            (&"our info".into(), &7.into())
        );
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn debug_patterns_of_node_turn_on_our_parts() {
        assert_eq!(with_debug("warn", "*"), "warn,sohbet=debug");
        assert!(with_debug("warn", "socket.io*").contains(",sohbet::socket=debug"));
        assert!(with_debug("warn", "prisma:* socket.io:client").contains("sohbet::wire=debug"));
        assert_eq!(
            with_debug("warn", "engine*"),
            "warn,sohbet::app=debug,sohbet::socket=debug"
        );
        assert_eq!(with_debug("warn", "true,-engine,socket.io-client"), "warn");
        assert!(check_filter(&with_debug("info", "*,engine,socket.io:*")).is_ok());
    }

    #[test]
    fn the_start_up_says_where_to_connect() {
        let text = announcement(&StartUp {
            host: "::",
            port: 3001,
            database: "data/sohbet.db",
            auth: "token",
            dialect: "auto",
        });
        assert!(text.starts_with("Socket.IO server running on port 3001\nSohbet "));
        assert!(text.contains(
            ": http://localhost:3001 | database: data/sohbet.db | auth: token | dialect: auto\n"
        ));
    }
}
