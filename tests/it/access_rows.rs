//! Every operation of every dialect has a row in the access matrix of that dialect: who may do it, and
//! what everybody else is told. The matrices are tests over the wire, in `tests/js/<dialect>/`.

use std::fs;
use std::path::{Path, PathBuf};

use sohbet::wire::{Dialect, vocabulary};

#[test]
fn every_word_has_a_row() {
    let mut missing = Vec::new();
    for dialect in Dialect::ALL {
        let words = vocabulary(dialect).words();
        assert!(!words.is_empty(), "{} has no words", dialect.name());
        let rows = rows(dialect);
        for word in words {
            if !has_word(&rows, word) {
                missing.push(format!("{}: {word}", dialect.name()));
            }
        }
    }
    assert!(missing.is_empty(), "no row for {missing:#?}");
}

#[test]
fn every_path_has_a_row() {
    let mut missing = Vec::new();
    let mut n_paths = 0;
    for dialect in Dialect::ALL {
        let rows = rows(dialect);
        for path in paths(dialect) {
            n_paths += 1;
            if !rows.lines().any(|line| names(line, &path)) {
                missing.push(format!("{}: {path}", dialect.name()));
            }
        }
    }
    assert!(n_paths > 40, "found only {n_paths} paths");
    assert!(missing.is_empty(), "no row for {missing:#?}");
}

#[test]
fn a_missing_row_is_noticed() {
    assert!(has_word("  chat: [", "chat") && !has_word("  chatter: [", "chat"));
    let row = "[\"GET /api/rooms/:id/messages\", () => {}],";
    assert!(names(row, "/api/rooms/{id}/messages"));
    assert!(!names(row, "/api/rooms/{id}/users"));
    assert!(!names("GET /messages of /rooms", "/rooms/{id}/messages"));
}

/// The sources of a dialect's access matrix.
fn rows(dialect: Dialect) -> String {
    let name = dialect.name();
    let tests = root().join("tests/js").join(name);
    let mut files = files(&tests, |file| file.starts_with("access"));
    let operations = format!("{name}_operations");
    files.extend(self::files(&root().join("tests/js/support"), |file| {
        file.starts_with(&operations)
    }));
    assert!(!files.is_empty(), "{name} has no access matrix");
    files.iter().map(|file| read(file)).collect()
}

/// The REST paths of a dialect, as its router names them.
fn paths(dialect: Dialect) -> Vec<String> {
    let (http, name) = (root().join("src/http"), dialect.name());
    let mut sources = files(&http, |file| {
        file.strip_suffix(".rs")
            .is_some_and(|stem| stem == name || stem.starts_with(&format!("{name}_")))
    });
    sources.extend(files(&http.join(name), |file| file.ends_with(".rs")));
    let mut paths = Vec::new();
    for source in sources {
        for route in read(&source).split(".route(").skip(1) {
            // The path is the first text after it; one that is made of others is a base.
            let Some((_, rest)) = route.split_once('"') else {
                continue;
            };
            let path = rest.split('"').next().unwrap_or_default();
            if path.contains('/') && path.trim_matches('/').contains(|c: char| c.is_alphabetic()) {
                paths.push(
                    path.replace("{base}", "")
                        .replace("{{", "{")
                        .replace("}}", "}"),
                );
            }
        }
    }
    paths.retain(|path| fixed_parts(path).next().is_some());
    paths
}

fn fixed_parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('{'))
}

/// Whether a line names all fixed parts of a path, one after the other.
fn names(line: &str, path: &str) -> bool {
    let mut rest = line;
    fixed_parts(path).all(|part| match rest.find(&format!("/{part}")) {
        Some(at) => {
            rest = &rest[at + 1 + part.len()..];
            true
        }
        None => false,
    })
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn files(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name()?.to_str().map(str::to_owned);
    let mut found: Vec<_> = paths
        .filter(|path| path.is_file() && name(path).is_some_and(|name| is_wanted(&name)))
        .collect();
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
