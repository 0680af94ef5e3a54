//! Ways to spoil the story of a file.

use super::{find, spoil};
use crate::history::{Entry, What};

fn kept<'a>(history: &'a mut [Entry], wanted: &str) -> &'a mut What {
    let is_it = |entry: &Entry| matches!(&entry.what, What::File { id, .. } if id == wanted);
    let at = find(history, is_it);
    &mut history[at].what
}

fn fetched(history: &mut [Entry]) -> &mut Option<String> {
    let found = history.iter_mut().find_map(|entry| match &mut entry.what {
        What::Fetched { file, .. } => Some(file),
        _ => None,
    });
    found.expect("a file is fetched")
}

#[test]
fn a_file_that_is_another_one() {
    spoil("I16", |history| {
        *fetched(history) = Some("another".to_owned())
    });
}

#[test]
fn a_file_that_is_not_found() {
    spoil("I16", |history| *fetched(history) = None);
}

#[test]
fn a_file_that_is_lost() {
    spoil("I16", |history| {
        history.retain(|entry| !matches!(&entry.what, What::File { id, .. } if id == "f1"));
    });
}

#[test]
fn a_row_without_its_file() {
    spoil("I16", |history| {
        if let What::File { blob, .. } = kept(history, "f1") {
            *blob = None;
        }
    });
}

#[test]
fn a_torn_file() {
    spoil("I16", |history| {
        if let What::File { blob, .. } = kept(history, "f1") {
            *blob = Some("half".to_owned());
        }
    });
}

#[test]
fn an_answered_file_that_is_not_complete_in_the_database() {
    spoil("I16", |history| {
        if let What::File { row, .. } = kept(history, "f1") {
            *row = Some(String::new());
        }
    });
}

#[test]
fn a_file_without_a_row() {
    spoil("I16", |history| {
        if let What::File { row, .. } = kept(history, "f2") {
            *row = None;
        }
    });
}
