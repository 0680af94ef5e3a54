//! Does the database answer, and is its schema current?

use std::path::{Path, PathBuf};

use super::{Finding, place};
use crate::app;
use crate::cli::block_on;
use crate::config::{Settings, shown_database, table};

/// Connects without changing anything.
pub(super) fn look(settings: &Settings) -> Finding {
    let shown = shown_database(&settings.store.url);
    match settings.database.file.as_deref() {
        Some(file) if !file.exists() => missing(settings, file, &shown),
        _ => answering(settings, &shown),
    }
}

fn missing(settings: &Settings, file: &Path, shown: &str) -> Finding {
    let folder = existing_folder(file);
    if !settings.store.migrate {
        let cause =
            format!("{shown} does not exist, and --no-migrate keeps the server from making it");
        return Finding::fail(
            "database",
            cause,
            format!(
                "run: sohbet migrate; or {}",
                place(settings, &table::NO_MIGRATE)
            ),
        );
    }
    match is_writable(&folder) {
        Ok(()) => Finding::ok(
            "database",
            format!("{shown} does not exist yet; the server makes it"),
        ),
        Err(error) => Finding::fail(
            "database",
            format!("{shown} cannot be made in {}: {error}", folder.display()),
            format!(
                "the rights of that folder, or {}",
                place(settings, &table::DATABASE_URL)
            ),
        ),
    }
}

fn answering(settings: &Settings, shown: &str) -> Finding {
    let pending = match block_on(app::probe_database(&settings.store)) {
        Ok(pending) => pending,
        Err(error) => {
            let cause = format!("{shown} does not answer: {}", one_line(&error));
            return Finding::fail("database", cause, place(settings, &table::DATABASE_URL));
        }
    };
    let n_pending = pending.len();
    match pending.is_empty() {
        true => Finding::ok("database", format!("{shown} answers and is up to date")),
        false if settings.store.migrate => Finding::warn(
            "database",
            format!("{shown} answers; {n_pending} migrations are pending"),
            "nothing: the server does them at start (or run: sohbet migrate)",
        ),
        false => Finding::fail(
            "database",
            format!("{shown} is not up to date: {}", pending.join(", ")),
            format!(
                "run: sohbet migrate; or {}",
                place(settings, &table::NO_MIGRATE)
            ),
        ),
    }
}

fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The nearest folder above a file that is there; the server makes the ones between.
fn existing_folder(file: &Path) -> PathBuf {
    let above = file.ancestors().skip(1).find(|folder| folder.is_dir());
    match above {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Rights on paper say little (root, read-only mounts), so a file is made and removed.
fn is_writable(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".sohbet-check-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_exists_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b/chat.db");
        assert_eq!(existing_folder(&file), folder.path());
        assert_eq!(
            existing_folder(Path::new("no-such-folder/chat.db")),
            Path::new(".")
        );
        assert!(is_writable(folder.path()).is_ok());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
