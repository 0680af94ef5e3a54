//! What is fuzzed, and what must hold for every input: one type per target, which `fuzz/` runs on
//! inputs that a fuzzer makes up, and `tests/corpora.rs` on those that were kept.
//!
//! A run that panics is a finding. Inputs are written so that people can read and write them.

// A panic here is a finding, and what it prints belongs to its report.
#![allow(clippy::panic, clippy::unwrap_used)]

mod answers;
mod bodies;
mod bus;
mod cursors;
mod door;
mod events;
mod rest;
mod server;
mod tokens;
mod uploads;

pub use bodies::Bodies;
pub use bus::Bus;
pub use cursors::Cursors;
pub use door::Door;
pub use events::Events;
pub use rest::Rest;
pub use tokens::Tokens;
pub use uploads::Uploads;

/// Longest input that is looked at, in bytes.
const MAX_INPUT_BYTES: usize = 65_536;

/// Something that takes inputs of any kind.
pub trait Target {
    /// Prepares it: once per process.
    fn start() -> Self;

    /// Takes one input.
    ///
    /// # Panics
    ///
    /// If something does not hold that must.
    fn run(&self, input: &[u8]);
}

/// The first line of an input, and what follows it.
fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &[]),
    }
}
