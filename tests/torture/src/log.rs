//! Where a run's history is written down: in memory for the checker, and in a file for people.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::history::{Entry, What};

/// Where clients write down what happens, in one order for all.
pub struct Log {
    started: Instant,
    state: Mutex<State>,
}

struct State {
    entries: Vec<Entry>,
    file: BufWriter<File>,
}

impl Log {
    /// A log that is also written to a file.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let state = State {
            entries: Vec::new(),
            file: BufWriter::new(File::create(path)?),
        };
        Ok(Self {
            started: Instant::now(),
            state: Mutex::new(state),
        })
    }

    /// Writes down what happens now.
    pub fn record(&self, who: &str, conn: u32, what: What) {
        let mut state = self.lock();
        let entry = Entry {
            at_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            who: who.to_owned(),
            conn,
            what,
        };
        // The copy on disk is for people; the run is judged by the one in memory.
        let _ = serde_json::to_writer(&mut state.file, &entry);
        let _ = state.file.write_all(b"\n");
        state.entries.push(entry);
    }

    /// Everything so far.
    pub fn entries(&self) -> Vec<Entry> {
        let mut state = self.lock();
        let _ = state.file.flush();
        state.entries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a history that was kept.
pub fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let lines = BufReader::new(File::open(path)?).lines();
    lines
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect()
}
