//! Holds the architecture: floors, fenced crates, the length of files (ARCHITECTURE.md, "Floors").

mod dialects;
mod rules;
mod threats;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{BANNED_NAMES, CONFIG_MAY_USE, FENCES, FLOORS, MAX_LINES};

/// One source file of the server: which module it belongs to, and what it says.
struct Source {
    module: String,
    path: PathBuf,
    text: String,
}

#[test]
fn imports_point_down() {
    assert_clean(&floor_faults(&sources()));
}

#[test]
fn fenced_crates_stay_behind_their_fences() {
    assert_clean(&fence_faults(&sources()));
}

#[test]
fn no_file_is_too_long_or_named_after_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in [
        "src",
        "benches/src",
        "benches/peers/floor",
        "benches/suite",
        "entity/src",
        "migration",
        "tests",
    ] {
        collect(&root.join(folder), &mut files);
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    let files: Vec<_> = files.into_iter().map(read).collect();
    assert!(files.len() > 50, "found only {} files", files.len());
    assert_clean(&file_faults(&files));
}

#[test]
fn planted_faults_are_found() {
    let plant = |module: &str, text: &str| {
        vec![Source {
            module: module.into(),
            path: PathBuf::from(format!("src/{module}.rs")),
            text: text.into(),
        }]
    };
    let faulty_floors = [
        ("chat", "use crate::wire::Frame;\n"),
        ("chat", "fn f() { crate::delivery::run() }\n"),
        ("socket", "use crate::{chat::Chat, http};\n"),
        ("store", "pub use crate::chat::Event;\n"),
        ("config", "use crate::store::Store;\n"),
        ("config", "use crate::store;\nfn f() { store::now() }\n"),
        ("nowhere", "use crate::error::Error;\n"),
    ];
    for (module, text) in faulty_floors {
        assert_eq!(floor_faults(&plant(module, text)).len(), 1, "{text}");
    }
    for (module, text) in [
        ("chat", "use sea_orm::DbErr;\n"),
        ("socket", "fn f(_: axum::Router) {}\n"),
        ("http", "let home = std::env::var(\"HOME\");\n"),
    ] {
        assert_eq!(fence_faults(&plant(module, text)).len(), 1, "{text}");
    }
    let long = (PathBuf::from("src/long.rs"), "//\n".repeat(MAX_LINES + 1));
    let vague = (PathBuf::from("src/chat/utils.rs"), String::new());
    assert_eq!(file_faults(&[long, vague]).len(), 2);
    let fine = "// See crate::wire.\nuse crate::store::Store;\n";
    assert_clean(&floor_faults(&plant("chat", fine)));
}

fn floor_faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let shown = source.path.display();
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == source.module) else {
            faults.push(format!(
                "{shown}: no floor is given for `{}`",
                source.module
            ));
            continue;
        };
        for target in imports(&source.text) {
            if target == source.module {
                continue;
            }
            if !allowed.contains(&target.as_str()) {
                faults.push(format!(
                    "{shown}: `{}` must not import `{target}`",
                    source.module
                ));
            }
        }
        if source.module == "config" {
            faults.extend(config_faults(source, allowed));
        }
    }
    faults
}

/// `config` gathers sections and touches nothing else of a module.
fn config_faults(source: &Source, modules: &[&str]) -> Vec<String> {
    let mut faults = BTreeSet::new();
    for line in code_lines(&source.text) {
        for module in modules {
            let path = format!("{module}::");
            for (at, _) in line.match_indices(&path) {
                let is_path = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let (_, item) = first_two(&line[at..]);
                if is_path && !CONFIG_MAY_USE.contains(&item.as_str()) {
                    let shown = source.path.display();
                    faults.insert(format!("{shown}: `config` must not use `{module}::{item}`"));
                }
            }
        }
    }
    faults.into_iter().collect()
}

fn fence_faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (name, allowed) in FENCES {
            // What stands in quotes is a text, such as the target of a log line.
            let outside_quotes =
                |line: &str| line.split('"').step_by(2).any(|part| names(part, name));
            let is_named = code_lines(&source.text).any(outside_quotes);
            if is_named && !allowed.contains(&source.module.as_str()) {
                let shown = source.path.display();
                faults.push(format!(
                    "{shown}: `{}` must not name `{name}`",
                    source.module
                ));
            }
        }
    }
    faults
}

fn file_faults(files: &[(PathBuf, String)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files {
        let n_lines = text.lines().count();
        if n_lines > MAX_LINES {
            faults.push(format!(
                "{}: {n_lines} lines, {MAX_LINES} are the limit",
                path.display()
            ));
        }
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if BANNED_NAMES.contains(&stem) {
            faults.push(format!("{}: a name that says nothing", path.display()));
        }
    }
    faults
}

/// Modules of ours that a file names, wherever in the code.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = code_lines(text).flat_map(|line| [line, "\n"]).collect();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split(';').next().unwrap_or_default();
            for part in split_list(list) {
                found.insert(first_two(part.trim()).0);
            }
        } else {
            found.insert(first_two(rest).0);
        }
    }
    found
}

/// `module::item` as a pair; `self` for the module itself.
fn first_two(path: &str) -> (String, String) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let end = path.find(|c| !is_word(c)).unwrap_or(path.len());
    let (module, rest) = path.split_at(end);
    let Some(rest) = rest.strip_prefix("::") else {
        return (module.to_owned(), "self".to_owned());
    };
    if rest.starts_with('{') {
        return (module.to_owned(), "a list".to_owned());
    }
    let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    (module.to_owned(), rest[..end].to_owned())
}

/// Parts of a list, split at commas outside inner braces.
fn split_list(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&list[start..at]);
                return parts
                    .into_iter()
                    .filter(|part| !part.trim().is_empty())
                    .collect();
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
}

/// Whether a line of code uses a crate or a module, not merely a word that holds its name.
fn names(line: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let is_used = ["::", ";", " as "].iter().any(|end| after.starts_with(end));
        !before.is_some_and(is_word) && is_used
    })
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    let source = |path: PathBuf| {
        let inner = path.strip_prefix(&src).unwrap();
        let first = inner.components().next().unwrap().as_os_str();
        let module = Path::new(first)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let text = fs::read_to_string(&path).unwrap();
        Source { module, path, text }
    };
    let sources: Vec<Source> = files.into_iter().map(source).collect();
    let is_root = |source: &Source| matches!(source.module.as_str(), "lib" | "main");
    sources
        .into_iter()
        .filter(|source| !is_root(source))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "node_modules" && name != "generated" {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn assert_clean(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
