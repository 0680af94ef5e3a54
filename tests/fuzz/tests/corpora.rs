//! Every input that was kept is taken as it was when it was kept: what fuzzing once found stays mended.

#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;

use sohbet_fuzz::{Bodies, Bus, Cursors, Door, Events, Rest, Target, Tokens, Uploads};

/// Fewer inputs than that are a corpus that was lost.
const MIN_INPUTS: usize = 10;

#[test]
fn bodies() {
    replay::<Bodies>("bodies");
}

#[test]
fn bus() {
    replay::<Bus>("bus");
}

#[test]
fn cursors() {
    replay::<Cursors>("cursors");
}

#[test]
fn door() {
    replay::<Door>("door");
}

#[test]
fn events() {
    replay::<Events>("events");
}

#[test]
fn rest() {
    replay::<Rest>("rest");
}

#[test]
fn tokens() {
    replay::<Tokens>("tokens");
}

#[test]
fn uploads() {
    replay::<Uploads>("uploads");
}

thread_local! {
    /// Whether anything panicked on this thread, on which its server runs too: a server answers for a
    /// handler that panics, and goes on.
    static HAS_PANICKED: Cell<bool> = const { Cell::new(false) };
}
static WATCHING: Once = Once::new();

fn replay<T: Target>(name: &str) {
    let inputs = inputs(name);
    assert!(inputs.len() >= MIN_INPUTS, "only {} inputs", inputs.len());
    WATCHING.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            HAS_PANICKED.set(true);
            usual(panic);
        }));
    });
    let target = T::start();
    for path in inputs {
        let input = fs::read(&path).unwrap();
        let taken = panic::catch_unwind(AssertUnwindSafe(|| target.run(&input)));
        let is_fine = taken.is_ok() && !HAS_PANICKED.get();
        assert!(is_fine, "cargo +nightly fuzz run {name} {}", path.display());
    }
}

fn inputs(name: &str) -> Vec<PathBuf> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut inputs: Vec<_> = fs::read_dir(corpora.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    inputs
}
