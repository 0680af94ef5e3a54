//! Files are what they were when they came (I16).

use std::collections::HashMap;

use super::Findings;
use super::index::Index;
use crate::history::{Ask, Told, What};

pub fn check(index: &Index<'_>, found: &mut Findings) {
    let mut stored: HashMap<&str, (usize, &str)> = HashMap::new();
    for call in index.calls.values() {
        if let (Ask::Upload { file }, Some((at, Told::File { id }))) = (call.ask, call.done()) {
            stored.insert(id, (at, file));
        }
    }
    let mut kept = HashMap::new();
    for (at, entry) in index.history.iter().enumerate() {
        match &entry.what {
            What::Fetched { id, file } => {
                if let Some((stored_at, is)) = stored.get(id.as_str())
                    && file.as_deref() != Some(is)
                {
                    let what = match file {
                        Some(_) => format!("file {id} is another one when it is fetched"),
                        None => format!("file {id} is not found"),
                    };
                    found.add("I16", what, &[*stored_at, at]);
                }
            }
            What::File { id, row, blob } => {
                let is_complete = row.as_ref().is_some_and(|row| !row.is_empty());
                if row.is_none() || is_complete && row != blob {
                    let what = format!("file {id} and what the database says of it differ");
                    found.add("I16", what, &[at]);
                }
                kept.insert(id.as_str(), (at, row.as_deref()));
            }
            _ => {}
        }
    }
    if !index.is_whole {
        return;
    }
    for (id, (stored_at, file)) in stored {
        match kept.get(id) {
            Some((_, Some(row))) if *row == file => {}
            Some((at, _)) => {
                let what = format!("file {id} is not kept as it was stored");
                found.add("I16", what, &[stored_at, *at]);
            }
            None => found.add("I16", format!("file {id} is lost"), &[stored_at]),
        }
    }
}
