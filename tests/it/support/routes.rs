//! The routes of the REST surface, read from the sources: a router does not tell what it has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sohbet::wire::Dialect;

/// Where the endpoint of Socket.IO is routed, whose operations are words.
const SOCKET_ENDPOINT: &str = "src/app/mod.rs";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The calls of a dialect as `METHOD path`, with the names of parameters left out.
pub fn of_dialect(dialect: &str) -> BTreeSet<String> {
    sources_of(dialect)
        .iter()
        .flat_map(|it| calls_in(it))
        .collect()
}

/// The calls that belong to no dialect.
pub fn common() -> BTreeSet<String> {
    calls_in(&http().join("mod.rs")).into_iter().collect()
}

/// All sources that register a call.
pub fn files() -> BTreeSet<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeSet::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            match path.is_dir() {
                true => folders.push(path),
                false if has_routes(&path) => {
                    found.insert(path);
                }
                false => {}
            }
        }
    }
    found.retain(|path| !path.ends_with(SOCKET_ENDPOINT));
    found
}

/// The sources with routes that `of_dialect` and `common` read.
pub fn read_files() -> BTreeSet<PathBuf> {
    let dialects = Dialect::ALL.into_iter();
    let mut read: BTreeSet<_> = dialects.flat_map(|it| sources_of(it.name())).collect();
    read.insert(http().join("mod.rs"));
    read.retain(|path| has_routes(path));
    read
}

/// A path without the names of its parameters, and without a slash at the end.
pub fn anonymous(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true if part == "{base}" => part,
        true => "{}",
        false => part,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

fn has_routes(path: &Path) -> bool {
    read(path).contains(".route(")
}

fn calls_in(path: &Path) -> Vec<String> {
    let source = read(path);
    let prefix = source
        .split_once(".nest(\"")
        .map_or("", |(_, rest)| rest.split('"').next().unwrap_or_default());
    let mut calls = Vec::new();
    for rest in source.split(".route(").skip(1) {
        let (path, handlers) = arguments(rest);
        let path = anonymous(&format!("{prefix}{}", text_of(path, &source)));
        let methods = methods_of(handlers, &source);
        assert!(!methods.is_empty(), "cannot read the methods of {path}");
        calls.extend(
            methods
                .iter()
                .map(|it| format!("{} {path}", it.to_uppercase())),
        );
    }
    calls
}

/// The two arguments of a call that begins behind its bracket.
fn arguments(source: &str) -> (&str, &str) {
    let (mut depth, mut comma) = (0, None);
    for (at, c) in source.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                let comma = comma.expect("a route has two arguments");
                return (source[..comma].trim(), source[comma + 1..at].trim());
            }
            ')' => depth -= 1,
            ',' if depth == 0 && comma.is_none() => comma = Some(at),
            _ => {}
        }
    }
    panic!("a route does not end");
}

/// The path that an argument stands for: a text, a text made from a base, a base, or a constant.
fn text_of(argument: &str, source: &str) -> String {
    if let Some((_, rest)) = argument.split_once('"') {
        let text = rest.split('"').next().unwrap_or_default();
        return text.replace("{{", "{").replace("}}", "}");
    }
    if argument == "base" {
        return "{base}".to_owned();
    }
    let (source, name) = place_of(argument, source);
    let start = format!("const {name}: &str = \"");
    let (_, rest) = source
        .split_once(&start)
        .unwrap_or_else(|| panic!("cannot read the path {argument}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The methods that are handled, here or in the function that is called for them.
fn methods_of(handlers: &str, source: &str) -> Vec<&'static str> {
    let named = |text: &str| {
        let has = |method: &&str| {
            text.match_indices(&format!("{method}(")).any(|(at, _)| {
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            })
        };
        METHODS.into_iter().filter(|it| has(it)).collect::<Vec<_>>()
    };
    let methods = named(handlers);
    if !methods.is_empty() {
        return methods;
    }
    let (source, name) = place_of(handlers.trim_end_matches("()"), source);
    let starts = [format!("let {name} = "), format!("fn {name}(")];
    let body = starts.iter().find_map(|start| source.split_once(start));
    let (_, body) = body.unwrap_or_else(|| panic!("cannot read {handlers}"));
    named(body.split([';', '}']).next().unwrap_or_default())
}

/// The source in which a name is declared, and the name without its module.
fn place_of(name: &str, source: &str) -> (String, String) {
    match name.split_once("::") {
        Some((module, name)) => (read(&http().join(format!("{module}.rs"))), name.to_owned()),
        None => (source.to_owned(), name.to_owned()),
    }
}

fn sources_of(dialect: &str) -> Vec<PathBuf> {
    let mut sources = vec![http().join(format!("{dialect}.rs"))];
    sources.extend(entries(&http().join(dialect)));
    sources.retain(|path| path.is_file());
    sources
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn http() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")
}
