//! The file `.env`, read by dotenvy and understood as Node's dotenv understands it.
//!
//! The same file often serves a Node program that signs the tokens, so a value must not mean one
//! thing there and another here. dotenvy refuses `NAME=two words`, lets an apostrophe swallow the
//! lines after it, and replaces `$word` in passwords; Node does none of that. `${NAME}` stands for
//! another variable, as in Next.js and Prisma.

use std::collections::HashMap;

/// What the file holds.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The last of several lines for one name counts.
    pub values: HashMap<String, String>,
    /// Names that stand in the file with a value that cannot be read.
    pub unreadable: Vec<String>,
}

/// Reads the text of the file. Faults carry names only: any value may be a secret.
pub(super) fn parse(text: &str) -> File {
    let prepared = prepare(text.strip_prefix('\u{feff}').unwrap_or(text));
    // Lines that dotenvy refuses are found again below, by their names.
    let readable = dotenvy::from_read_iter(prepared.text.as_bytes()).filter_map(Result::ok);
    let values: HashMap<String, String> = readable.collect();
    let mut unreadable = prepared.names;
    unreadable.retain(|name| !values.contains_key(name));
    File { values, unreadable }
}

struct Prepared {
    text: String,
    names: Vec<String>,
}

/// Puts values without quotes into quotes, and a backslash before every `$` that means itself.
fn prepare(text: &str) -> Prepared {
    let mut prepared = Prepared {
        text: String::new(),
        names: Vec::new(),
    };
    let mut open_quote = None;
    // Names inside a value of several lines; they are settings if the quote never ends.
    let mut hidden = Vec::new();
    for line in text.lines() {
        let found = assignment(line);
        if let Some(quote) = open_quote {
            hidden.extend(found.map(|(name, _)| name.to_owned()));
            if line.contains(quote) {
                open_quote = None;
                hidden.clear();
            }
            prepared.text.push_str(line);
        } else if let Some((name, value)) = found {
            prepared.names.push(name.to_owned());
            open_quote = unclosed_quote(value);
            prepared.text.push_str(&format!("{name}={}", quoted(value)));
        }
        prepared.text.push('\n');
    }
    prepared.names.extend(hidden);
    prepared
}

/// Name and raw value of a line such as `export NAME = value`; `None` for comments.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name, value.trim()))
}

/// The quote that a value opens and leaves for a later line to close.
fn unclosed_quote(value: &str) -> Option<char> {
    let quote = value.chars().next().filter(|c| "\"'".contains(*c))?;
    (!value[1..].contains(quote)).then_some(quote)
}

fn quoted(value: &str) -> String {
    match value.chars().next() {
        Some('\'') | None => value.to_owned(),
        Some('"') => with_literal_dollars(value),
        Some('#') => String::new(),
        Some(_) => {
            let value = value.split('#').next().unwrap_or(value).trim_end();
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{}\"", with_literal_dollars(&value))
        }
    }
}

fn with_literal_dollars(value: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '$' && before != '\\' && rest.peek() != Some(&'{') {
            text.push('\\');
        }
        text.push(c);
        before = c;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, name: &str) -> String {
        parse(text).values[name].clone()
    }

    #[test]
    fn values_mean_what_they_mean_to_node() {
        let file = parse(
            "\u{feff}APP_NAME=My chat # ours\r\nFRONTEND_URL=http://a, http://b\n# PORT=9\nexport PORT = '2' # two\nTITLE=Bob's \"chat\"\nEMPTY=\nNOTHING= # nothing\nPORT=3",
        );
        let expected = [
            ("APP_NAME", "My chat"),
            ("FRONTEND_URL", "http://a, http://b"),
            ("TITLE", "Bob's \"chat\""),
            ("EMPTY", ""),
            ("NOTHING", ""),
            ("PORT", "3"),
        ];
        for (name, value) in expected {
            assert_eq!(file.values[name], value, "{name}");
        }
        assert!(file.unreadable.is_empty());
    }

    #[test]
    fn a_dollar_means_itself_unless_braces_follow() {
        assert_eq!(value("JWT_SECRET=\"ab$cd$\"", "JWT_SECRET"), "ab$cd$");
        assert_eq!(value("JWT_SECRET=ab$cd\\e#f", "JWT_SECRET"), "ab$cd\\e");
        assert_eq!(value("JWT_SECRET='ab$cd'", "JWT_SECRET"), "ab$cd");
        assert_eq!(value("JWT_SECRET=\"ab\\$cd\"", "JWT_SECRET"), "ab$cd");
        let text = "SOHBET_TEST_HOST=db\nDATABASE_URL=\"postgres://${SOHBET_TEST_HOST}/chat\"";
        assert_eq!(value(text, "DATABASE_URL"), "postgres://db/chat");
    }

    #[test]
    fn a_value_of_several_lines_is_one_value() {
        let file = parse("KEY=\"-----BEGIN-----\nMIIB=\nPORT=1\n-----END-----\"\nHOST=::1");
        assert_eq!(
            file.values["KEY"],
            "-----BEGIN-----\nMIIB=\nPORT=1\n-----END-----"
        );
        assert_eq!(
            (file.values["HOST"].as_str(), file.values.len()),
            ("::1", 2)
        );
        assert!(file.unreadable.is_empty());
    }

    #[test]
    fn a_quote_that_never_ends_hides_the_names_after_it() {
        let file = parse("HOST=::1\nTITLE=\"chat\u{20}\nSOCKET_PORT=4000\n");
        assert_eq!(file.values.len(), 1);
        assert_eq!(file.unreadable, ["TITLE", "SOCKET_PORT"]);
    }
}
