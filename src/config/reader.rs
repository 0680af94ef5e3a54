//! Turns found values into types, and remembers what was found and what is wrong.

use std::time::Duration;

use super::sources::{Found, Sources};
use super::table::{self, Setting};
use super::{Faults, Row};

/// Reads settings one by one. A wrong value is noted and the default goes on in its place, so
/// that one start names every fault.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    rows: Vec<Row>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            rows: Vec::new(),
            faults: sources.faults.clone(),
        }
    }

    /// The value, or what the default text says. `parse` returns what to write instead.
    pub fn value<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.optional(setting, &parse)
            .unwrap_or_else(|| parse(setting.default).expect("a test reads every default"))
    }

    /// The value, if there is one and it is right.
    pub fn optional<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(found) = self.sources.find(setting) else {
            self.row(setting, setting.default, "default");
            return None;
        };
        let value = match parse(&found.value) {
            Ok(value) => Some(value),
            Err(remedy) => {
                self.fault(setting, &found, &remedy);
                None
            }
        };
        let shown = if setting.is_secret {
            "***"
        } else {
            found.value.trim()
        };
        self.row(setting, shown, &found.origin.to_string());
        value
    }

    /// The values of all environment names together, or else the default.
    pub fn union<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<Vec<T>, String>,
    ) -> Vec<T> {
        let mut found = self.sources.find_all(setting);
        if let Some(flag) = self.sources.find(setting).filter(Found::is_flag) {
            found = vec![flag];
        }
        let mut values = Vec::new();
        for one in &found {
            match parse(&one.value) {
                Ok(some) => values.extend(some),
                Err(remedy) => self.fault(setting, one, &remedy),
            }
        }
        if found.is_empty() {
            values = parse(setting.default).expect("a test reads every default");
        }
        let origins: Vec<_> = found.iter().map(|one| one.origin.to_string()).collect();
        let origin = if origins.is_empty() {
            "default".to_owned()
        } else {
            origins.join(" + ")
        };
        self.row(setting, setting.default, &origin);
        values
    }

    /// Replaces what `--print-config` shows for a setting that was read before.
    pub fn show(&mut self, setting: &'static Setting, value: &str) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == setting.name) {
            value.clone_into(&mut row.value);
        }
    }

    /// Notes that a value which is right by itself does not go with the others.
    pub fn refuse(&mut self, setting: &'static Setting, remedy: &str) {
        if let Some(found) = self.sources.find(setting) {
            self.fault(setting, &found, remedy);
        }
    }

    /// All rows in the order of the table, or all faults.
    pub fn finish(mut self) -> Result<Vec<Row>, Faults> {
        if !self.faults.is_empty() {
            return Err(Faults(self.faults));
        }
        let place = |row: &Row| table::all().position(|setting| setting.name == row.name);
        self.rows.sort_by_key(place);
        Ok(self.rows)
    }

    fn row(&mut self, setting: &'static Setting, value: &str, origin: &str) {
        self.rows.push(Row {
            name: setting.name,
            value: value.to_owned(),
            origin: origin.to_owned(),
        });
    }

    fn fault(&mut self, setting: &Setting, found: &Found, remedy: &str) {
        let value = match setting.is_secret {
            true => String::new(),
            false => format!(" = {:?}", found.value.trim()),
        };
        self.faults
            .push(format!("{}{value}: {remedy}", found.origin));
    }
}

/// A whole number within limits.
pub(super) fn number(min: u64, max: u64) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let number = text.trim().replace('_', "").parse().ok();
        number
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("write a whole number from {min} to {max}"))
    }
}

/// A count that fits into memory on every machine.
pub(super) fn count(min: u32, max: u32) -> impl Fn(&str) -> Result<u32, String> {
    let parse = number(min.into(), max.into());
    move |text| Ok(parse(text)?.try_into().unwrap_or(max))
}

/// A size in bytes.
pub(super) fn bytes(min: u32, max: u32) -> impl Fn(&str) -> Result<usize, String> {
    let parse = count(min, max);
    move |text| Ok(usize::try_from(parse(text)?).unwrap_or(usize::MAX))
}

/// A time in milliseconds.
pub(super) fn millis(min: u64, max: u64) -> impl Fn(&str) -> Result<Duration, String> {
    let parse = number(min, max);
    move |text| Ok(Duration::from_millis(parse(text)?))
}

/// True or false, in the words people use.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

/// The parts of a comma list, without empty ones.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_within_their_limits() {
        let port = number(0, 65_535);
        assert_eq!(port(" 3001 "), Ok(3001));
        assert_eq!(
            port("70000"),
            Err("write a whole number from 0 to 65535".to_owned())
        );
        assert!(port("-1").is_err() && port("3001/tcp").is_err());
        assert_eq!(bytes(1, u32::MAX)("1_000_000"), Ok(1_000_000));
    }

    #[test]
    fn switches_know_several_words() {
        assert_eq!(switch("YES"), Ok(true));
        assert_eq!(switch("0"), Ok(false));
        assert!(switch("perhaps").is_err());
    }
}
