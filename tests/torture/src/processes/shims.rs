//! Libraries that are slipped under the server with `LD_PRELOAD`, built when they are needed.

use std::path::{Path, PathBuf};

use super::{command, find, run};

/// A power loss, and an fsync that fails.
const DURABLE: (&str, &str) = ("durable", include_str!("../../shims/durable.c"));
/// A wall clock that jumps.
const CLOCK: (&str, &str) = ("clock", include_str!("../../shims/clock.c"));

/// The built libraries.
#[derive(Debug, Clone)]
pub struct Shims {
    /// See `shims/durable.c`.
    pub durable: PathBuf,
    /// See `shims/clock.c`.
    pub clock: PathBuf,
}

impl Shims {
    /// Builds them into a folder; `None` where there is no C compiler.
    pub async fn build(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Some(cc) = find("cc") else {
            return Ok(None);
        };
        let mut built = Vec::new();
        for (name, source) in [DURABLE, CLOCK] {
            let (code, library) = (
                folder.join(format!("{name}.c")),
                folder.join(format!("{name}.so")),
            );
            std::fs::write(&code, source)?;
            let mut compile = command(&cc, None);
            compile
                .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
                .arg(&library)
                .arg(&code);
            compile.args(["-ldl", "-lpthread"]);
            run(compile).await?;
            built.push(library);
        }
        let mut built = built.into_iter();
        Ok(built
            .next()
            .zip(built.next())
            .map(|(durable, clock)| Self { durable, clock }))
    }
}
