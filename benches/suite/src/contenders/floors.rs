//! The floor of the writer: a program that only writes rows, and says itself what that took.

use anyhow::{Context, ensure};

use super::{Contender, FILE, Stage, command, sqlite_url};
use crate::figures::{Figure, Figures};

/// Rows of one transaction: as many as the server writes at most.
const ROWS: usize = 512;

/// Writes so many batches over so many conversations.
pub async fn measure(
    stage: &Stage,
    contender: Contender,
    n_conversations: usize,
    n_batches: usize,
) -> anyhow::Result<Figures> {
    let numbers = [ROWS, n_conversations, n_batches].map(|number| number.to_string());
    let words = match contender.wants_postgres() {
        true => {
            let database = stage.databases.create().await?;
            let words = write(stage, &database.url, &numbers).await;
            stage.databases.drop(database).await?;
            words?
        }
        false => {
            let folder = tempfile::tempdir_in(&stage.folder)?;
            let url = sqlite_url(&folder.path().join(FILE));
            write(stage, &url, &numbers).await?
        }
    };
    read(&words)
}

async fn write(stage: &Stage, url: &str, numbers: &[String]) -> anyhow::Result<String> {
    let mut command = command(stage.programs.floor("batch-inserts"));
    let output = command.arg(url).args(numbers).output().await?;
    ensure!(
        output.status.success(),
        "batch-inserts failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Of `1.23 us a row, 456 rows a second`.
fn read(words: &str) -> anyhow::Result<Figures> {
    let mut numbers = words.split(' ').filter_map(|word| word.parse().ok());
    let mut next = || {
        numbers
            .next()
            .with_context(|| format!("no number in {words:?}"))
    };
    Ok(Figures::from([
        (Figure::CpuUsPerMessage, next()?),
        (Figure::MessagesPerSecond, next()?),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_says_is_understood() {
        let figures = read("12.50 us a row, 9441 rows a second\n").unwrap();
        assert_eq!(figures[&Figure::CpuUsPerMessage], 12.5);
        assert_eq!(figures[&Figure::MessagesPerSecond], 9_441.0);
        assert!(read("nothing").is_err());
    }
}
