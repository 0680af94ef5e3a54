//! The committed entities: where they lie, and how they differ from what the steps give.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;

use super::Files;

/// Where the entities are committed.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../entity/src/generated")
}

/// The files of `directory`, none when it does not exist yet.
///
/// # Errors
///
/// Fails when a file cannot be read or is not UTF-8.
pub fn read(directory: &Path) -> Result<Files> {
    let mut files = Files::new();
    if !directory.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let content =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default();
        files.insert(name.to_string_lossy().into_owned(), content);
    }
    Ok(files)
}

/// Makes `directory` hold exactly `files`.
///
/// # Errors
///
/// Fails when the directory cannot be written.
pub fn write(directory: &Path, files: &Files) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    for name in read(directory)?.keys() {
        if !files.contains_key(name) {
            fs::remove_file(directory.join(name))?;
        }
    }
    for (name, content) in files {
        let path = directory.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What turns `old` into `new`, as a unified diff; empty when they are equal.
pub fn diff(old: &Files, new: &Files) -> String {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let content = |files: &Files, name| files.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            TextDiff::from_lines(&content(old, name), &content(new, name))
                .unified_diff()
                .header(&format!("committed/{name}"), &format!("generated/{name}"))
                .to_string()
        })
        .collect()
}
