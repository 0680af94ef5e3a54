//! Where values come from: flags, the environment of the process, and the file `.env`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use super::dotenv;
use super::table::{self, Setting};

/// Values given on the command line, by name of the setting.
#[derive(Debug, Clone, Default)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// Notes the value of a flag.
    pub fn set(&mut self, setting: &'static Setting, value: impl Into<String>) {
        self.0.insert(setting.name, value.into());
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Flag(&'static str),
    Process(&'static str),
    File(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Process(name) => write!(f, "environment {name}"),
            Self::File(name) => write!(f, ".env {name}"),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug)]
pub(super) struct Found {
    pub value: String,
    pub origin: Origin,
}

impl Found {
    /// Whether it stands on the command line.
    pub fn is_flag(&self) -> bool {
        matches!(self.origin, Origin::Flag(_))
    }
}

/// Everything that can hold a value.
#[derive(Default)]
pub(super) struct Sources {
    pub flags: Flags,
    pub process: HashMap<String, String>,
    pub file: HashMap<String, String>,
    /// What is wrong with the sources themselves, one line each.
    pub faults: Vec<String>,
}

impl Sources {
    /// Reads the environment of the process and `.env` in the working directory; changes neither.
    pub fn read(flags: Flags) -> Self {
        let mut sources = Self {
            flags,
            ..Self::default()
        };
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => _ = sources.process.insert(name.to_owned(), value),
                Err(_) if is_ours(name) => sources.faults.push(format!(
                    "environment {name}: it is not UTF-8; write it with plain characters"
                )),
                Err(_) => {}
            }
        }
        sources.read_file(Path::new(".env"));
        sources
    }

    /// The value that counts: a flag, else the first name that has one. The process goes before
    /// the file for one name, and an earlier name before a later one wherever it stands, which is
    /// what the Node servers saw after they had merged the two.
    pub fn find(&self, setting: &'static Setting) -> Option<Found> {
        let flag = self.flags.0.get(setting.name).map(|value| Found {
            value: value.clone(),
            origin: Origin::Flag(setting.name),
        });
        flag.or_else(|| self.find_all(setting).into_iter().next())
    }

    /// One value for every environment name of the setting that has one.
    pub fn find_all(&self, setting: &'static Setting) -> Vec<Found> {
        let named = setting.names.iter().map(|name| self.named(setting, name));
        named.flatten().collect()
    }

    /// The values of names that are not settings of ours.
    pub fn plain(&self, names: &[&'static str]) -> Vec<(&'static str, String)> {
        let value = |name: &str| self.process.get(name).or_else(|| self.file.get(name));
        let with_value = |name: &&'static str| Some((*name, value(name)?.trim().to_owned()));
        names.iter().filter_map(with_value).collect()
    }

    fn named(&self, setting: &Setting, name: &'static str) -> Option<Found> {
        let counts = |value: &&String| setting.is_wrong_when_empty || !value.trim().is_empty();
        let process = self.process.get(name).filter(counts);
        let file = self.file.get(name).filter(counts);
        let (value, origin) = match (process, file) {
            (Some(value), _) => (value, Origin::Process(name)),
            (None, Some(value)) => (value, Origin::File(name)),
            (None, None) => return None,
        };
        Some(Found {
            value: value.clone(),
            origin,
        })
    }

    fn read_file(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.take_file(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.faults.push(format!(".env: cannot be read: {error}")),
        }
    }

    /// Lines that are not for us may be in any form.
    fn take_file(&mut self, text: &str) {
        let file = dotenv::parse(text);
        let ours = file.unreadable.iter().filter(|name| is_ours(name));
        self.faults.extend(ours.map(|name| format!(
            ".env {name}: the value cannot be read; close the quotes before it, and put it into double quotes"
        )));
        self.file = file.values;
    }
}

/// Whether a setting has this environment name.
fn is_ours(name: &str) -> bool {
    table::all().any(|setting| setting.names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.take_file(text);
        sources
    }

    #[test]
    fn an_earlier_name_wins_wherever_it_stands() {
        let mut sources = from_file("SOCKET_PORT=3001\nPORT=3000");
        sources.process.insert("PORT".into(), "8080".into());
        let found = sources.find(&table::PORT).unwrap();
        assert_eq!(found.value, "3001");
        assert_eq!(found.origin, Origin::File("SOCKET_PORT"));
    }

    #[test]
    fn a_flag_beats_the_process_and_the_process_beats_the_file() {
        let mut sources = from_file("HOST=127.0.0.1");
        sources.process.insert("HOST".into(), "127.0.0.2".into());
        let found = sources.find(&table::HOST).unwrap();
        assert_eq!(found.origin, Origin::Process("HOST"));
        sources.flags.set(&table::HOST, "127.0.0.3");
        let found = sources.find(&table::HOST).unwrap();
        assert_eq!(
            (found.value.as_str(), found.origin),
            ("127.0.0.3", Origin::Flag("host"))
        );
    }

    #[test]
    fn an_empty_value_is_absent_unless_it_is_the_secret() {
        let sources = from_file("SOCKET_PORT=\nPORT=\" \"\nJWT_SECRET=\"\"");
        assert!(sources.find(&table::PORT).is_none());
        assert_eq!(sources.find(&table::JWT_SECRET).unwrap().value, "");
    }

    #[test]
    fn an_unreadable_line_is_a_fault_only_when_it_is_ours() {
        let hiding = from_file("TITLE=\"Bob\nSOCKET_PORT=4000\n").faults;
        assert!(
            hiding.len() == 1 && hiding[0].starts_with(".env SOCKET_PORT: "),
            "{hiding:?}"
        );
        assert!(from_file("PORT=1\nTITLE=\"Bob").faults.is_empty());
    }
}
