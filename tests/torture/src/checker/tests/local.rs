//! Whether a node waits for Redis before it tells its own clients.

use super::good::message;
use super::violations;
use crate::history::{Entry, Told, What};

const N_MESSAGES: i64 = 30;

/// Sends and hears messages one after the other; each is heard so long after its answer.
fn chat(history: &mut Vec<Entry>, took_us: u64) {
    let first = history.len() as i64 + 1;
    for seq in first..first + N_MESSAGES {
        let message = message(seq, seq, "ada", &format!("ada-{seq}"));
        let at_us = history.last().map_or(0, |last| last.at_us) + 10_000;
        let told = Told::Message {
            message: message.clone(),
            duplicate: false,
        };
        let call = seq as u64;
        history.push(entry(at_us, What::Ok { call, told }));
        history.push(entry(at_us + took_us, What::Received { message }));
    }
}

fn entry(at_us: u64, what: What) -> Entry {
    Entry {
        at_us,
        who: "ada/d1".to_owned(),
        conn: 1,
        what,
    }
}

/// A run in which Redis, or something else, is away for a while. Whether it is reported.
fn is_reported(fault: &str, took_us: u64) -> bool {
    let mut history = Vec::new();
    chat(&mut history, 1_000);
    let begins = What::FaultBegins {
        fault: fault.to_owned(),
    };
    let at_us = history.last().map_or(0, |last| last.at_us);
    history.push(entry(at_us, begins));
    chat(&mut history, took_us);
    let found = violations(&history);
    let mut found = found.iter().map(|violation| &violation.what);
    found.any(|what| what.starts_with("without Redis"))
}

#[test]
fn waiting_for_the_bus_is_reported() {
    assert!(is_reported("kill -9 of Redis", 500_000));
    assert!(!is_reported("kill -9 of Redis", 20_000));
    assert!(!is_reported("PostgreSQL crash", 500_000));
}
