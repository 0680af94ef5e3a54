//! The page: people write it, and what is measured goes between its markers.

mod budgets;
mod curves;
mod numbers;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::machine::Machine;
use crate::samples::Samples;

const BEGIN: &str = "<!-- measured: ";
const CLOSE: &str = " -->";
const END: &str = "<!-- end -->";
/// The page, in the folder of documents.
const PAGE: &str = "performance.md";
/// What belongs to it, beside it.
const FOLDER: &str = "performance";

/// The page before anything is measured.
#[derive(Debug)]
pub struct Page {
    folder: PathBuf,
    text: String,
}

impl Page {
    /// Reads it from the folder of documents. Fails if it does not have every marker once.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(PAGE);
        let text = std::fs::read_to_string(&file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let page = Self {
            folder: folder.to_owned(),
            text,
        };
        let complete = page.check();
        complete.with_context(|| format!("{} is not complete", file.display()))?;
        Ok(page)
    }

    /// Writes it with what was found, and everything that it refers to.
    pub fn write(mut self, machine: &Machine, samples: &Samples) -> anyhow::Result<()> {
        let beside = self.folder.join(FOLDER);
        std::fs::create_dir_all(&beside)?;
        for (name, part) in parts(machine, samples) {
            self.text = replace(&self.text, name, &part)?;
        }
        for (name, svg) in curves::draw(samples)? {
            std::fs::write(beside.join(format!("{name}.svg")), svg)?;
        }
        let all = serde_json::json!({ "machine": machine, "samples": samples });
        let figures = serde_json::to_string_pretty(&all)? + "\n";
        std::fs::write(beside.join("figures.json"), figures)?;
        Ok(std::fs::write(self.folder.join(PAGE), self.text)?)
    }

    fn check(&self) -> anyhow::Result<()> {
        let names = names();
        for name in &names {
            replace(&self.text, name, "")?;
        }
        let n_found = self.text.matches(BEGIN).count();
        ensure!(
            n_found == names.len(),
            "it has {n_found} markers, and {} are known: {}",
            names.len(),
            names.join(", ")
        );
        Ok(())
    }
}

/// The tables of some rows, for the terminal.
pub fn show(samples: &Samples) -> String {
    let tables = tables::ALL.iter().map(|table| table.to_markdown(samples));
    let curves = curves::ALL.iter().map(|curve| curve.to_markdown(samples));
    let parts: Vec<_> = tables
        .chain(curves)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n")
}

fn names() -> Vec<&'static str> {
    let tables = tables::ALL.iter().map(|table| table.name);
    let curves = curves::ALL.iter().map(|curve| curve.name);
    let others = ["machine", "budgets", "floor"];
    others.into_iter().chain(tables).chain(curves).collect()
}

fn parts(machine: &Machine, samples: &Samples) -> Vec<(&'static str, String)> {
    let mut parts = vec![
        ("machine", machine.to_markdown()),
        ("budgets", budgets::to_markdown(samples)),
        ("floor", tables::floors(samples)),
    ];
    let tables = tables::ALL.iter();
    parts.extend(tables.map(|table| (table.name, table.to_markdown(samples))));
    let curves = curves::ALL.iter();
    parts.extend(curves.map(|curve| (curve.name, curve.to_markdown(samples))));
    parts
}

/// Puts a part between its markers.
fn replace(text: &str, name: &str, part: &str) -> anyhow::Result<String> {
    let marker = format!("{BEGIN}{name}{CLOSE}");
    let mut found = text.split(&marker);
    let (Some(before), Some(rest), None) = (found.next(), found.next(), found.next()) else {
        bail!("it must have the marker {marker} once");
    };
    let end = rest.split_once(END).filter(|(old, _)| !old.contains(BEGIN));
    let (_, after) = end.with_context(|| format!("behind {marker} there must be {END}"))?;
    let part = part.trim();
    Ok(format!("{before}{marker}\n{part}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let text =
            "a\n<!-- measured: x -->\nold\n<!-- end -->\nb\n<!-- measured: y -->\n<!-- end -->\n";
        let new = replace(text, "x", "| new |\n").unwrap();
        assert_eq!(new, text.replace("old", "| new |"));
        assert_eq!(replace(&new, "x", "| new |").unwrap(), new);
    }

    #[test]
    fn a_marker_that_is_missing_twice_or_open_is_named() {
        let marker = "<!-- measured: x -->";
        for text in [
            "nothing".to_owned(),
            format!("{marker}\n{END}\n{marker}\n{END}"),
            format!("{marker}\n"),
            format!("{marker}\n<!-- measured: y -->\n{END}"),
        ] {
            let complaint = replace(&text, "x", "").unwrap_err().to_string();
            assert!(complaint.contains(marker), "{complaint}");
        }
    }

    #[test]
    fn our_page_has_every_marker() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        Page::read(&docs).unwrap();
    }
}
