//! What all dialects share names none of them (ARCHITECTURE.md, "Dialects").

use std::path::PathBuf;

use sohbet::wire::Dialect;

use super::{Source, assert_clean, code_lines, sources};

/// Where a dialect may be named, beside its own modules in `wire` and `http`: all else asks what a
/// dialect has, so that a new one changes nothing there.
const MAY_NAME_DIALECTS: [(&str, &str); 8] = [
    ("chat/dialects.rs", "registers what the domain has to know"),
    ("wire/mod.rs", "registers words"),
    ("http/mod.rs", "registers REST"),
    ("plain/", "was made for one dialect"),
    ("chat/desk", "the service of native"),
    ("chat/halls", "the service of chatsphere"),
    ("chat/lobby", "the service of starter"),
    (
        "app/handle.rs",
        "a host application acts as in our own dialect",
    ),
];

impl Source {
    /// The path below `src`.
    fn place(&self) -> String {
        let path = self.path.to_str().unwrap();
        path.rsplit_once("src/").unwrap().1.to_owned()
    }
}

#[test]
fn what_all_dialects_share_names_none() {
    let sources = sources();
    assert_clean(&dialect_faults(&sources));
    for (place, reason) in MAY_NAME_DIALECTS {
        let is_used = |source: &&Source| source.place().starts_with(place);
        let count = sources.iter().filter(is_used).count();
        assert!(count > 0, "{place} ({reason}) is not there");
    }
}

#[test]
fn a_dialect_that_is_named_in_the_wrong_place_is_found() {
    let plant = |place: &str, text: &str| Source {
        module: String::new(),
        path: PathBuf::from(format!("src/{place}")),
        text: text.into(),
    };
    for text in [
        "match d { Dialect::Native => 1 }",
        "use crate::wire::starter::X;",
    ] {
        assert_eq!(
            dialect_faults(&[plant("delivery.rs", text)]).len(),
            1,
            "{text}"
        );
    }
    assert_clean(&dialect_faults(&[plant(
        "chat/lobby.rs",
        "Dialect::Starter",
    )]));
}

fn dialect_faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let dialects = Dialect::ALL.map(|dialect| (format!("Dialect::{dialect:?}"), dialect.name()));
    for source in sources {
        let place = source.place();
        let mut own = dialects.iter().map(|(_, name)| name);
        let is_own = own.any(|name| {
            ["wire", "http"].iter().any(|floor| {
                let rest = place.strip_prefix(&format!("{floor}/{name}"));
                rest.is_some_and(|rest| rest.starts_with(['/', '.']))
            })
        });
        let mut allowed = MAY_NAME_DIALECTS.iter();
        if is_own || allowed.any(|(allowed, _)| place.starts_with(allowed)) {
            continue;
        }
        for line in code_lines(&source.text) {
            for (variant, name) in &dialects {
                if line.contains(variant) || line.contains(&format!("wire::{name}::")) {
                    faults.push(format!("{place} must not name a dialect: {}", line.trim()));
                }
            }
        }
    }
    faults
}
